"""Keeps the agent connected: opens the channel, runs the stream, evidence and reference beside it, renews, backs off.

Nothing here can lose a record: the journal is the queue, and only receipts move it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import SystemRandom
from typing import Protocol

import grpc
import structlog

from edge_agent.errors import EdgeAgentError, EvidenceLostError, UplinkError
from edge_agent.uplink.evidence import Blobs, Courier
from edge_agent.uplink.progress import SentBytes, UplinkState
from edge_agent.uplink.refusals import StandstillError
from edge_agent.uplink.stream import RecordStream

LOG = structlog.get_logger()

BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
STANDSTILL_S = 60.0
"""Pause before the next try when only a person can help."""

SPREAD = 0.5
"""Pauses are longer or shorter by up to this share: gates that lost one collector do not all come back at once."""

LASTED_S = 10.0
"""A connection that lasted so long, or brought a receipt for something new, was a good one: the next try comes soon."""

EVIDENCE_POLL_S = 0.5
AFTER_FAILURE_S = 5.0
"""Pause of a helper that failed: what it says in the log is the same each time."""

STOP_S = 2.0
"""How long `stop` waits. A thread that still asks a collector that does not answer ends with the process."""

RENEWAL_EVERY_S = 600.0

WATCH_EVERY_S = 1.0
WELCOME_WITHIN_S = 60.0
"""From the first try to connect to the collector's welcome."""

RECEIPT_WITHIN_S = 300.0
"""A collector that lives (HTTP/2 pings are answered) and gives no receipt for so long is asked anew. Much longer than
the largest commit takes over the slowest line: there, beginning again would never end."""

LOOK_THERE = "look at the collector's log and its disk"

DEAD_AFTER_S = 15.0
"""A ping that is not answered for so long ends the connection. It goes out PING_AFTER_S after the last byte came, so a
half-open connection is noticed within 25 s."""

PING_AFTER_S = 8.0

MOST_PATIENCE = 16
"""An answer waits behind what is being sent, and one record of 256 KiB takes long on a slow line. Where a
connection was ended while records waited, and had brought none of them to the collector, the next one has twice the
time, up to so many times DEAD_AFTER_S; else nothing would ever get through."""

CHANNEL_OPTIONS = (
    ("grpc.keepalive_time_ms", int(PING_AFTER_S * 1000)),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_send_message_length", 64 * 1024 * 1024),
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    # A channel is for one connection, which nobody else may get: gRPC would keep a dead one for the next channel.
    ("grpc.use_local_subchannel_pool", 1),
    # How long TCP and TLS may take to come up is not set: it is gRPC's 20 s. (min_reconnect_backoff_ms would bound it.)
)


def dead_after(seconds: float) -> tuple[tuple[str, int], ...]:
    """Channel options: how long a ping may take.

    gRPC has one number for TCP's own timeout and one for pings, those that it sends to measure the line included: while
    one of these is on its way no other goes out, and by itself it would be waited for a minute.
    """
    return (("grpc.keepalive_timeout_ms", int(seconds * 1000)), ("grpc.http2.ping_timeout_ms", int(seconds * 1000)))


class Connector(Protocol):
    """How to reach the collector, with the credentials that are valid now."""

    @property
    def address(self) -> str:
        """host:port of the uplink."""

    def credentials(self) -> grpc.ChannelCredentials:
        """The agent's certificate and key, the collector's CA."""

    def renew_if_due(self) -> bool:
        """Fetch a fresh certificate when the present one nears its end; whether it did.

        EdgeAgentError when it fails.
        """

    def explain(self, error_text: str, *, was_up: bool) -> str:
        """In words a person can act on: why there is no connection, or why the one that was up ended."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a connection ended: why, whether it had been a good one, and whether only a person can help."""

    problem: str
    good: bool
    standstill: bool


class Uplink:
    """One thread that keeps the record stream running, with four helpers beside each connection."""

    def __init__(
        self,
        connector: Connector,
        stream: RecordStream,
        evidence_waiting: Callable[[], list[tuple[bytes, int, str]]],
        blobs: Blobs,
        keep_reference: Callable[[grpc.Channel, threading.Event], None],
        on_state: Callable[[UplinkState], None],
        on_lost: Callable[[EvidenceLostError], None],
    ) -> None:
        """Begins with `start`.

        `keep_reference` takes reference data as it comes, until the connection or the event says that it is over; it
        may raise grpc.RpcError. `on_lost`: of a blob nothing is left.
        """
        self._connector, self._stream, self._blobs = connector, stream, blobs
        self._courier = Courier(blobs, lambda: stream.busy, stream.check_kept)
        self._evidence_waiting, self._keep_reference = evidence_waiting, keep_reference
        self._on_state, self._on_lost = on_state, on_lost
        self._patience = 1
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)

    @property
    def sent(self) -> SentBytes:
        """What went up since the start."""
        return SentBytes(self._stream.batch_bytes, self._stream.live_bytes, self._courier.sent_bytes)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def stop(self) -> None:
        """End the connection, if it was ever begun; returns within a few seconds."""
        self._stop.set()
        self._stream.close()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_S)

    def _run(self) -> None:
        spread = SystemRandom()
        failures = 0
        while not self._stop.is_set():
            ended = self._connect_once()
            if self._stop.is_set():
                return
            failures = 0 if ended.good else failures + 1
            self._on_state(UplinkState(connected=False, problem=ended.problem))
            LOG.warning("uplink.down", problem=ended.problem, tries=failures)
            pause_s = STANDSTILL_S if ended.standstill else BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
            self._stop.wait(pause_s * spread.uniform(1 - SPREAD, 1 + SPREAD))

    def _connect_once(self) -> _Ended:
        """One connection until it ends."""
        self._renew()
        options = (*CHANNEL_OPTIONS, *dead_after(DEAD_AFTER_S * self._patience))
        channel = grpc.secure_channel(self._connector.address, self._connector.credentials(), options=options)
        up, over = threading.Event(), threading.Event()
        helpers = [
            threading.Thread(target=work, args=arguments, name=name, daemon=True)
            for name, work, arguments in (
                ("evidence", self._helper, (self._deliver_evidence, channel, up, over)),
                ("reference", self._helper, (self._keep_reference, channel, up, over)),
                ("renewal", self._helper, (self._keep_certificate, channel, up, over)),
                ("watch", self._watch, (over,)),
            )
        ]
        for helper in helpers:
            helper.start()
        begun = time.monotonic()
        problem, standstill = "the collector ended the connection", False
        try:
            self._stream.run(channel, on_welcome=lambda: self._came_up(up))
        except grpc.RpcError as error:
            problem = self._words(error, was_up=up.is_set())
        except EdgeAgentError as error:
            problem, standstill = str(error), isinstance(error, StandstillError)
        finally:
            if self._stream.moved:
                self._patience = 1
            elif up.is_set() and self._stream.busy:
                self._patience = min(2 * self._patience, MOST_PATIENCE)
            good = up.is_set() and (self._stream.moved or time.monotonic() - begun >= LASTED_S)
            over.set()
            up.set()
            channel.close()
            for helper in helpers:
                helper.join(timeout=2)
        return _Ended(problem, good, standstill)

    def _watch(self, over: threading.Event) -> None:
        """End a connection on which the collector owes an answer for too long; gRPC sees nothing wrong with it."""
        while not over.wait(WATCH_EVERY_S):
            silent_s, welcome = self._stream.silent_s()
            if welcome and silent_s > WELCOME_WITHIN_S:
                self._stream.end(UplinkError("the collector can be reached and says nothing", fix=LOOK_THERE))
            elif silent_s > RECEIPT_WITHIN_S:
                what = f"the collector is connected and has given no receipt for {silent_s:.0f} s"
                self._stream.end(UplinkError(what, fix=LOOK_THERE))

    def _came_up(self, up: threading.Event) -> None:
        LOG.info("uplink.up", address=self._connector.address)
        self._on_state(UplinkState(connected=True))
        up.set()

    def _helper(
        self,
        work: Callable[[grpc.Channel, threading.Event], None],
        channel: grpc.Channel,
        up: threading.Event,
        over: threading.Event,
    ) -> None:
        up.wait()
        while not over.is_set():
            try:
                work(channel, over)
            except grpc.RpcError as error:
                problem = self._words(error, was_up=True)
            except ValueError:
                return  # grpc: the channel was closed under us
            except EdgeAgentError as error:
                problem = str(error)
            else:
                over.wait(EVIDENCE_POLL_S)
                continue
            if not over.is_set():
                LOG.warning("uplink.helper", problem=problem)
            over.wait(AFTER_FAILURE_S)

    def _deliver_evidence(self, channel: grpc.Channel, over: threading.Event) -> None:
        for item in self._evidence_waiting():
            if over.is_set():
                return
            try:
                self._courier.deliver(channel, item, over)
            except EvidenceLostError as error:
                self._on_lost(error)  # recorded first: a blob must not vanish without a word
                self._blobs.lost(item[0])

    def _keep_certificate(self, _channel: grpc.Channel, over: threading.Event) -> None:
        """A connection may live for months: renew beside it, and connect anew with the fresh certificate."""
        if not over.wait(RENEWAL_EVERY_S) and self._renew():
            self._stream.end()

    def _renew(self) -> bool:
        try:
            return self._connector.renew_if_due()
        except EdgeAgentError as error:
            # The present certificate may still do; if not, the handshake says so.
            LOG.warning("certificate.not_renewed", problem=str(error))
            return False

    def _words(self, error: grpc.RpcError, *, was_up: bool) -> str:
        if not isinstance(error, grpc.Call):
            return str(error)
        details = error.details() or ""
        if error.code() is grpc.StatusCode.UNAVAILABLE:
            return self._connector.explain(details, was_up=was_up)
        return f"{error.code().name}: {details}"
