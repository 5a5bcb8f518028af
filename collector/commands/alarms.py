"""`gate-collector alarms`: what does not fit and a person must know."""

from __future__ import annotations

from typing import Any

import click
from sqlalchemy import Row, Select, Table, select, union_all

from collector.commands._common import with_config
from collector.commands._show import Since, as_json, console, local, plain, reading, table, utc
from collector.config import CollectorConfig
from collector.store import schema


@click.command()
@click.option("--since", type=Since(), default=0, help="Only since then: 90m, 24h, 7d, or a moment in ISO 8601.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@click.option("--json", "json_", is_flag=True, help="As a JSON array.")
@with_config
def alarms(config: CollectorConfig, since: int, limit: int, json_: bool) -> None:
    """List alarms, the newest first.

    They are: a collector or a gate machine put back to an older state, records lost at a gate, a receipt that is not
    ours, a passage that two machines speak of, what was quarantined (a fork, a bad seal, a bad proof), an order or an
    officer's act that does not hold. Beside them stands who opened personal data, and why.
    """
    both = union_all(_kept(schema.alarms, since), _kept(schema.quarantine, since)).subquery()
    query = select(both).order_by(both.c.at_ns.desc(), both.c.number.desc()).limit(limit)
    with reading(config) as connection:
        rows = connection.execute(query).all()
    if json_:
        click.echo(as_json([_json(row) for row in rows]))
        return
    listed = table(("time", "kind", "journal", "what"))
    for row in rows:
        listed.add_row(local(row.at_ns), row.kind, plain(row.origin), plain(row.detail))
    console().print(listed)


def _kept(kept: Table, since: int) -> Select[Any]:
    columns = kept.c
    number = next(iter(kept.primary_key.columns)).label("number")
    query = select(columns.at_ns, columns.kind, columns.origin, columns.record_index, columns.detail, number)
    return query.where(columns.at_ns >= since)


def _json(row: Row[Any]) -> dict[str, object]:
    return {
        "at": utc(row.at_ns),
        "at_unix_ns": row.at_ns,
        "kind": row.kind,
        "origin": row.origin,
        "record_index": row.record_index,
        "detail": row.detail,
    }
