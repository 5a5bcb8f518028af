"""Passages of accepted records: their rows, and their place in the queue to be judged."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from sqlalchemy import Connection, delete, insert, select

from collector.ingest.beside import store_documents
from collector.ingest.contents import PassageRecord, passage_row, repeated
from collector.ledger.journal import JournalHead
from collector.ledger.log import Ledger
from collector.reconcile.queue import AT_ONCE, portions
from collector.store import schema
from collector.store.alarms import TOLD_TWICE, Alarm, raise_alarm

Turn = Callable[[int], int]
"""Index of a record -> the turn of the passage in it (collector.reconcile.turns)."""


def store_passages(
    connection: Connection, ledger: Ledger, head: JournalHead, seen: Sequence[PassageRecord], now_ns: int, turn: Turn
) -> dict[int, str]:
    """Store passages and queue them to be judged; those that came live before are there already.

    Returns dead letters: what the same journal said at another index before, by index.
    """
    ids = {record.passage.passage_id for record in seen}
    journal_id = head.journal_id
    said = _said_before(connection, journal_id, ids)
    new: list[PassageRecord] = []
    dead_letters: dict[int, str] = {}
    for record in seen:
        key = (record.passage.passage_id, record.passage.revision)
        if key not in said:
            said[key] = record.index
            new.append(record)
        elif said[key] != record.index:
            dead_letters[record.index] = repeated(record, said[key])
    if new:
        _tell_of_two(connection, ledger, head, new, now_ns)
        connection.execute(insert(schema.passages), [passage_row(record, journal_id, now_ns) for record in new])
        store_documents(connection, new)
        _queue(connection, new, now_ns, turn)
    return dead_letters


def _said_before(connection: Connection, journal_id: int, passage_ids: Iterable[str]) -> dict[tuple[str, int], int]:
    """(passage id, revision) -> index of the record of this journal that said it."""
    table = schema.passages.c
    query = select(table.passage_id, table.revision, table.record_index).where(table.journal_id == journal_id)
    said: dict[tuple[str, int], int] = {}
    for some in portions(passage_ids, AT_ONCE):
        for row in connection.execute(query.where(table.passage_id.in_(some))):
            said[row.passage_id, row.revision] = row.record_index
    return said


def _tell_of_two(
    connection: Connection, ledger: Ledger, head: JournalHead, new: Collection[PassageRecord], now_ns: int
) -> None:
    """An alarm for each passage of which another journal has spoken before: this one's word is kept, not judged."""
    passages, journals = schema.passages.c, schema.journals.c
    query = (
        select(passages.passage_id, journals.origin)
        .join(schema.journals, journals.journal_id == passages.journal_id)
        .where(passages.journal_id != head.journal_id)
        .order_by(passages.received_ns.desc(), passages.journal_id.desc())
    )
    at = {record.passage.passage_id: record.index for record in reversed(list(new))}
    for some in portions(at, AT_ONCE):
        first = {row.passage_id: row.origin for row in connection.execute(query.where(passages.passage_id.in_(some)))}
        for passage_id, other in first.items():
            detail = (
                f"passage {passage_id} of record {at[passage_id]} was told by the journal {other} before: the verdict "
                "is on what that one says; two machines share a passage id, or one speaks for another"
            )
            raise_alarm(connection, ledger, Alarm(head.origin, TOLD_TWICE, detail, at[passage_id]), now_ns)


def _queue(connection: Connection, new: Iterable[PassageRecord], now_ns: int, turn: Turn) -> None:
    """Queue passages to be judged; one that waits already keeps an earlier turn and takes the latest reason."""
    table = schema.to_judge
    rows = {
        record.passage.passage_id: {
            "passage_id": record.passage.passage_id,
            "queued_ns": now_ns,
            "turn": turn(record.index),
            "reason": _reason(record),
        }
        for record in new
    }
    for some in portions(rows, AT_ONCE):
        waiting = connection.execute(select(table.c.passage_id, table.c.turn).where(table.c.passage_id.in_(some))).all()
        for row in waiting:
            rows[row.passage_id]["turn"] = min(rows[row.passage_id]["turn"], row.turn)
        if waiting:
            connection.execute(delete(table).where(table.c.passage_id.in_([row.passage_id for row in waiting])))
    connection.execute(insert(table), list(rows.values()))


def _reason(record: PassageRecord) -> str:
    """Why a passage is judged again; empty for its first revision."""
    passage = record.passage
    return (
        "" if passage.revision == 1 else f"revision {passage.revision}: {passage.revision_reason or 'no reason given'}"
    )
