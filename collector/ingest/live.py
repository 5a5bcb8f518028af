"""Records that come ahead of the backlog: kept while they do, and compared when the backlog reaches them.

A live record is proved against a checkpoint whose tree the collector does not have yet. So it is believed as far as
"the agent signed this", its passage is judged, and no receipt covers it. When the backlog reaches its index, the hashes
must be equal; when the backlog passes the size of its checkpoint, the roots must be. Otherwise the agent has signed two
histories: a fork.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from collector.ingest.prepare import Prepared, PreparedLive
from collector.ledger.journal import JournalHead, stored_leaves, stored_tree
from collector.store import schema
from gate_contract.checkpoint import Checkpoint, Note
from gate_contract.envelope import ForkError, LiveOne
from gate_contract.merkle import range_root
from gate_contract.rules.text import shown


def store_live(connection: Connection, head: JournalHead, live: PreparedLive, now_ns: int) -> list[LiveOne]:
    """Keep live records in the caller's write transaction, each once; returns those that are new.

    Raises ForkError when one stands elsewhere with other bytes, or the checkpoint does not fit the journal as it is
    known here: then nothing is kept.
    """
    indices = [each.index for each in live.records]
    table = schema.live_records.c
    query = select(table.record_index, table.leaf).where(
        table.journal_id == head.journal_id, table.record_index.in_(indices)
    )
    known: dict[int, bytes] = {row.record_index: row.leaf for row in connection.execute(query)}
    durable = {index for index in indices if index < head.frontier.size}
    for index in durable - known.keys():
        known[index] = stored_leaves(connection, head.journal_id, index, index + 1)[0]
    for each in live.records:
        if known.get(each.index, each.leaf) != each.leaf:
            raise _fork(each.index, each.leaf, known[each.index], "in what was accepted before")
    _refuse_other_root(connection, head, live.checkpoint, min(indices))
    new = [each for each in live.records if each.index not in known]
    if new:
        rows = [_row(head.journal_id, each, live, now_ns) for each in new]
        connection.execute(insert(schema.live_records), rows)
    return new


def _row(journal_id: int, each: LiveOne, live: PreparedLive, now_ns: int) -> dict[str, object]:
    return {
        "journal_id": journal_id,
        "record_index": each.index,
        "leaf": each.leaf,
        "received_ns": now_ns,
        "body": each.body,
        "proof": b"".join(each.proof),
        "note": live.note,
        "checkpoint_size": live.checkpoint.size,
    }


def _refuse_other_root(connection: Connection, head: JournalHead, checkpoint: Checkpoint, index: int) -> None:
    """The checkpoint must fit the tree as far as it is stored, and every other live checkpoint of the same size.

    `index` is of the live record that came with it.
    """
    if checkpoint.size <= head.frontier.size:
        root = range_root(0, checkpoint.size, stored_tree(connection, head).node)
        if root != checkpoint.root:
            raise _other_root(head, checkpoint, root, index)
        return
    table = schema.live_records.c
    same_size = (table.journal_id == head.journal_id, table.checkpoint_size == checkpoint.size)
    for note in connection.scalars(select(table.note).where(*same_size).limit(1)):
        other = Checkpoint.parse(Note.parse(note).text)
        if other.root != checkpoint.root:
            raise _other_root(head, checkpoint, other.root, index)


def merge(connection: Connection, head: JournalHead, batch: Prepared) -> tuple[dict[int, bytes], int]:
    """Compare what came live with the batch that reaches or passes it, in the caller's write transaction.

    Returns the bytes of the batch's lost records that are known as live records, by index; and of how many live records
    the checkpoint is settled by this batch. Raises ForkError when it does not fit: then nothing was changed.
    """
    if not head.live_ahead:
        return {}, 0
    start = batch.base.size
    reached = _reached(connection, head.journal_id, start, batch.frontier.size)
    for row in reached:
        leaf = batch.leaves[row.record_index - start]
        if leaf != row.leaf:
            raise _fork(row.record_index, leaf, row.leaf, "in the live record that came ahead of it")
    settled = _refuse_other_past(connection, head, batch)
    lost = set(batch.lost)
    _note(connection, head.journal_id, [row.record_index for row in reached], batch.frontier.size)
    return {row.record_index: row.body for row in reached if row.record_index in lost}, settled


def _reached(connection: Connection, journal_id: int, start: int, end: int) -> Sequence[Row[Any, Any, Any]]:
    table = schema.live_records.c
    query = select(table.record_index, table.leaf, table.body)
    within = (table.journal_id == journal_id, table.record_index >= start, table.record_index < end)
    return connection.execute(query.where(*within).order_by(table.record_index)).all()


def _refuse_other_past(connection: Connection, head: JournalHead, batch: Prepared) -> int:
    """Roots of the checkpoints that the batch passes, against the tree with it; returns of how many live records."""
    table = schema.live_records.c
    query = select(table.record_index, table.checkpoint_size, table.note).where(
        table.journal_id == head.journal_id, table.checkpoint_size <= batch.frontier.size
    )
    rows = connection.execute(query.order_by(table.checkpoint_size, table.record_index.desc())).all()
    frontier = batch.base
    for size, row in {row.checkpoint_size: row for row in rows}.items():
        frontier = frontier.grown(batch.leaves[frontier.size - batch.base.size : size - batch.base.size])
        signed = Checkpoint.parse(Note.parse(row.note).text)
        if frontier.root() != signed.root:
            raise _other_root(head, signed, frontier.root(), row.record_index)
    return len(rows)


def _note(connection: Connection, journal_id: int, reached: Sequence[int], passed: int) -> None:
    """Mark what is merged and what is settled."""
    table = schema.live_records
    of_journal = table.c.journal_id == journal_id
    if reached:
        within = table.c.record_index.between(reached[0], reached[-1])
        connection.execute(update(table).where(of_journal, within).values(body=None, proof=None))
    is_settled = table.c.checkpoint_size <= passed
    connection.execute(update(table).where(of_journal, is_settled).values(note=None, checkpoint_size=None))


def _fork(index: int, leaf: bytes, other: bytes, where: str) -> ForkError:
    return ForkError(
        index,
        f"record {index} has leaf hash {leaf.hex()} here and {other.hex()} {where}: two histories under one key",
    )


def _other_root(head: JournalHead, signed: Checkpoint, root: bytes, index: int) -> ForkError:
    """A fork that lies somewhere below a live checkpoint's size, named after a live record proved under it."""
    return ForkError(
        index,
        f"the live record {index} was proved under a checkpoint of {signed.size} records of {shown(head.origin)} with "
        f"root {signed.root.hex()}, the journal has {root.hex()} there: two histories under one key, which part "
        f"somewhere before record {signed.size}",
    )
