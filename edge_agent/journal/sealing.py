"""Sealing records: in commits that can be sent, each under a signed checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from edge_agent.journal.segment import Commit
from edge_agent.journal.step import Step
from gate_contract.checkpoint import Checkpoint, Signer
from gate_contract.envelope import encode_records, leaf_hashes
from gate_contract.merkle import Frontier

MAX_COMMIT_RECORDS = 2048
MAX_COMMIT_BYTES = 32_768
"""Records and bytes under one checkpoint: they bound the smallest batch that can be sent, which a live record may have
to wait for. A quarter of a second on a line of 1 Mbit/s; a signature costs little beside so many bytes."""

INSERT = "INSERT INTO commits (first_index, end_index, crc, body, note) VALUES (?, ?, ?, ?, ?)"


def seal(step: Step, records: Sequence[bytes], signer: Signer) -> list[tuple[Frontier, int]]:
    """Add records to a transaction, in commits: for each the tree before it, and where it ends."""
    return [_commit(step, group, signer) for group in _groups(records)]


def signed(signer: Signer, frontier: Frontier) -> bytes:
    """The note over a tree of this journal; the same bytes each time."""
    return signer.sign(Checkpoint.of(signer.name, frontier).body()).to_bytes()


def _commit(step: Step, records: Sequence[bytes], signer: Signer) -> tuple[Frontier, int]:
    base, leaves = step.head.frontier, leaf_hashes(records)
    grown = base.grown(leaves)
    commit = Commit(base.size, grown.size, encode_records(records), signed(signer, grown))
    step.connection.execute(INSERT, commit.to_row())
    step.head = replace(step.head, frontier=grown)
    step.leaves += leaves
    step.weight += commit.weight
    return base, grown.size


def _groups(records: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Records in order, in groups within both bounds; a single record may be as large as any record may be."""
    start = size = 0
    for index, record in enumerate(records):
        full = index - start >= MAX_COMMIT_RECORDS or size + len(record) > MAX_COMMIT_BYTES
        if full and index > start:
            yield records[start:index]
            start, size = index, 0
        size += len(record)
    if start < len(records):
        yield records[start:]
