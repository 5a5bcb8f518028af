"""Sealing again what stands behind a record of which not even the hash is left.

Where a record and its leaf were damaged at the same place, nothing that comes after it can be proved under the
checkpoints that were signed. The collector asks for that record, so it has never seen them: from there on the journal
is sealed anew, as a tree in which a hash that is no record's stands in the place of the unknown one. Every record but
the lost one stays; the files with the checkpoints of before are put aside.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from edge_agent.journal.chain import Chain
from edge_agent.journal.files import PART
from edge_agent.journal.mend import Mended
from edge_agent.journal.quarantine import Quarantined, put_aside
from edge_agent.journal.recovery import place
from edge_agent.journal.roll import copy_state
from edge_agent.journal.sealing import INSERT, signed
from edge_agent.journal.segment import (
    Commit,
    Head,
    commits_from,
    connect_to_read,
    create,
    finish,
    lost_between,
    read_head,
)
from edge_agent.journal.verify import merged_leaves
from gate_contract.checkpoint import Signer
from gate_contract.merkle import Frontier
from gate_contract.v1.record_pb2 import Loss, LostRecords


def stand_in(index: int) -> bytes:
    """What stands in the tree for a record whose hash is not known: the hash of nothing that a tree is made of.

    RFC 9162 hashes leaves behind a byte 0 and nodes behind a byte 1.
    """
    return sha256(b"\x02tidegate: record %d and its hash are lost" % index).digest()


def unknown_in(connection: sqlite3.Connection, start: int) -> int | None:
    """The first record of a segment from `start` on whose hash is not known; None when there is none."""
    query = "SELECT min(record_index) FROM lost WHERE leaf IS NULL AND record_index >= ?"
    found: int | None = connection.execute(query, (start,)).fetchone()[0]
    return found


def head_of(chain: Chain, first_index: int) -> Head:
    """A segment's head as it stands in its file; sqlite3.Error and DamagedError go to the caller."""
    with closing(connect_to_read(chain.segment(first_index))) as connection:
        return read_head(connection, first_index)


def reseal(chain: Chain, signer: Signer, index: int) -> list[Loss]:
    """Seal the journal anew from the unknown record `index` on; what there is to tell.

    Nothing is done, nor told, where the tree before it is not known either. The newest segment is replaced first and
    the one with the record last: killed in between, it can be done again. The journal must not be in use. OSError,
    sqlite3.Error and DamagedError go to the caller.
    """
    segments = chain.since(index)
    with closing(connect_to_read(chain.segment(segments[0]))) as connection:
        frontier = read_head(connection, segments[0]).base
        if frontier is None or unknown_in(connection, segments[0]) != index:
            return []
    bases: dict[int, Frontier] = {}
    for segment in segments:
        bases[segment] = frontier
        frontier = _Again(chain, segment, signer, frontier, index).frontier()
    for segment in reversed(segments):
        aside = put_aside(chain.directory.parent, chain.segment(segment).name, _files(chain, segment))
        place(chain, segment, _Again(chain, segment, signer, bases[segment], index).written())
    return [_told(index, len(segments), aside[0])]


class _Again:
    """One segment, sealed upon another tree."""

    def __init__(self, chain: Chain, first_index: int, signer: Signer, base: Frontier, unknown: int) -> None:
        """`base` is the tree before it; up to the record `unknown` everything stays as it is."""
        self._chain, self._first, self._signer = chain, first_index, signer
        self._base, self._unknown = base, unknown
        self._leaves: list[bytes] = []
        self._lost: dict[int, bytes] = {}

    def frontier(self) -> Frontier:
        """The tree at its end."""
        with closing(connect_to_read(self._chain.segment(self._first))) as connection:
            frontier = self._base
            for _, hashes in self._commits(connection):
                frontier = frontier.grown(hashes)
            return frontier

    def written(self) -> Mended:
        """The segment as a file beside it."""
        path = self._chain.segment(self._first)
        part, active = path.with_name(f"{path.name}{PART}"), self._first == self._chain.segments[-1]
        with closing(connect_to_read(path)) as was:
            was.execute("BEGIN")
            head = read_head(was, self._first)
            commits = list(self._sealed(was))
            grown = self._base.grown(self._leaves)
            head = replace(head, base=self._base, frontier=grown, version=head.version + 1)
            if not active:
                head = replace(head, inbox_count=0, in_flight_count=0)
            with closing(create(part, head)) as made:
                made.executemany(INSERT, [commit.to_row() for commit in commits])
                made.executemany("INSERT INTO lost VALUES (?, ?)", self._lost.items())
                if active:
                    copy_state(was, made)
                finish(made)
        return Mended(part, head, sum(commit.weight for commit in commits), b"".join(self._leaves), [])

    def _sealed(self, connection: sqlite3.Connection) -> Iterator[Commit]:
        frontier = self._base
        for commit, hashes in self._commits(connection):
            frontier = frontier.grown(hashes)
            self._leaves += hashes
            yield commit if commit.end_index <= self._unknown else replace(commit, note=signed(self._signer, frontier))

    def _commits(self, connection: sqlite3.Connection) -> Iterator[tuple[Commit, list[bytes]]]:
        """Commits with the leaf hashes that they have from now on."""
        for commit in commits_from(connection, self._first):
            lost = lost_between(connection, commit.first_index, commit.end_index)
            known = {index: leaf or stand_in(index) for index, leaf in lost.items()}
            self._lost |= known
            yield commit, merged_leaves(commit, dict(known))


def _files(chain: Chain, first_index: int) -> list[Path]:
    path = chain.segment(first_index)
    beside = (path, path.with_name(f"{path.name}-wal"), chain.leaves(first_index).path)
    return [each for each in beside if each.exists()]


def _told(index: int, segments: int, aside: Quarantined) -> Loss:
    text = (
        f"Of record {index} not even the hash is left: the journal and its leaf file were damaged at the same place. "
        f"So that what follows can be proved, everything from there on was sealed anew, with a hash in its place that "
        f"is no record's. No further record is lost. Checkpoints of before for more than {index} records hold no more; "
        f"no collector has given a receipt for one. The {segments} files with them are kept in quarantine, the first "
        f"as {aside.path}. Look at the disk's health, and replace it soon"
    )
    return Loss(
        records=LostRecords(first_index=index, count=0),
        text=text,
        quarantined=aside.path,
        quarantined_sha256=aside.sha256,
    )
