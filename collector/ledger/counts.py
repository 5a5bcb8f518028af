"""What is stored, counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Table, func, select

from collector.agents.registry import moment
from collector.store import schema
from collector.store.alarms import count_alarms


@dataclass(frozen=True, slots=True)
class JournalCounts:
    """One journal. `last_seen` is in UTC, ISO 8601; None when its machine never came.

    `lost` are the dead letters whose bytes the gate has no more; `live_ahead` the records that came ahead of a backlog
    and have not been compared with it yet.
    """

    origin: str
    agent_id: str
    site_id: str
    records: int
    batches: int
    dead_lettered: int
    lost: int
    live_ahead: int
    last_seen: str | None
    revoked: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """All journals together, and what was made of their records.

    Attributes:
        records: durable here.
        journals: admitted keys.
        dead_lettered: records that were verified and not understood, or lost at the gate.
        lost: those of them that were lost.
        live_ahead: records that came ahead of a backlog and have not been compared with it yet.
        quarantined: batches that were refused as forks or for bad seals.
        alarms: what does not fit and a person must know; `gate-collector alarms` lists them.
        passages: passages, each counted once.
        verdicts: verdicts that stand.
        to_judge: passages that wait to be judged.
        declarations: declarations, each counted once.
        register_items: entries of the registers that hold, each counted once.
        ledger: entries of the ledger.
        evidence: blobs.
        evidence_bytes: bytes of them.
        by_journal: one journal each.
    """

    records: int
    journals: int
    dead_lettered: int
    lost: int
    live_ahead: int
    quarantined: int
    alarms: int
    passages: int
    verdicts: int
    to_judge: int
    declarations: int
    register_items: int
    ledger: int
    evidence: int
    evidence_bytes: int
    by_journal: Sequence[JournalCounts]

    def totals(self) -> dict[str, int]:
        """All numbers but the journals' own."""
        numbers: dict[str, Any] = asdict(self)
        del numbers["by_journal"]
        return numbers

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


def count(connection: Connection) -> Counts:
    """Count in the caller's read transaction: the numbers are of one moment."""
    journals = _journals(connection)
    evidence_bytes = connection.scalar(select(func.sum(schema.evidence.c.size)))
    distinct = select(func.count(schema.passages.c.passage_id.distinct()))
    return Counts(
        records=sum(journal.records for journal in journals),
        journals=len(journals),
        dead_lettered=sum(journal.dead_lettered for journal in journals),
        lost=sum(journal.lost for journal in journals),
        live_ahead=sum(journal.live_ahead for journal in journals),
        quarantined=_rows(connection, schema.quarantine),
        alarms=count_alarms(connection),
        passages=connection.scalars(distinct).one(),
        verdicts=connection.scalars(select(func.count()).where(schema.verdicts.c.latest)).one(),
        to_judge=_rows(connection, schema.to_judge),
        declarations=connection.scalars(select(func.count()).where(schema.declarations.c.latest)).one(),
        register_items=_holding(connection),
        ledger=_rows(connection, schema.ledger_entries),
        evidence=_rows(connection, schema.evidence),
        evidence_bytes=int(evidence_bytes or 0),
        by_journal=journals,
    )


def _journals(connection: Connection) -> list[JournalCounts]:
    table, batches = schema.journals.c, schema.batches.c
    counted = select(batches.journal_id, func.count().label("batches")).group_by(batches.journal_id)
    number_of = {row.journal_id: row.batches for row in connection.execute(counted)}
    rows = connection.execute(select(schema.journals).order_by(table.agent_id, table.journal_id))
    return [
        JournalCounts(
            origin=row.origin,
            agent_id=row.agent_id,
            site_id=row.site_id,
            records=row.size,
            batches=number_of.get(row.journal_id, 0),
            dead_lettered=row.dead_lettered,
            lost=row.lost,
            live_ahead=row.live_ahead,
            last_seen=None if row.last_seen_ns is None else f"{moment(row.last_seen_ns):%Y-%m-%dT%H:%M:%SZ}",
            revoked=row.revoked_ns is not None,
        )
        for row in rows
    ]


def _holding(connection: Connection) -> int:
    items = schema.register_items.c
    return connection.scalars(select(func.count()).where(items.latest, ~items.withdrawn)).one()


def _rows(connection: Connection, table: Table) -> int:
    return connection.scalars(select(func.count()).select_from(table)).one()
