"""The sealed journal: append, seal, receipts, prune.

Every append is one transaction that holds the records, the signed checkpoint that covers them, and what else must be
true at the same moment (which inbox entries they consumed, which passages are under way). When an append has returned,
the records are on disk and signed; when it has raised, nothing of it happened. docs/journal.md tells of the files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edge_agent.errors import JournalError
from edge_agent.journal import sizes
from edge_agent.journal.reading import Ledger, UnprovedError, read_record, read_stretch, root_at
from edge_agent.journal.recent import RecentCommits, proved
from edge_agent.journal.sealing import seal
from edge_agent.journal.segment import entry_hash
from edge_agent.journal.spool import Spool
from edge_agent.journal.step import Step
from edge_agent.journal.store import Store
from edge_agent.model.sealed import LiveItem, Stretch
from gate_contract.checkpoint import Receipt, Signer
from gate_contract.envelope import MAX_RECORD_BYTES
from gate_contract.merkle import Frontier
from gate_contract.v1.record_pb2 import Loss

KEEP_ACKNOWLEDGED = 1 << 30
"""Bytes of acknowledged segments that are kept while there is room."""


@dataclass(frozen=True, slots=True)
class Counts:
    """captured = acknowledged + pending + dead_lettered, always; from one moment."""

    captured: int
    acknowledged: int
    pending: int
    dead_lettered: int


class Journal:
    """An agent's journal. Safe to use from several threads; writers take turns."""

    def __init__(self, directory: Path, signer: Signer, *, segment_bytes: int | None = None) -> None:
        """Open or make the journal in `directory`, sealed by `signer` (named after the journal's origin).

        A journal that an older agent kept in the file `journal.db` beside the directory is taken over. What is damaged
        is mended, see `losses`. Raises JournalError when it belongs to another key, or cannot go on.
        """
        self._signer = signer
        self._store = Store(directory, signer, segment_bytes or sizes.segment_bytes(directory.parent))
        self.spool = Spool(self._store)
        self._ledger = Ledger(self._store, signer)
        self._recent = RecentCommits()
        self._unknown: tuple[int, int | None] = -1, None  # repairs when it was looked for, first unknown record

    @property
    def origin(self) -> str:
        """Origin of the journal's checkpoints."""
        return self._signer.name

    @property
    def problem(self) -> str:
        """Why nothing can be written now; "" while it can, as far as was tried."""
        return self._store.problem

    @property
    def size(self) -> int:
        """Records captured since the journal was made."""
        return self._store.head.frontier.size

    @property
    def losses(self) -> list[Loss]:
        """What was found to be gone and no record tells yet: see `record_losses`."""
        return [loss for _, loss in self._store.losses]

    def close(self) -> None:
        """Close the files. Nothing is pending in memory: every append was durable when it returned."""
        self._store.close()

    # --- writing -------------------------------------------------------------------------------------------------

    def append(
        self,
        records: Sequence[bytes],
        *,
        consumed: Sequence[int] = (),
        in_flight: Mapping[str, bytes] | None = None,
    ) -> int:
        """Make records durable and signed; the index of the first one.

        Args:
            records: serialised Record messages; may be empty when only the state beside them changes.
            consumed: inbox entries that are taken into these records or into `in_flight`.
            in_flight: passages under way, by lane; empty bytes when none is.

        Raises:
            JournalError: nothing of it happened (disk full, disk error, a record over MAX_RECORD_BYTES).
        """
        if any(len(record) > MAX_RECORD_BYTES for record in records):
            raise JournalError(f"a record of more than {MAX_RECORD_BYTES} bytes cannot be captured")
        return self._append(records, lambda step: _change_state(step, consumed, in_flight or {}))

    def record_losses(self, make: Callable[[Loss], bytes]) -> None:
        """Append a record of each of `losses`, as `make` serialises it, and forget them, all at once; as `append`."""
        losses = list(self._store.losses)
        if losses:
            self._append([make(loss) for _, loss in losses], lambda step: self._store.told(step, losses))
            self._store.forget_told(losses)

    def _append(self, records: Sequence[bytes], beside: Callable[[Step], None]) -> int:
        self._store.roll_if_due()

        def work(step: Step) -> list[tuple[Frontier, int]]:
            made = seal(step, records, self._signer)
            beside(step)
            return made

        made = self._store.write(work)
        self._recent.add(made)
        return made[0][0].size if made else self.size

    def acknowledge(self, receipt: Receipt, note: bytes, dead_lettered: int, received_ns: int) -> None:
        """Keep a verified receipt: what it covers may be forgotten from now on.

        A receipt for less than an earlier one changes nothing. JournalError when it names a root that this journal
        never had at that size, or more records than there are.
        """
        size = receipt.checkpoint.size
        if size > self.size:
            raise JournalError(
                f"the collector holds {size} records of this journal, which has {self.size}",
                cause="the journal was replaced by an older copy",
                fix="enrol this machine again: a new key begins a new journal",
            )
        if root_at(self._store, self._signer.verifier, size) not in (None, receipt.checkpoint.root):
            raise JournalError(f"the receipt for {size} records names another root than this journal has")

        def work(step: Step) -> None:
            if size >= step.head.receipt_size:
                step.head = replace(
                    step.head,
                    receipt_size=size,
                    receipt=note,
                    receipt_ns=received_ns,
                    dead_lettered=dead_lettered,
                )

        self._store.write(work, for_receipt=True)

    def prune(self, keep: int = KEEP_ACKNOWLEDGED) -> int:
        """Forget segments that a receipt covers; the bytes that gives back.

        The newest of them, together at most `keep` bytes, are kept while less than `sizes.FULL_FROM` of the disk is in
        use: a collector that was restored from an old backup can get them again.
        """
        if not sizes.is_full(self._store.directory):
            return self._store.prune(keep)
        self._store.roll_if_due(room_needed=True)
        return self._store.prune(0)

    @property
    def room_is_low(self) -> bool:
        """Whether what is free on the disk is for records alone: pictures are not kept now."""
        return self._store.reserve.is_low

    def restore_reserve(self) -> bool:
        """Take the reserve back as far as there is room, after `prune`; whether it is whole."""
        return self._store.reserve.restore()

    def scrub(self) -> int | None:
        """Check one closed segment, in turn; its first index, or None when there is none.

        To be called now and then, from one thread: what lies long is looked at before it is needed. Damage is mended,
        see `losses`. JournalError when it cannot be.
        """
        return self._store.scrub()

    # --- reading -------------------------------------------------------------------------------------------------

    def stretch(self, first_index: int, max_records: int, max_bytes: int) -> Stretch | None:
        """Records from `first_index` on up to a signed checkpoint; None when there are none.

        Ends at the last checkpoint of the segment within `max_records` and `max_bytes`; at least one commit, which may
        be larger than either. JournalError when they cannot be had any more.
        """
        if first_index >= self.size:
            return None
        if first_index < self._store.chain.segments[0]:
            return self._ledger.stretch(first_index, max_records)
        try:
            return read_stretch(self._store, first_index, max_records, max_bytes)
        except UnprovedError:
            if not self._sealed_anew(first_index):
                raise
            return read_stretch(self._store, first_index, max_records, max_bytes)

    def _sealed_anew(self, first_index: int) -> bool:
        """Whether the tree could be made one that is known, for a collector that holds `first_index` records of it.

        What a receipt covers stays as it is: somebody else may hold it.
        """
        index = self._store.first_unknown(max(first_index, self._store.head.receipt_size))
        return index is not None and self._store.reseal(index)

    def live(self, index: int) -> LiveItem | None:
        """A record appended lately by this process, proved by itself; None for any other."""
        found = self._recent.holding(index)
        if found is None or self._tree_may_change():
            return None
        base, end = found
        stretch = self.stretch(base.size, end - base.size, 1)
        return None if stretch is None else proved(index, base, end, stretch)

    def _tree_may_change(self) -> bool:
        """Whether a hash that the collector will ask for is not known: no checkpoint beyond it must go up before."""
        repairs, _ = self._unknown
        if repairs != self._store.repairs:
            repairs = self._store.repairs
            self._unknown = repairs, self._store.first_unknown(self._store.head.receipt_size)
        _, index = self._unknown
        return index is not None and index >= self._store.head.receipt_size

    def record(self, index: int) -> bytes | None:
        """One record's bytes; None when it is not there (any more)."""
        return read_record(self._store, index)

    def counts(self) -> Counts:
        """The journal's balance, from one moment."""
        head = self._store.head
        size, receipt_size, dead = head.frontier.size, head.receipt_size, head.dead_lettered
        return Counts(size, receipt_size - dead, size - receipt_size, dead)

    def receipt(self) -> tuple[int, bytes]:
        """Size that the latest receipt covers, and its note; (0, b"") when there is none."""
        head = self._store.head
        return head.receipt_size, head.receipt

    def receipt_unix_ns(self) -> int:
        """When the latest receipt came, wall clock; 0 when there is none."""
        return self._store.head.receipt_ns

    @property
    def segments(self) -> int:
        """Files that the records are in."""
        return len(self._store.chain.segments)

    def kept(self) -> int:
        """Records in the files."""
        return self.size - self._store.chain.segments[0]

    def in_flight(self) -> dict[str, bytes]:
        """Passages under way when last appended, by lane."""
        return self._store.read(
            self._store.active,
            lambda reader: dict(reader.execute("SELECT lane_id, body FROM in_flight").fetchall()),
        )


def _change_state(step: Step, consumed: Sequence[int], in_flight: Mapping[str, bytes]) -> None:
    gone = sum(
        step.connection.execute("DELETE FROM inbox WHERE inbox_id = ?", (inbox_id,)).rowcount for inbox_id in consumed
    )
    new = sum(_remember(step, lane_id, body) for lane_id, body in in_flight.items())
    if gone or new:
        head = step.head
        step.head = replace(head, inbox_count=head.inbox_count - gone, in_flight_count=head.in_flight_count + new)


def _remember(step: Step, lane_id: str, body: bytes) -> bool:
    """Keep a lane's passage under way; whether the lane is new."""
    row = (body, entry_hash(body, lane_id), lane_id)
    if step.connection.execute("UPDATE in_flight SET body = ?, sha256 = ? WHERE lane_id = ?", row).rowcount:
        return False
    step.connection.execute("INSERT INTO in_flight (body, sha256, lane_id) VALUES (?, ?, ?)", row)
    return True
