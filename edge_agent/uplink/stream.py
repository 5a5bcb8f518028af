"""One connection's record stream: hello, records up, receipts down; ends when the connection does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

import grpc

from edge_agent.errors import JournalError, UplinkError
from edge_agent.uplink.live import LiveLane
from edge_agent.uplink.refusals import check_held, refused
from edge_agent.uplink.session import SendBatch, SendLive, Session, Terms, Wait
from edge_agent.uplink.source import JournalSource
from edge_agent.uplink.window import RecordRate
from gate_contract.checkpoint import NoteError, Verifier, open_receipt
from gate_contract.envelope import seal_encoded
from gate_contract.kept import check_kept
from gate_contract.v1 import uplink_pb2 as pb
from gate_contract.v1.uplink_pb2_grpc import UplinkServiceStub

PROTOCOL = 1

IDLE_S = 1.0
"""How long the sender sleeps before the welcome when nothing wakes it; only a lost wake-up would need it."""

SOON_S = 0.05


@dataclass(slots=True)
class _Connection:
    """What belongs to one connection, so that the sender of an earlier one can never meddle with the next.

    `session` is None until the collector's welcome; `failure` is why we ended it.
    """

    begun: float
    session: Session | None = None
    ended: bool = False
    failure: JournalError | UplinkError | None = None
    call: grpc.Call | None = None


class RecordStream:
    """Streams one journal, over one connection at a time. `wake` and `live` may be called from any thread."""

    def __init__(
        self,
        journal: JournalSource,
        collector_key: Verifier,
        agent_version: str,
        wall_ns: Callable[[], int],
        on_receipt: Callable[[int], None],
        *,
        max_records_per_s: int | None = None,
        on_behind: Callable[[int, int], None] = lambda _held, _promised: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begins with `run`.

        Args:
            journal: what is streamed.
            collector_key: cosigner key that receipts are checked against.
            agent_version: told to the collector.
            wall_ns: time for the journal's note of a receipt.
            on_receipt: called with the size of each receipt, when it is durable.
            max_records_per_s: bound on the backlog's rate; None is none.
            on_behind: called with (records the collector holds, records it once gave a receipt for) when it welcomes
                us with less than that: it was restored from an old backup.
            monotonic: seconds of a clock that never jumps.
        """
        self._journal, self._collector_key = journal, collector_key
        self._agent_version, self._wall_ns, self._on_receipt = agent_version, wall_ns, on_receipt
        self._on_behind, self._monotonic = on_behind, monotonic
        self._live = LiveLane()
        self._rate = None if max_records_per_s is None else RecordRate(max_records_per_s, monotonic())
        self._changed = threading.Condition()
        self._connection = _Connection(monotonic())
        self._closed = False
        self.batch_bytes = self.live_bytes = 0
        """Bytes of batches and of live records that went up since the start, those sent again too."""

    @property
    def live_waiting(self) -> int:
        """Live records that are not known to be at the collector."""
        return len(self._live)

    def wake(self) -> None:
        """Records were appended."""
        with self._changed:
            self._changed.notify_all()

    def live(self, first_index: int, count: int) -> None:
        """Records were appended, and these of them go ahead of any backlog."""
        with self._changed:
            self._live.add(first_index, count)
            self._changed.notify_all()

    def silent_s(self) -> tuple[float, bool]:
        """For how long the collector has owed an answer, and whether it is the welcome that it owes."""
        with self._changed:
            connection, now = self._connection, self._monotonic()
            if connection.session is None:
                return now - connection.begun, True
            return connection.session.silent_s(now), False

    @property
    def busy(self) -> bool:
        """Whether records are on their way or wait for it."""
        with self._changed:
            session = self._connection.session
            return session is not None and session.answered < self._journal.size

    @property
    def moved(self) -> bool:
        """Whether the present connection, or the last one, brought a receipt for something new."""
        with self._changed:
            session = self._connection.session
            return session is not None and session.moved

    def check_kept(self, note: bytes, digest: bytes, size: int) -> None:
        """NoteError unless the collector promises in `note` that it keeps this blob of ours."""
        check_kept(note, digest, size, self._journal.origin, self._collector_key)

    def end(self, failure: UplinkError | None = None) -> None:
        """Let `run` return soon, or raise `failure`."""
        with self._changed:
            self._end(self._connection, failure)

    def close(self) -> None:
        """As `end`, and for good: a `run` that is about to begin returns, too."""
        with self._changed:
            self._closed = True
            self._end(self._connection, None)

    def run(self, channel: grpc.Channel, on_welcome: Callable[[], None]) -> None:
        """Stream until the connection ends or `end` is called; `on_welcome` is called once it has come up.

        Raises UplinkError with the collector's words when it refuses (StandstillError where a person must act),
        JournalError when the journal cannot go on, grpc.RpcError when the connection breaks.
        """
        with self._changed:
            if self._closed:
                return
            connection = self._connection = _Connection(self._monotonic())
            call = connection.call = UplinkServiceStub(channel).Stream(self._requests(connection))
        try:
            for response in call:
                self._take(connection, response)
                if response.WhichOneof("body") == "welcome":
                    on_welcome()
        except grpc.RpcError:
            if not connection.ended:
                raise
        finally:
            with self._changed:
                self._end(connection, None)
        if connection.failure is not None:
            raise connection.failure

    def _end(self, connection: _Connection, failure: JournalError | UplinkError | None) -> None:
        connection.ended = True
        connection.failure = connection.failure or failure
        self._changed.notify_all()
        if connection.call is not None:
            connection.call.cancel()

    # --- up ------------------------------------------------------------------------------------------------------

    def _requests(self, connection: _Connection) -> Iterator[pb.StreamRequest]:
        """What goes up. gRPC would only log an error from here: it is left for `run` to raise."""
        try:
            yield self._hello()
            while (step := self._next_step(connection)) is not None:
                session, what = step
                if isinstance(what, SendLive):
                    yield from self._live_records(session, what)
                else:
                    yield from self._batch(session, what)
        except JournalError as error:
            with self._changed:
                self._end(connection, error)

    def _hello(self) -> pb.StreamRequest:
        _, receipt = self._journal.receipt()
        return pb.StreamRequest(
            hello=pb.Hello(
                protocol=PROTOCOL,
                origin=self._journal.origin,
                size=self._journal.size,
                agent_version=self._agent_version,
                receipt=receipt,
            )
        )

    def _next_step(self, connection: _Connection) -> tuple[Session, SendLive | SendBatch] | None:
        """Wait until something may go up; None when the connection has ended."""
        with self._changed:
            while not connection.ended:
                pause_s, session = IDLE_S, connection.session
                if session is not None:
                    step = session.step(self._journal.size, self._monotonic())
                    if not isinstance(step, Wait):
                        return session, step
                    pause_s = step.seconds
                self._changed.wait(pause_s)
        return None

    def _batch(self, session: Session, step: SendBatch) -> Iterator[pb.StreamRequest]:
        stretch = self._journal.stretch(step.first_index, step.max_records, step.max_bytes)
        if stretch is None:  # appended, and not seen by readers yet
            with self._changed:
                self._changed.wait(SOON_S)
            return
        batch = seal_encoded(stretch.first_index, stretch.bodies, stretch.note, stretch.lost)
        with self._changed:
            session.sent_batch(stretch.end, stretch.record_count, len(batch), self._monotonic())
            self.batch_bytes += len(batch)
        yield pb.StreamRequest(batch=batch)

    def _live_records(self, session: Session, step: SendLive) -> Iterator[pb.StreamRequest]:
        found = {index: self._journal.live(index) for index in step.indices}
        with self._changed:
            self._live.settled(index for index, item in found.items() if item is None)
            session.sent_live(len(found))
        items = [item for item in found.values() if item is not None]
        for note, group in groupby(items, key=lambda item: item.note):  # those of one commit share its checkpoint
            records = [pb.LiveRecord(index=item.index, body=item.body, proof=item.proof) for item in group]
            live = pb.LiveRecords(checkpoint=note, records=records)
            self.live_bytes += live.ByteSize()
            yield pb.StreamRequest(live=live)

    # --- down ----------------------------------------------------------------------------------------------------

    def _take(self, connection: _Connection, response: pb.StreamResponse) -> None:
        match response.WhichOneof("body"):
            case "welcome":
                self._welcome(connection, response.welcome)
            case "receipt":
                if connection.session is None:
                    raise UplinkError("the collector sent a receipt before its welcome")
                self._receipt(connection.session, response.receipt.note, response.receipt.dead_lettered)
            case "live":
                with self._changed:
                    self._live.settled(response.live.indices)
            case "refusal":
                raise refused(response.refusal)
            case _:
                pass  # something a newer collector says: not for us

    def _welcome(self, connection: _Connection, welcome: pb.Welcome) -> None:
        check_held(welcome.size, self._journal.size)
        promised, _ = self._journal.receipt()
        if welcome.size < promised:
            self._on_behind(welcome.size, promised)
        terms = Terms(welcome.size, welcome.window_bytes, welcome.max_batch_bytes, welcome.takes_live)
        with self._changed:
            session = Session(terms, self._live, self._rate, self._monotonic())
        if welcome.receipt:
            self._receipt(session, welcome.receipt, welcome.dead_lettered)
        with self._changed:
            connection.session = session
            self._changed.notify_all()

    def _receipt(self, session: Session, note: bytes, dead_lettered: int) -> None:
        try:
            receipt = open_receipt(note, self._collector_key, self._journal.origin)
        except NoteError as error:
            raise UplinkError("the collector sent a receipt that does not hold", cause=str(error)) from error
        if dead_lettered > receipt.checkpoint.size:  # not under the signature; the balance must not break by it
            counted = f"{dead_lettered} of {receipt.checkpoint.size} records could not be understood"
            raise UplinkError("the collector sent a receipt that cannot be", cause=counted)
        # Durable first: only then may anything be forgotten.
        self._journal.acknowledge(receipt, note, dead_lettered, self._wall_ns())
        with self._changed:
            try:
                session.receipt(receipt.checkpoint.size, self._monotonic())
            except ValueError as error:
                raise UplinkError("the collector sent a receipt that cannot be", cause=str(error)) from error
            self._changed.notify_all()
        self._on_receipt(receipt.checkpoint.size)
