"""Journals as they are durable here: their heads, their records, their trees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import Column, Connection, Row, Select, select

from collector.errors import StoreError
from collector.ledger.tiles import StoredTree
from collector.store import schema
from gate_contract.checkpoint import NoteError, Verifier
from gate_contract.merkle import HASH_SIZE, Frontier, ProofError
from gate_contract.v1.batch_pb2 import Batch

_HeadColumns: TypeAlias = tuple[int, str, str, int | None, int, bytes, bytes, int, int, int, str | None]


@dataclass(frozen=True, slots=True)
class JournalHead:
    """Where a journal stands.

    Attributes:
        journal_id: the database's number for it.
        origin: its name, and its key's.
        verifier: its key.
        revoked: whether nothing more is accepted of it.
        frontier: what the next batch is verified against.
        receipt: the latest receipt note; empty while there is none.
        dead_lettered: records that were verified and not understood, so far; the lost ones are among them.
        lost: records whose bytes the gate has no more, so far.
        live_ahead: live records that the journal, as it is stored, has not been compared with yet.
        revoked_reason: the operator's words, when `revoked`.
    """

    journal_id: int
    origin: str
    verifier: Verifier
    revoked: bool
    frontier: Frontier
    receipt: bytes
    dead_lettered: int
    lost: int = 0
    live_ahead: int = 0
    revoked_reason: str = ""


def head_of(connection: Connection, origin: str) -> JournalHead | None:
    """Head of the journal with this origin; None when it was never admitted."""
    row = connection.execute(_heads().where(schema.journals.c.origin == origin)).one_or_none()
    return None if row is None else _head(row)


def head_by_id(connection: Connection, journal_id: int) -> JournalHead:
    """Head of a journal that is there."""
    return _head(connection.execute(_heads().where(schema.journals.c.journal_id == journal_id)).one())


def lock_heads(connection: Connection, journal_ids: set[int]) -> dict[int, JournalHead]:
    """Heads by journal id, locked for the caller's write transaction."""
    query = _heads().where(schema.journals.c.journal_id.in_(journal_ids)).with_for_update()
    # In one order, or two programs could wait for each other.
    query = query.order_by(schema.journals.c.journal_id)
    return {row.journal_id: _head(row) for row in connection.execute(query)}


def batch_at(connection: Connection, journal_id: int, index: int) -> int | None:
    """First index of the stored batch that holds the record `index`; None when no batch begins at or before it."""
    table = schema.batches.c
    at_or_before = select(table.first_index).where(table.journal_id == journal_id, table.first_index <= index)
    return connection.scalars(at_or_before.order_by(table.first_index.desc()).limit(1)).one_or_none()


def stored_records(connection: Connection, journal_id: int, start: int, end: int) -> dict[int, bytes]:
    """The records' exact bytes by index, of [start, end), as far as they are stored: those that were lost are not."""
    records: dict[int, bytes] = {}
    for row in _batches(connection, journal_id, start, end, schema.batches.c.body):
        batch = Batch.FromString(row.body)
        lost = {each.index for each in batch.lost}
        bodies = iter(batch.records)
        for index in range(row.first_index, row.first_index + len(batch.records) + len(lost)):
            body = None if index in lost else next(bodies)
            if body is not None and start <= index < end:
                records[index] = body
    return records


def stored_leaves(connection: Connection, journal_id: int, start: int, end: int) -> list[bytes]:
    """The records' leaf hashes [start, end), as far as they are stored, in order."""
    hashes: list[bytes] = []
    for row in _batches(connection, journal_id, start, end, schema.batches.c.leaves):
        first, last = max(start - row.first_index, 0), min(end - row.first_index, len(row.leaves) // HASH_SIZE)
        hashes.extend(row.leaves[at * HASH_SIZE : (at + 1) * HASH_SIZE] for at in range(first, last))
    return hashes


def stored_tree(connection: Connection, journal: JournalHead) -> StoredTree:
    """The journal's nodes, for proofs."""

    def leaves(start: int, end: int) -> Sequence[bytes]:
        return stored_leaves(connection, journal.journal_id, start, end)

    return StoredTree(connection, journal.origin, leaves)


def _batches(
    connection: Connection, journal_id: int, start: int, end: int, column: Column[bytes]
) -> Sequence[Row[tuple[int, bytes]]]:
    """(first_index, column) of the batches that hold records [start, end), in order."""
    table = schema.batches.c
    first = batch_at(connection, journal_id, start)
    return connection.execute(
        select(table.first_index, column)
        .where(table.journal_id == journal_id, table.first_index >= (first or 0), table.first_index < end)
        .order_by(table.first_index)
    ).all()


def _heads() -> Select[_HeadColumns]:
    table = schema.journals.c
    return select(
        table.journal_id,
        table.origin,
        table.verifier_key,
        table.revoked_ns,
        table.size,
        table.peaks,
        table.receipt,
        table.dead_lettered,
        table.lost,
        table.live_ahead,
        table.revoked_reason,
    )


def _head(row: Row[_HeadColumns]) -> JournalHead:
    try:
        return JournalHead(
            row.journal_id,
            row.origin,
            Verifier.from_vkey(row.verifier_key),
            row.revoked_ns is not None,
            Frontier.from_bytes(row.size, row.peaks),
            row.receipt,
            row.dead_lettered,
            row.lost,
            row.live_ahead,
            row.revoked_reason or "",
        )
    except (NoteError, ProofError) as error:
        raise StoreError(
            f"the head of the journal {row.origin} is damaged", cause=str(error), fix="run `gate-collector audit`"
        ) from None
