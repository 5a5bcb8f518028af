"""One connection's record stream: hello, batches up, receipts down; ends when the connection does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
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
        self._window: Window | None = None
        self._max_batch_bytes = 0
        self._ended = False
        self._call: grpc.Call | None = None

    def wake(self) -> None:
        """Records were appended."""
        with self._changed:
            self._changed.notify()

    def end(self) -> None:
        """Let `run` return soon."""
        with self._changed:
            self._ended = True
            self._changed.notify()
            if self._call is not None:
                self._call.cancel()

    def run(self, channel: grpc.Channel, on_welcome: Callable[[], None]) -> None:
        """Stream until the connection ends or `end` is called; `on_welcome` is called once it has come up.

        Raises UplinkError with the collector's words when it refuses, JournalError when the journal cannot go on,
        grpc.RpcError when the connection breaks.
        """
        with self._changed:
            self._window, self._ended = None, False
            call = self._call = UplinkServiceStub(channel).Stream(self._requests())
        try:
            for response in call:
                self._take(response)
                if response.WhichOneof("body") == "welcome":
                    on_welcome()
        except grpc.RpcError:
            if not self._ended:
                raise
        finally:
            self.end()

    def _requests(self) -> Iterator[pb.StreamRequest]:
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
        while (window := self._wait_for_work()) is not None:
            stretch = self._journal.stretch(window.next_index, MAX_RECORDS, self._max_batch_bytes - 4096)
            if stretch is None:
                continue
            batch = seal(stretch.first_index, stretch.records, stretch.note)
            with self._changed:
                window.sent(stretch.end, len(batch))
            yield pb.StreamRequest(batch=batch)

    def _wait_for_work(self) -> Window | None:
        """Until a batch may go up; None when the stream has ended."""
        with self._changed:
            while not self._ended:
                window = self._window
                if window is not None and window.open and window.next_index < self._journal.size:
                    return window
                self._changed.wait(IDLE_S)
        return None

    def _take(self, response: pb.StreamResponse) -> None:
        match response.WhichOneof("body"):
            case "welcome":
                self._welcome(response.welcome)
            case "receipt":
                self._receipt(response.receipt.note, response.receipt.dead_lettered)
            case "refusal":
                refusal = response.refusal
                raise UplinkError(
                    f"the collector refused a batch ({pb.RefusalCode.Name(refusal.code)})", cause=refusal.text
                )
            case None:
                pass  # something a newer collector says: not for us

    def _welcome(self, welcome: pb.Welcome) -> None:
        if welcome.size > self._journal.size:
            raise JournalError(
                f"the collector holds {welcome.size} records of this journal, which has {self._journal.size}",
                cause="the journal was replaced by an older copy",
                fix="enrol this machine again: a new key begins a new journal",
            )
        with self._changed:
            self._max_batch_bytes = welcome.max_batch_bytes
            self._window = Window(welcome.size, welcome.window_bytes)
            self._changed.notify()
        if welcome.receipt:
            self._receipt(welcome.receipt, welcome.dead_lettered)

    def _receipt(self, note: bytes, dead_lettered: int) -> None:
        try:
            receipt = open_receipt(note, self._collector_key, self._journal.origin)
        except NoteError as error:
            raise UplinkError("the collector sent a receipt that does not hold", cause=str(error)) from error
        # Durable first: only then may anything be forgotten.
        self._journal.acknowledge(receipt, note, dead_lettered, self._wall_ns())
        with self._changed:
            if self._window is not None:
                self._window.receipt(receipt.checkpoint.size)
            self._changed.notify()
        self._on_receipt(receipt.checkpoint.size)
