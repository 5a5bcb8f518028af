"""A journal and a collector side by side with the list that they are held against: capture, and what goes up."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from collector.agents.registry import nanoseconds
from edge_agent.errors import JournalError
from edge_agent.journal.journal import Journal
from edge_agent.model.sealed import Stretch
from gate_contract.envelope import seal_encoded
from gate_contract.v1.record_pb2 import Loss, Record
from gate_contract.v1.uplink_pb2 import (
    REFUSAL_CODE_GAP,
    REFUSAL_CODE_UNAVAILABLE,
    LiveRecord,
    LiveRecords,
    StreamResponse,
)
from tests.properties.collector_side import CollectorSide
from tests.unit.collector.collected import incident, passage, probes

UNKNOWN = b"\xff\xff\xff"
"""No record: a dead letter."""

RECORDS = st.one_of(
    st.integers(0, 10**6).map(lambda number: probes(1, number)[0]),
    st.builds(passage, st.integers(0, 6).map("passage-{}".format), st.integers(1, 3)),
    st.integers(0, 10**6).map(lambda number: incident(f"incident-{number}")),
    st.sampled_from([UNKNOWN, b""]),
)
TIMES = [datetime(year, 1, 19, 3, 14, 8, tzinfo=UTC) for year in (1970, 2016, 2026, 2036, 2038)]
"""What a clock without a battery says, ten years back and ahead, and what 31 bits do not hold."""

SMALL_SEGMENT = 5000
UNBOUNDED = 1 << 30


ANY = st.integers(0, 1 << 16)
"""Which one of several: what is drawn must not depend on how threads took turns."""

T = TypeVar("T")


def one_of(several: Sequence[T], which: int) -> T:
    """One of them, from the newest on."""
    return several[-1 - which % len(several)]


def told(loss: Loss) -> bytes:
    """The record of a loss."""
    return Record(format=1, site_id="haikou", loss=loss).SerializeToString()


def sealed(stretch: Stretch) -> bytes:
    """As it goes up."""
    return seal_encoded(stretch.first_index, stretch.bodies, stretch.note, stretch.lost)


class TwoSides(RuleBasedStateMachine):
    """`near` is the gate's journal, `far` the collector; the other attributes are what must be true of them."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.far = CollectorSide(self.runner.get_loop())
        self.state = Path(tempfile.mkdtemp(prefix="properties-gate-"))
        self.near = self._opened()
        self.records: list[bytes] = []
        self.lost: set[int] = set()
        self.inbox: dict[int, bytes] = {}
        self.in_flight: dict[str, bytes] = {}
        self.acknowledged = self.dead = 0
        self.receipts: list[tuple[bytes, int]] = []
        self.live: list[LiveRecords] = []
        self.backups: list[Path] = []
        self.tried_a_stolen_name = False

    def _opened(self) -> Journal:
        return Journal(self.state / "journal", self.far.agent.signer, segment_bytes=SMALL_SEGMENT)

    @initialize(
        records=st.lists(RECORDS, min_size=8, max_size=30), messages=st.lists(st.binary(max_size=60), max_size=3)
    )
    def begin(self, records: list[bytes], messages: list[bytes]) -> None:
        """A morning of work, of which the collector has a part."""
        for start in range(0, len(records), 3):
            self.near.append(records[start : start + 3])
        self.records += records
        for number, message in enumerate(messages):
            self.keep(100 + number, message)
        self.send_several(5, 2)

    # --- capture ---------------------------------------------------------------------------------------------------

    @rule(records=st.lists(RECORDS, min_size=1, max_size=6), places=st.sets(st.integers(0, 5)))
    def append(self, records: list[bytes], places: set[int]) -> None:
        consumed = [inbox_id for place, inbox_id in enumerate(sorted(self.inbox)) if place in places]
        memory = {f"lane-{len(self.records) % 3}": b"%d" % len(self.records)}
        assert self.near.append(records, consumed=consumed, in_flight=memory) == len(self.records)
        self.records += records
        self.in_flight |= memory
        for inbox_id in consumed:
            del self.inbox[inbox_id]

    @rule(event=st.integers(0, 50), body=st.binary(max_size=60))
    def keep(self, event: int, body: bytes) -> None:
        inbox_id = self.near.spool.keep("camera", str(event), body)
        if inbox_id is not None:
            assert inbox_id not in self.inbox
            self.inbox[inbox_id] = body

    @rule(records=st.lists(RECORDS, min_size=1, max_size=40), body=st.binary(max_size=3000), which=ANY)
    def capture_on_a_full_disk(self, records: list[bytes], body: bytes, which: int) -> None:
        """What is not taken has not happened; what is taken counts."""
        size = len(self.records)
        with self._full_disk():
            if self._is_taken(lambda: self.near.append(records)):
                self.records += records
            if self._is_taken(lambda: self.near.spool.keep("scale", f"full {size}", body)):
                self.inbox = {entry.inbox_id: entry.body for entry in self.near.spool.inbox()}
                assert body in self.inbox.values()
            if self.receipts:
                note, dead = one_of(self.receipts, which)
                self._is_taken(lambda: self._acknowledge(note, dead))

    @contextmanager
    def _full_disk(self) -> Iterator[None]:
        """The active segment may not grow, and there is a reserve that helps nothing."""
        store = self.near._store
        (pages,) = store.write(lambda step: step.connection.execute("PRAGMA page_count").fetchone())
        store.write(lambda step: step.connection.execute(f"PRAGMA max_page_count={pages}"))
        with (self.state / "reserve").open("wb") as reserve:
            reserve.truncate(store.reserve.size // 4)
        yield
        store.write(lambda step: step.connection.execute(f"PRAGMA max_page_count={UNBOUNDED}"))

    def _is_taken(self, write: Callable[[], object]) -> bool:
        try:
            write()
        except JournalError:
            return False
        return True

    # --- up --------------------------------------------------------------------------------------------------------

    @rule()
    def connect(self) -> None:
        """A new stream: what the collector says it holds is what it holds."""
        _, note = self.near.receipt()
        welcome = self.far.greet(len(self.records), note)
        held = self.far.head.frontier.size
        assert welcome.size == held <= len(self.records)
        if welcome.receipt:
            self.receipts.append((welcome.receipt, welcome.dead_lettered))
            self._acknowledge(*self.receipts[-1])

    def _connected(self) -> None:
        if not self.far.is_called:
            self.connect()

    @rule(back=st.integers(-3, 20), most=st.sampled_from([1, 5, 100]))
    def send(self, back: int, most: int) -> None:
        """A batch from where the collector stands, or from before it (again), or from beyond (out of order)."""
        self._connected()
        held = self.far.head.frontier.size
        stretch = self._stretch(max(0, held - back), most)
        if stretch is not None:
            self._answered(stretch, held, self.far.ask(sealed(stretch)))

    @precondition(lambda self: not self.far.full)
    @rule(most=st.sampled_from([1, 5]), count=st.integers(2, 4))
    def send_several(self, most: int, count: int) -> None:
        """Batches on the heels of each other, in one commit of the collector's or in several."""
        self._connected()
        at = held = self.far.head.frontier.size
        for _ in range(count):
            stretch = self._stretch(at, most)
            if stretch is None:
                break
            at = stretch.end
            self.far.send(sealed(stretch))
        before = len(self.receipts)
        while at > held and self._take(self.far.answer()) < at:
            pass
        del self.receipts[before:-1]  # how many there are is the collector's affair; all but the last are lost
        self.far.hang_up()

    def _stretch(self, first_index: int, most: int) -> Stretch | None:
        stretch = self.near.stretch(first_index, most, 1 << 20)
        if stretch is not None:
            gone = {index for index, _ in stretch.lost}
            assert gone <= self.lost | set(range(self._pruned))
        return stretch

    @property
    def _pruned(self) -> int:
        return len(self.records) - self.near.kept()

    def _answered(self, stretch: Stretch, held: int, answer: StreamResponse) -> None:
        if stretch.first_index > held:
            assert answer.refusal.code == REFUSAL_CODE_GAP, answer
        elif answer.WhichOneof("body") == "receipt":
            assert self._take(answer) == max(held, stretch.end)
        else:
            assert self.far.full
            assert answer.refusal.code == REFUSAL_CODE_UNAVAILABLE, answer

    def _take(self, answer: StreamResponse) -> int:
        """Keep a receipt for later; what it covers, which must be durable."""
        if answer.WhichOneof("body") == "refusal":
            assert self.far.full, answer
            return 0
        size = self.far.opened(answer.receipt.note).checkpoint.size
        assert size <= self.far.head.frontier.size
        self.receipts.append((answer.receipt.note, answer.receipt.dead_lettered))
        return size

    @rule(back=st.integers(1, 12), which=ANY)
    def send_live(self, back: int, which: int) -> None:
        """A record ahead of those before it, or one that came before."""
        item = self.near.live(len(self.records) - back)
        if item is not None:
            record = LiveRecord(index=item.index, body=item.body, proof=item.proof)
            self.live.append(LiveRecords(checkpoint=item.note, records=[record]))
        if self.live:
            self._connected()
            self._live_is_taken(one_of(self.live, which) if item is None else self.live[-1])

    def _live_is_taken(self, message: LiveRecords) -> None:
        answer = self.far.ask(message)
        if answer.WhichOneof("body") == "refusal":
            assert self.far.full, answer
        else:
            assert list(answer.live.indices) == [record.index for record in message.records]

    @precondition(lambda self: self.receipts)
    @rule(which=ANY)
    def receipt(self, which: int) -> None:
        """One comes: the newest, an older one, one that came before; the others are lost, or late."""
        self._acknowledge(*one_of(self.receipts, which))

    def _acknowledge(self, note: bytes, dead: int) -> None:
        receipt = self.far.opened(note)
        self.near.acknowledge(receipt, note, dead, nanoseconds(self.far.now))
        if receipt.checkpoint.size >= self.acknowledged:
            self.acknowledged, self.dead = receipt.checkpoint.size, dead
