"""A damaged journal of an older agent is taken over as far as it can be proved, and what is gone is told.

That agent kept the tree at the end and a signed root after each commit. So the tree is known wherever a perfect subtree
of the last one ends, and from there on after each commit that is whole. One altered bit is found by the root behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain, pairwise
from pathlib import Path

from google.protobuf.message import DecodeError

from edge_agent.errors import JournalError
from edge_agent.journal.files import synced, write_synced
from edge_agent.journal.losses import told_losses
from edge_agent.journal.old import OldRemains, Row
from edge_agent.journal.quarantine import Quarantined
from edge_agent.journal.sealing import INSERT, MAX_COMMIT_BYTES, MAX_COMMIT_RECORDS, signed
from edge_agent.journal.seen import INSERT as INSERT_SEEN
from edge_agent.journal.seen import rows_of
from edge_agent.journal.segment import Commit, Head, create, entry_hash, finish
from gate_contract.checkpoint import Checkpoint, Note, NoteError, Signer, open_checkpoint
from gate_contract.envelope import encode_records, leaf_hashes
from gate_contract.merkle import HASH_SIZE, Frontier, ProofError, leaf_hash
from gate_contract.v1.record_pb2 import Record

MOST_TRIED = 50_000
"""Bits of one commit that are tried: a second or two."""


def salvage_old(remains: OldRemains, directory: Path, signer: Signer, aside: Quarantined, damage: str) -> None:
    """Write segments of what is left into `directory`, and what is lost into the newest; JournalError without a tree.

    OSError and sqlite3.Error go to the caller.
    """
    head, pruned = _head(remains, signer)
    lost: list[int] = []
    for start, end, base, frontier in pieces(head.frontier, pruned):
        piece = _Piece(remains, signer, start, base)
        _write_closed(directory / f"{start:020}.db", replace(head, base=base, frontier=frontier), piece, end)
        lost += piece.lost
    messages = 0 if remains.state_is_whole else None
    losses = told_losses(f"the journal of an older agent, {damage}", sorted(lost), pruned, messages, aside)
    inbox = {row[0]: (*row, entry_hash(*row)) for row in remains.inbox}
    in_flight: dict[str, bytes] = dict(remains.in_flight)
    head = replace(
        head,
        base=head.frontier,
        version=2,
        inbox_count=len(inbox),
        inbox_last=max(inbox, default=0),
        in_flight_count=len(in_flight),
    )
    path = directory / f"{head.frontier.size:020}.db"
    with closing(create(path, head)) as new:
        new.executemany("INSERT INTO inbox VALUES (?, ?, ?, ?)", inbox.values())
        new.executemany(
            "INSERT INTO in_flight (body, lane_id, sha256) VALUES (?, ?, ?)",
            [(body, lane_id, entry_hash(body, lane_id)) for lane_id, body in in_flight.items()],
        )
        new.executemany(INSERT_SEEN, rows_of({row[0]: row for row in remains.seen}.values()))
        bodies = [loss.SerializeToString() for loss in losses]
        new.executemany(
            "INSERT INTO losses (body, sha256) VALUES (?, ?)", [(each, entry_hash(each)) for each in bodies]
        )
        finish(new)
    synced(path)


def pieces(frontier: Frontier, start: int) -> list[tuple[int, int, Frontier | None, Frontier]]:
    """The journal from `start` on, cut where the tree is known: (first index, end, tree before it, tree at its end)."""
    known = {each.size: each for each in _leading(frontier)}
    cuts = [start, *(size for size in known if size > start)]
    return [(first, end, known.get(first), known[end]) for first, end in pairwise(cuts)]


def _leading(frontier: Frontier) -> Iterator[Frontier]:
    """The tree of none of the leaves, and where each of its perfect subtrees ends."""
    peaks, size = frontier.to_bytes(), 0
    yield Frontier()
    widths = [1 << bit for bit in range(frontier.size.bit_length() - 1, -1, -1) if frontier.size >> bit & 1]
    for count, width in enumerate(widths, start=1):
        size += width
        yield Frontier.from_bytes(size, peaks[: count * HASH_SIZE])


def _head(remains: OldRemains, signer: Signer) -> tuple[Head, int]:
    """The journal's state, and how many of its records were pruned."""
    for row in remains.heads:
        known = _tree(row, remains, signer)
        if known is not None:
            receipt_size, receipt, receipt_ns, dead, pruned = row[3:]
            if not 0 <= dead <= receipt_size <= known.size or _receipt_size(receipt) not in (receipt_size, None):
                receipt_size, receipt, receipt_ns, dead = 0, b"", 0, 0
            head = Head(signer.name, None, known, 1, receipt_size, receipt, receipt_ns, dead)
            return head, _first_kept(remains, known.size, receipt_size, pruned)
    grown = Frontier().grown(leaf_hashes([remains.records[index][0] for index in _from_the_first(remains)]))
    if grown.size and _is_signed(grown, remains, signer):
        return Head(signer.name, None, grown, 1), 0
    raise JournalError(
        "the journal of an older agent cannot go on: its tree can be had neither from its head nor from its records",
        cause="it is damaged at its head, and belongs to another machine or lacks records",
        fix="what is left is kept in the directory quarantine: keep that as evidence, and enrol this machine again",
    )


def _receipt_size(receipt: bytes) -> int | None:
    """What a receipt is for; None when it does not say."""
    checkpoint = _parsed(receipt)
    return None if checkpoint is None else checkpoint.size


def _first_kept(remains: OldRemains, size: int, receipt_size: int, pruned: int) -> int:
    """The first record that was not pruned; only what a receipt covered was."""
    pruned = pruned if 0 <= pruned <= receipt_size else 0
    first = min((index for index in remains.records if pruned <= index < size), default=size)
    return max(pruned, min(first, receipt_size))


def _tree(row: Row, remains: OldRemains, signer: Signer) -> Frontier | None:
    """The tree of a head's row: where the newest note signs it, if need be with one bit of it set right.

    Where no note of that size holds, it is the note that was damaged.
    """
    origin, told, peaks, *_ = row
    for size in dict.fromkeys((told, max(remains.notes, default=0))):
        known = _frontier(size, peaks)
        if known is None:
            continue
        if not size or _is_signed(known, remains, signer):
            return known
        number = int.from_bytes(peaks)
        for bit in range(8 * len(peaks)):
            tried = Frontier.from_bytes(size, (number ^ 1 << bit).to_bytes(len(peaks)))
            if _is_signed(tried, remains, signer):
                return tried
    contradicted = any(_opened(note, signer, told) is not None for note in remains.notes.get(told, ()))
    return None if contradicted or origin != signer.name else _frontier(told, peaks)


def _frontier(size: int, peaks: bytes) -> Frontier | None:
    try:
        return Frontier.from_bytes(size, peaks)
    except ProofError:
        return None


def _is_signed(frontier: Frontier, remains: OldRemains, signer: Signer) -> bool:
    root, size = frontier.root(), frontier.size
    named = [note for note in remains.notes.get(size, ()) if (each := _parsed(note)) is not None and each.root == root]
    return any(_opened(note, signer, size) is not None for note in named)


def _from_the_first(remains: OldRemains) -> Iterator[int]:
    index = 0
    while index in remains.records:
        yield index
        index += 1


@dataclass(slots=True)
class _Piece:
    """A stretch of the journal from where its tree is known, if it is: `base`."""

    remains: OldRemains
    signer: Signer
    start: int
    base: Frontier | None
    lost: list[int] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)

    def commits(self, end: int, frontier: Frontier) -> Iterator[Commit]:
        """Commits up to `end`, where the tree is `frontier`; fills `lost` and `leaves`.

        As many as may be are made one where that is proved, for each signature takes its time.
        """
        known, first, at = self.base, self.start, 0
        sizes = sorted({size for size in self.remains.notes if self.start < size < end} | {end})
        while at < len(sizes):
            far = self._farthest(first, sizes, at)
            records, root = self._until(first, sizes[far], end, frontier)
            sound = _whole(known, records, root)
            while sound is None and known is not None and far > at:
                far = (at + far) // 2
                records, root = self._until(first, sizes[far], end, frontier)
                sound = _whole(known, records, root)
            size, at = sizes[far], far + 1
            if sound is None and known is not None and None not in records:
                if size != end and not self._note(size):
                    continue  # its note was altered: what comes next proves the records
                sound = _set_right(known, [each for each in records if each is not None], root)
            kept = sound or _kept(records, known=known is not None)
            known = None if known is None or sound is None else known.grown(leaf_hashes(sound))
            self.lost += [first + place for place, each in enumerate(kept) if each is None]
            self.leaves += [bytes(HASH_SIZE) if each is None else leaf_hash(each) for each in kept]
            note = self._note(size) if known is None else signed(self.signer, known)
            yield Commit(first, size, encode_records([each for each in kept if each is not None]), note)
            first = size

    def _farthest(self, first: int, sizes: Sequence[int], at: int) -> int:
        """Place of the last size, from `at` on, up to which the records may be one commit."""
        weight, far = 0, at
        for place in range(at, len(sizes)):
            begin = first if place == at else sizes[place - 1]
            weight += sum(map(len, chain.from_iterable(self._found(begin, sizes[place]))))
            if place > at and (weight > MAX_COMMIT_BYTES or sizes[place] - first > MAX_COMMIT_RECORDS):
                break
            far = place
        return far

    def _found(self, first: int, size: int) -> Iterator[Sequence[bytes]]:
        return (self.remains.records.get(index, ()) for index in range(first, size))

    def _until(self, first: int, size: int, end: int, frontier: Frontier) -> tuple[list[bytes | None], bytes | None]:
        """The records up to a size, and the root there."""
        records = [next(iter(each), None) for each in self._found(first, size)]
        return records, frontier.root() if size == end else self._root(size)

    def _root(self, size: int) -> bytes | None:
        """What a note of that size names, whoever signed it; None when there is none."""
        named = (_parsed(note) for note in self.remains.notes.get(size, ()))
        return next((each.root for each in named if each is not None and each.size == size), None)

    def _note(self, size: int) -> bytes:
        """A signed note of that size; empty when there is none that holds."""
        notes = self.remains.notes.get(size, ())
        return next((note for note in notes if _opened(note, self.signer, size) is not None), b"")


def _parsed(note: bytes) -> Checkpoint | None:
    try:
        return Checkpoint.parse(Note.parse(note).text)
    except NoteError:
        return None


def _opened(note: bytes, signer: Signer, size: int) -> Checkpoint | None:
    try:
        checkpoint = open_checkpoint(note, signer.verifier)
    except NoteError:
        return None
    return checkpoint if checkpoint.size == size else None


def _whole(base: Frontier | None, records: Sequence[bytes | None], root: bytes | None) -> list[bytes] | None:
    """The records where they lead from one tree to the root; None where they do not, or nobody knows."""
    whole = [each for each in records if each is not None]
    proved = base is not None and len(whole) == len(records) and base.grown(leaf_hashes(whole)).root() == root
    return whole if proved else None


def _set_right(base: Frontier, records: Sequence[bytes], root: bytes | None) -> list[bytes] | None:
    """Records that lead to the root, with one bit of them set right; None when more was altered."""
    if 8 * sum(map(len, records)) > MOST_TRIED:
        return None
    leaves = leaf_hashes(records)
    for place, record in enumerate(records):
        number = int.from_bytes(record)
        for bit in range(8 * len(record)):
            tried = (number ^ 1 << bit).to_bytes(len(record))
            if base.grown([*leaves[:place], leaf_hash(tried), *leaves[place + 1 :]]).root() == root:
                return [*records[:place], tried, *records[place + 1 :]]
    return None


def _kept(records: Sequence[bytes | None], *, known: bool) -> Sequence[bytes | None]:
    """What counts of a commit that cannot be proved; `known` says that the tree before it is.

    Then one of its records was altered. It is the one that is gone, or the one that is no message any more; where that
    does not tell, none of them counts.
    """
    if not known or None in records:
        return records
    readable = [each if each is not None and _is_record(each) else None for each in records]
    return readable if None in readable else [None] * len(records)


def _is_record(data: bytes) -> bool:
    try:
        return bool(Record.FromString(data).WhichOneof("body"))
    except DecodeError:
        return False


def _write_closed(path: Path, head: Head, piece: _Piece, end: int) -> None:
    with closing(create(path, head)) as new:
        for commit in piece.commits(end, head.frontier):
            new.execute(INSERT, commit.to_row())
        new.executemany("INSERT INTO lost VALUES (?, NULL)", [(index,) for index in piece.lost])
        finish(new)
    synced(path)
    write_synced(path.with_suffix(".leaves"), b"".join(piece.leaves))
