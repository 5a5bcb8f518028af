"""Keeps the agent connected: opens the channel, runs the stream, evidence and reference beside it, renews, backs off.

Nothing here can lose a record: the journal is the queue, and only receipts move it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import grpc
import structlog

from edge_agent.errors import EdgeAgentError, EvidenceLostError
from edge_agent.uplink.evidence import Blobs, deliver
from edge_agent.uplink.stream import RecordStream

LOG = structlog.get_logger()

BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
EVIDENCE_POLL_S = 0.5
AFTER_FAILURE_S = 5.0
"""Pause of a helper that failed: what it says in the log is the same each time."""

STOP_S = 2.0
"""How long `stop` waits. A thread that still asks a collector that does not answer ends with the process."""

RENEWAL_EVERY_S = 600.0

CHANNEL_OPTIONS = (
    ("grpc.keepalive_time_ms", 10_000),  # a half-open connection is noticed within 20 s
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_send_message_length", 64 * 1024 * 1024),
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)


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

    def explain(self, error_text: str) -> str:
        """A TLS failure in words a person can act on."""


@dataclass(frozen=True, slots=True)
class UplinkState:
    """Connected or not, and why not."""

    connected: bool
    problem: str = ""


class Uplink:
    """One thread that keeps the record stream running, with three helpers while it is connected."""

    def __init__(
        self,
        connector: Connector,
        stream: RecordStream,
        evidence_waiting: Callable[[], list[tuple[bytes, int, str]]],
        blobs: Blobs,
        refresh_reference: Callable[[grpc.Channel], None],
        reference_every_s: float,
        on_state: Callable[[UplinkState], None],
        on_lost: Callable[[EvidenceLostError], None],
    ) -> None:
        """`refresh_reference` fetches what is new; it may raise grpc.RpcError. `on_lost`: of a blob nothing is left."""
        self._connector, self._stream, self._blobs = connector, stream, blobs
        self._evidence_waiting = evidence_waiting
        self._refresh_reference, self._reference_every_s = refresh_reference, reference_every_s
        self._on_state, self._on_lost = on_state, on_lost
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def stop(self) -> None:
        """End the connection; returns within a few seconds."""
        self._stop.set()
        self._stream.close()
        self._thread.join(timeout=STOP_S)

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            problem, worked = self._connect_once()
            if self._stop.is_set():
                return
            failures = 0 if worked else failures + 1
            self._on_state(UplinkState(connected=False, problem=problem))
            LOG.warning("uplink.down", problem=problem, tries=failures)
            self._stop.wait(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])

    def _connect_once(self) -> tuple[str, bool]:
        """One connection until it ends: why it ended, and whether it had come up."""
        up = threading.Event()
        self._renew()
        channel = grpc.secure_channel(self._connector.address, self._connector.credentials(), options=CHANNEL_OPTIONS)
        over = threading.Event()
        helpers = [
            threading.Thread(target=self._helper, args=(work, channel, up, over), name=name, daemon=True)
            for name, work in (
                ("evidence", self._deliver_evidence),
                ("reference", self._keep_reference),
                ("renewal", self._keep_certificate),
            )
        ]
        for helper in helpers:
            helper.start()
        try:
            self._stream.run(channel, on_welcome=lambda: self._came_up(up))
        except grpc.RpcError as error:
            return self._words(error), up.is_set()
        except EdgeAgentError as error:
            return str(error), up.is_set()
        else:
            return "the collector ended the connection", up.is_set()
        finally:
            over.set()
            up.set()
            channel.close()
            for helper in helpers:
                helper.join(timeout=2)

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
                problem = self._words(error)
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
                deliver(channel, self._blobs, item, over)
            except EvidenceLostError as error:
                self._on_lost(error)  # recorded first: a blob must not vanish without a word
                self._blobs.lost(item[0])

    def _keep_reference(self, channel: grpc.Channel, over: threading.Event) -> None:
        self._refresh_reference(channel)
        over.wait(self._reference_every_s)

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

    def _words(self, error: grpc.RpcError) -> str:
        if not isinstance(error, grpc.Call):
            return str(error)
        details = error.details() or ""
        if error.code() is grpc.StatusCode.UNAVAILABLE:
            return self._connector.explain(details)
        return f"{error.code().name}: {details}"
