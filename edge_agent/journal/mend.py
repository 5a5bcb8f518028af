"""Making a damaged segment again from what is left of its files. Nothing is deleted: the damaged files are put aside.

What a record was is known three times: its bytes, under the checksum of its commit; its hash in the leaf file; the
signed tree. A record whose bytes are gone stays in the tree by its hash: the same journal goes on under the same key.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from edge_agent.journal.chain import Chain
from edge_agent.journal.files import PART
from edge_agent.journal.losses import told_losses
from edge_agent.journal.quarantine import Quarantined, put_aside
from edge_agent.journal.remains import Remains, read_remains
from edge_agent.journal.salvage.rows import carve, streams
from edge_agent.journal.sealing import INSERT as INSERT_COMMIT
from edge_agent.journal.sealing import MAX_COMMIT_BYTES, MAX_COMMIT_RECORDS, signed
from edge_agent.journal.seen import INSERT as INSERT_SEEN
from edge_agent.journal.segment import (
    Commit,
    DamagedError,
    Head,
    connect_to_read,
    create,
    entry_hash,
    finish,
    read_head,
)
from edge_agent.journal.truth import Truth, find_truth
from edge_agent.journal.verify import belongs_to_another, merged_leaves
from gate_contract.checkpoint import NoteError, Signer, open_checkpoint
from gate_contract.envelope import encode_records
from gate_contract.merkle import HASH_SIZE, Frontier
from gate_contract.v1.record_pb2 import Loss


@dataclass(frozen=True, slots=True)
class Plan:
    """What a segment would be, made again; nothing is changed yet.

    Attributes:
        head: its head.
        commits: its commits, without a gap.
        lost: leaf hashes of all records whose bytes are gone.
        newly_lost: those that were not lost before.
        messages: captured messages that are gone; None when nobody can tell.
        leaves: its leaf file's bytes.
        remains: the state beside the records, and where the damage is.
    """

    head: Head
    commits: list[Commit]
    lost: dict[int, bytes | None]
    newly_lost: list[int]
    messages: int | None
    leaves: bytes
    remains: Remains


@dataclass(frozen=True, slots=True)
class Mended:
    """A segment made again, not yet in its place: its file, head, bytes of commits, leaf file's bytes, what is gone."""

    part: Path
    head: Head
    weight: int
    leaves: bytes
    losses: list[Loss]


def plan(chain: Chain, first_index: int, signer: Signer, known: Head | None = None) -> Plan:
    """What can be made of the segment that begins at `first_index`.

    `known` is the journal's head when it is the active segment of an agent that runs. OSError goes to the caller;
    JournalError when the journal cannot go on with what is left.
    """
    path, leaves, end = chain.segment(first_index), chain.leaves(first_index), chain.end_of(first_index)
    db, wal = (each.read_bytes() if each.exists() else b"" for each in (path, path.with_name(f"{path.name}-wal")))
    newest = chain.witness.read() if end is None else 0
    remains = read_remains(db, wal, first_index, newest, leaves.end)
    if remains.head is not None and remains.head.origin != signer.name:
        raise belongs_to_another(path, remains.head.origin, signer.name)
    base = remains.head.base if remains.head else tree_before(chain, first_index)
    if end is not None:
        remains.forget_state()  # it counts in the active segment only
    elif known is not None:
        remains.head, remains.current = known, True
    kept = leaves.read(first_index, leaves.end if end is None else end)
    truth = find_truth(remains, kept, first_index, base, _anchor(chain, end, remains.head), signer.verifier)
    commits, lost = _Rebuilt(remains, truth, signer).all()
    return Plan(
        _next_head(remains, truth, signer.name, newest),
        commits,
        lost,
        sorted(set(lost) - set(remains.lost)),
        remains.missing_messages if end is None else 0,
        b"".join(leaf or bytes(HASH_SIZE) for leaf in truth.leaves),
        remains,
    )


def mend(chain: Chain, first_index: int, signer: Signer, damage: DamagedError, known: Head | None = None) -> Mended:
    """Put the damaged files aside and make the segment again, as a file beside it; `known` and errors as in `plan`.

    What is lost with the active segment is written in it. sqlite3.Error goes to the caller, too.
    """
    path, leaves = chain.segment(first_index), chain.leaves(first_index)
    files = [each for each in (path, path.with_name(f"{path.name}-wal"), leaves.path) if each.exists()]
    aside = put_aside(chain.directory.parent, path.name, files)
    made = plan(chain, first_index, signer, known)
    culprit = _culprit(aside, made.remains, damage)
    losses = told_losses(str(damage), made.newly_lost, first_index, made.messages, culprit)
    if chain.end_of(first_index) is None:
        made.remains.losses += [loss.SerializeToString() for loss in losses]
    part = path.with_name(f"{path.name}{PART}")
    _write(part, made)
    return Mended(part, made.head, sum(commit.weight for commit in made.commits), made.leaves, losses)


def tree_before(chain: Chain, first_index: int, *, ledgers_only: bool = False) -> Frontier | None:
    """The tree where a segment begins, from what is before it; None when it cannot be had."""
    if first_index == 0:
        return Frontier()
    before = None if ledgers_only else chain.holding(first_index - 1)
    head = None if before is None else _head_of(chain, before)
    if head is not None and head.frontier.size == first_index:
        return head.frontier
    frontier = Frontier()
    for ledger in (each for each in chain.ledgers if each < first_index):
        if ledger != frontier.size:
            return None
        data = chain.leaves(ledger).read(ledger, first_index)
        frontier = frontier.grown(data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE))
    return frontier if frontier.size == first_index else None


def _head_of(chain: Chain, first_index: int) -> Head | None:
    """A segment's head; None when it cannot be read."""
    try:
        with closing(connect_to_read(chain.segment(first_index))) as connection:
            return read_head(connection, first_index)
    except (OSError, sqlite3.Error, DamagedError):
        return None


def _anchor(chain: Chain, end: int | None, head: Head | None) -> Frontier | None:
    """A tree that was certainly this journal's: where the next segment begins, or what the head says."""
    following = None if end is None else _head_of(chain, end)
    if following is not None and following.base is not None:
        return following.base
    return head.frontier if head is not None else None


def _next_head(remains: Remains, truth: Truth, origin: str, newest: int) -> Head:
    old = remains.head or Head(origin, truth.base, truth.frontier)
    ids = [int(row[0]) for row in remains.inbox]
    return replace(
        old,
        base=truth.base,
        frontier=truth.frontier,
        version=max(newest, old.version) + 1,
        inbox_count=len(ids),
        inbox_last=max([old.inbox_last, *ids]),
        in_flight_count=len(remains.in_flight),
    )


def _culprit(aside: Sequence[Quarantined], remains: Remains, damage: DamagedError) -> Quarantined:
    """The file that is damaged, as far as can be told: the log where it is or where its end is missing."""
    logs = [each for each in aside if each.path.endswith("-wal")]
    if logs and (remains.damaged_frames or (damage.tail and not remains.damaged_pages)):
        return logs[0]
    return aside[0]


class _Rebuilt:
    """The commits of the new segment: whole ones as they were, the rest from single records."""

    def __init__(self, remains: Remains, truth: Truth, signer: Signer) -> None:
        self._remains, self._truth, self._signer = remains, truth, signer
        self._end = truth.frontier.size
        self._whole = list(self._fitting())
        self._found = self._carved()
        truth.drop_doubtful(self._found)
        self._lost: dict[int, bytes | None] = {}

    def all(self) -> tuple[list[Commit], dict[int, bytes | None]]:
        """Commits without a gap, and the records that are lost."""
        made: list[Commit] = []
        for start, end, commit in self._pieces():
            if commit is None:
                made += self._gap(start, end)
                continue
            made.append(commit if self._signs(commit.note, end) else replace(commit, note=self._note(end)))
            gone = [index for index in range(start, end) if index in self._remains.lost]
            self._lost |= {index: self._remains.lost[index] for index in gone}
        return made, self._lost

    def _fitting(self) -> Iterator[Commit]:
        """Whole commits whose records are those of the tree, in order, none over another."""
        reached, first = self._truth.first_index, self._truth.first_index
        for _, commit in sorted(self._remains.commits.items()):
            if commit.first_index < reached or commit.end_index > self._end:
                continue
            leaves = merged_leaves(commit, self._remains.lost)
            if leaves == [
                leaf or bytes(HASH_SIZE)
                for leaf in self._truth.leaves[commit.first_index - first : commit.end_index - first]
            ]:
                reached = commit.end_index
                yield commit

    def _pieces(self) -> Iterator[tuple[int, int, Commit | None]]:
        reached = self._truth.first_index
        for commit in self._whole:
            if commit.first_index > reached:
                yield reached, commit.first_index, None
            yield commit.first_index, commit.end_index, commit
            reached = commit.end_index
        if reached < self._end:
            yield reached, self._end, None

    def _carved(self) -> dict[int, bytes]:
        """Records of the gaps, found by their hashes."""
        wanted: defaultdict[bytes, list[int]] = defaultdict(list)
        for start, end, commit in self._pieces():
            for index in range(start, end) if commit is None else ():
                leaf = self._truth.leaves[index - self._truth.first_index]
                if leaf is not None:
                    wanted[leaf].append(index)
        found: dict[int, bytes] = {}
        settled = {commit.first_index for commit in self._whole}
        for stream in streams(self._remains.image, self._remains.replaced, settled) if wanted else ():
            for leaf, record in carve(stream, wanted):
                found |= dict.fromkeys(wanted.pop(leaf), record)
            if not wanted:
                break
        return found

    def _gap(self, start: int, end: int) -> Iterator[Commit]:
        """Commits over [start, end): cut where signed notes are left, and in pieces that can be sent."""
        notes = {size: note for size, note in self._notes() if start < size <= end}
        first, records, weight = start, list[bytes](), 0
        for index in range(start, end):
            record = self._found.get(index)
            if record is None:
                self._lost[index] = self._truth.leaves[index - self._truth.first_index]
            else:
                records.append(record)
                weight += len(record)
            size = index + 1
            if size == end or size in notes or size - first >= MAX_COMMIT_RECORDS or weight >= MAX_COMMIT_BYTES:
                yield Commit(first, size, encode_records(records), notes.get(size) or self._note(size))
                first, records, weight = size, [], 0

    def _notes(self) -> Iterator[tuple[int, bytes]]:
        """Signed notes of commits whose records are damaged."""
        for _, size, note in self._remains.halves:
            if self._signs(note, size):
                yield size, note

    def _signs(self, note: bytes, size: int) -> bool:
        """Whether a note signs so many records, and those of this tree where it is known."""
        try:
            checkpoint = open_checkpoint(note, self._signer.verifier)
        except NoteError:
            return False
        at_end = size == self._end and checkpoint.root != self._truth.frontier.root()
        return checkpoint.size == size and not at_end

    def _note(self, size: int) -> bytes:
        """The tree's checkpoint, signed again, which gives the same bytes; empty when the tree is not known there."""
        frontier = self._truth.frontier_at(size)
        if frontier is None:
            return b""
        return signed(self._signer, frontier)


def _write(part: Path, made: Plan) -> None:
    remains = made.remains
    with closing(create(part, made.head)) as connection:
        connection.executemany(INSERT_COMMIT, [commit.to_row() for commit in made.commits])
        connection.executemany("INSERT INTO lost VALUES (?, ?)", made.lost.items())
        connection.executemany("INSERT INTO inbox VALUES (?, ?, ?, ?)", remains.inbox)
        connection.executemany(INSERT_SEEN, remains.seen)
        connection.executemany("INSERT INTO in_flight VALUES (?, ?, ?, ?)", remains.in_flight)
        connection.executemany(
            "INSERT INTO losses (body, sha256) VALUES (?, ?)", [(body, entry_hash(body)) for body in remains.losses]
        )
        finish(connection)
