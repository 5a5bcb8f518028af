"""Reading the journal: stretches for the uplink, single records, and what was pruned as its leaves."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from edge_agent.errors import JournalError
from edge_agent.journal.sealing import signed
from edge_agent.journal.segment import Commit, DamagedError, commits_from, lost_between
from edge_agent.journal.store import Store
from edge_agent.model.sealed import Stretch
from gate_contract.checkpoint import NoteError, Signer, Verifier, open_checkpoint
from gate_contract.envelope import encode_records
from gate_contract.merkle import HASH_SIZE, Frontier
from gate_contract.v1.batch_pb2 import Batch

KEEP = "capture goes on here; keep the state directory as evidence, and enrol again with an empty one"


class UnprovedError(JournalError):
    """What stands from a record on cannot be proved, because a hash at or before it is not known."""


def read_stretch(store: Store, first_index: int, max_records: int, max_bytes: int) -> Stretch:
    """Records of kept segments; see Journal.stretch."""

    def work(connection: sqlite3.Connection) -> Stretch:
        gathered = _Gathered(first_index, first_index)
        for commit in commits_from(connection, first_index):
            body = commit.body if commit.first_index >= first_index else _rest_of(connection, commit, first_index)
            if not gathered.takes(commit, body, max_records, max_bytes):
                break
        if not gathered.bodies and not gathered.unsigned:
            raise DamagedError(f"the commit with record {first_index} is gone")
        lost = _known(lost_between(connection, first_index, max(gathered.end, first_index + 1)))
        if not gathered.note:
            raise UnprovedError(
                f"the tree behind record {first_index} is not known: what follows cannot be proved to the collector",
                cause="the journal was damaged where its tree could not be made again",
                fix=KEEP,
            )
        return Stretch(first_index, gathered.end, gathered.bodies, lost, gathered.note)

    return store.read(_segment_of(store, first_index), work)


def read_record(store: Store, index: int) -> bytes | None:
    """One record's bytes; None when it is lost, pruned, or not there yet."""
    if not store.chain.segments[0] <= index < store.head.frontier.size:
        return None

    def work(connection: sqlite3.Connection) -> bytes | None:
        if lost_between(connection, index, index + 1):
            return None
        commit = next(commits_from(connection, index), None)
        if commit is None or not commit.first_index <= index < commit.end_index:
            raise DamagedError(f"the commit with record {index} is gone")
        before = len(lost_between(connection, commit.first_index, index))
        return Batch.FromString(commit.body).records[index - commit.first_index - before]

    return store.read(_segment_of(store, index), work)


def root_at(store: Store, verifier: Verifier, size: int) -> bytes | None:
    """Root that this journal signed for its first `size` records; None when no commit that is kept ends there."""
    if not store.chain.segments[0] < size <= store.head.frontier.size:
        return None

    def work(connection: sqlite3.Connection) -> bytes | None:
        commit = next(commits_from(connection, size - 1), None)
        if commit is None or commit.end_index != size:
            return None
        try:
            return open_checkpoint(commit.note, verifier).root
        except NoteError:
            return None  # what was damaged and could not be signed again

    return store.read(_segment_of(store, size - 1), work)


def _segment_of(store: Store, index: int) -> int:
    first = store.chain.holding(index)
    if first is None:
        raise JournalError(f"record {index} was pruned")
    return first


def _rest_of(connection: sqlite3.Connection, commit: Commit, index: int) -> bytes:
    """The commit's records from `index` on, encoded."""
    gone = len(lost_between(connection, commit.first_index, index))
    return encode_records(Batch.FromString(commit.body).records[index - commit.first_index - gone :])


def _known(lost: dict[int, bytes | None]) -> tuple[tuple[int, bytes], ...]:
    known = tuple((index, leaf) for index, leaf in lost.items() if leaf is not None)
    if len(known) < len(lost):
        index = next(index for index, leaf in lost.items() if leaf is None)
        raise UnprovedError(
            f"record {index} is lost, and so is its hash: what comes after it cannot be proved to the collector",
            cause="the journal and its leaf file were damaged at the same place",
            fix=KEEP,
        )
    return known


@dataclass(slots=True)
class _Gathered:
    """Commits that go up together: up to `end` under `note`, and those after it that no note covers yet."""

    first_index: int
    end: int
    note: bytes = b""
    bodies: list[bytes] = field(default_factory=list)
    unsigned: list[bytes] = field(default_factory=list)
    weight: int = 0

    def takes(self, commit: Commit, body: bytes, max_records: int, max_bytes: int) -> bool:
        """Take a commit unless the bounds forbid it; always up to the first one whose end is signed."""
        self.weight += len(body)
        if self.note and (commit.end_index - self.first_index > max_records or self.weight > max_bytes):
            return False
        self.unsigned.append(body)
        if commit.note:  # empty where its tree could not be made again
            self.bodies += self.unsigned
            self.unsigned, self.end, self.note = [], commit.end_index, commit.note
        return True


class Ledger:
    """What was captured before the oldest kept segment: its leaf hashes, to be sent as lost."""

    def __init__(self, store: Store, signer: Signer) -> None:
        """Reads nothing yet."""
        self._store, self._signer = store, signer
        self._reached = Frontier()
        self._proved_until = 0

    def stretch(self, first_index: int, max_records: int) -> Stretch:
        """Pruned records from `first_index` on as lost ones, under a checkpoint that is signed anew."""
        chain = self._store.chain
        until = chain.segments[0]
        self._prove(until)
        if self._reached.size > first_index:
            self._reached = Frontier()
        self._grow(first_index)
        leaves = self._leaves(first_index, min(until, first_index + max_records))
        self._reached = self._reached.grown(leaves)
        lost = tuple(enumerate(leaves, start=first_index))
        return Stretch(first_index, self._reached.size, [], lost, signed(self._signer, self._reached))

    def _prove(self, until: int) -> None:
        """Sign nothing before it is sure that the leaves are those of the tree that was signed."""
        if self._proved_until >= until:
            return
        self._reached = Frontier()
        self._grow(until)
        if self._reached != self._store.base_of(until):
            raise JournalError(
                f"the leaf files of the records before {until} are damaged, and the records were pruned",
                cause="the collector asks for records that it has confirmed before: it was restored from a backup",
                fix="restore the collector from a newer backup; if there is none, enrol this machine again",
            )
        self._proved_until = until

    def _grow(self, until: int) -> None:
        while self._reached.size < until:
            start = self._reached.size
            leaves = self._leaves(start, until)
            if not leaves:
                raise JournalError(f"the leaf hash of record {start} is gone, and the record was pruned")
            self._reached = self._reached.grown(leaves)

    def _leaves(self, start: int, end: int) -> list[bytes]:
        """Leaf hashes from one ledger, at most 65,536."""
        chain = self._store.chain
        first = max((each for each in chain.ledgers if each <= start), default=start)
        stop = min(end, chain.end_of(first) or end, start + (1 << 16))
        data = chain.leaves(first).read(start, stop)
        return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]
