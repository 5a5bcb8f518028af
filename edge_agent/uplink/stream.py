"""One connection's record stream: hello, batches up, receipts down; ends when the connection does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import grpc

from edge_agent.errors import JournalError, UplinkError
from edge_agent.model.sealed import Stretch
from edge_agent.uplink.window import Window
from gate_contract.checkpoint import NoteError, Receipt, Verifier, open_receipt
from gate_contract.envelope import seal
from gate_contract.v1 import uplink_pb2 as pb
from gate_contract.v1.uplink_pb2_grpc import UplinkServiceStub

PROTOCOL = 1
MAX_RECORDS = 8192
"""Records in one batch: enough to spread a signature thin, few enough to stay live."""

IDLE_S = 1.0
"""How long the sender sleeps when nothing wakes it; only a lost wake-up would need it."""


class JournalSource(Protocol):
    """What the uplink needs of a journal."""

    @property
    def origin(self) -> str:
        """Origin of its checkpoints."""

    @property
    def size(self) -> int:
        """Records captured."""

    def stretch(self, first_index: int, max_records: int, max_bytes: int) -> Stretch | None:
        """Records from an index on, up to a signed checkpoint."""

    def receipt(self) -> tuple[int, bytes]:
        """Latest receipt: size and note."""

    def acknowledge(self, receipt: Receipt, note: bytes, dead_lettered: int, received_ns: int) -> None:
        """Keep a verified receipt."""


@dataclass(slots=True)
class _Connection:
    """What belongs to one connection, so that the sender of an earlier one can never meddle with the next.

    `window` is None until the collector's welcome; `failure` is why the sender gave up.
    """

    window: Window | None = None
    max_batch_bytes: int = 0
    ended: bool = False
    failure: JournalError | None = None
    call: grpc.Call | None = None


class RecordStream:
    """Streams one journal over one channel. `wake` may be called from any thread when records were appended."""

    def __init__(
        self,
        journal: JournalSource,
        collector_key: Verifier,
        agent_version: str,
        wall_ns: Callable[[], int],
        on_receipt: Callable[[int], None],
    ) -> None:
        """`collector_key` is the cosigner key that receipts are checked against."""
        self._journal, self._collector_key = journal, collector_key
        self._agent_version, self._wall_ns, self._on_receipt = agent_version, wall_ns, on_receipt
        self._changed = threading.Condition()
        self._connection = _Connection()
        self._closed = False

    def wake(self) -> None:
        """Records were appended."""
        with self._changed:
            self._changed.notify_all()

    def end(self) -> None:
        """Let `run` return soon."""
        with self._changed:
            self._connection.ended = True
            self._changed.notify_all()
            if self._connection.call is not None:
                self._connection.call.cancel()

    def close(self) -> None:
        """As `end`, and for good: a `run` that is about to begin returns, too."""
        with self._changed:
            self._closed = True
        self.end()

    def run(self, channel: grpc.Channel, on_welcome: Callable[[], None]) -> None:
        """Stream until the connection ends or `end` is called; `on_welcome` is called once it has come up.

        Raises UplinkError with the collector's words when it refuses, JournalError when the journal cannot go on,
        grpc.RpcError when the connection breaks.
        """
        with self._changed:
            if self._closed:
                return
            connection = self._connection = _Connection()
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
            self.end()
        if connection.failure is not None:
            raise connection.failure

    def _requests(self, connection: _Connection) -> Iterator[pb.StreamRequest]:
        """What goes up. gRPC would only log an error from here: it is left for `run` to raise."""
        try:
            yield from self._batches(connection)
        except JournalError as error:
            connection.failure = error
            self.end()

    def _batches(self, connection: _Connection) -> Iterator[pb.StreamRequest]:
        _, receipt = self._journal.receipt()
        yield pb.StreamRequest(
            hello=pb.Hello(
                protocol=PROTOCOL,
                origin=self._journal.origin,
                size=self._journal.size,
                agent_version=self._agent_version,
                receipt=receipt,
            )
        )
        while (window := self._wait_for_work(connection)) is not None:
            stretch = self._journal.stretch(window.next_index, MAX_RECORDS, connection.max_batch_bytes - 4096)
            if stretch is None:
                continue
            batch = seal(stretch.first_index, stretch.records, stretch.note)
            with self._changed:
                window.sent(stretch.end, len(batch))
            yield pb.StreamRequest(batch=batch)

    def _wait_for_work(self, connection: _Connection) -> Window | None:
        """Until a batch may go up; None when the connection has ended."""
        with self._changed:
            while not connection.ended:
                window = connection.window
                if window is not None and window.open and window.next_index < self._journal.size:
                    return window
                self._changed.wait(IDLE_S)
        return None

    def _take(self, connection: _Connection, response: pb.StreamResponse) -> None:
        match response.WhichOneof("body"):
            case "welcome":
                self._welcome(connection, response.welcome)
            case "receipt":
                self._receipt(connection, response.receipt.note, response.receipt.dead_lettered)
            case "refusal":
                refusal = response.refusal
                raise UplinkError(
                    f"the collector refused a batch ({pb.RefusalCode.Name(refusal.code)})", cause=refusal.text
                )
            case None:
                pass  # something a newer collector says: not for us

    def _welcome(self, connection: _Connection, welcome: pb.Welcome) -> None:
        if welcome.size > self._journal.size:
            raise JournalError(
                f"the collector holds {welcome.size} records of this journal, which has {self._journal.size}",
                cause="the journal was replaced by an older copy",
                fix="enrol this machine again: a new key begins a new journal",
            )
        with self._changed:
            connection.max_batch_bytes = welcome.max_batch_bytes
            connection.window = Window(welcome.size, welcome.window_bytes)
            self._changed.notify_all()
        if welcome.receipt:
            self._receipt(connection, welcome.receipt, welcome.dead_lettered)

    def _receipt(self, connection: _Connection, note: bytes, dead_lettered: int) -> None:
        try:
            receipt = open_receipt(note, self._collector_key, self._journal.origin)
        except NoteError as error:
            raise UplinkError("the collector sent a receipt that does not hold", cause=str(error)) from error
        # Durable first: only then may anything be forgotten.
        self._journal.acknowledge(receipt, note, dead_lettered, self._wall_ns())
        with self._changed:
            if connection.window is not None:
                try:
                    connection.window.receipt(receipt.checkpoint.size)
                except ValueError as error:
                    raise UplinkError("the collector sent a receipt that cannot be", cause=str(error)) from error
            self._changed.notify_all()
        self._on_receipt(receipt.checkpoint.size)
