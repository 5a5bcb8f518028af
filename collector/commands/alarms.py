"""`gate-collector alarms`: what does not fit and a person must know."""

from __future__ import annotations

import click
from sqlalchemy import Row, select

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
    ours, a passage that two machines speak of. Beside them stands who opened personal data, and why.
    """
    columns = schema.alarms.c
    query = select(columns.at_ns, columns.kind, columns.origin, columns.record_index, columns.detail)
    with reading(config) as connection:
        rows = connection.execute(
            query.where(columns.at_ns >= since).order_by(columns.alarm_id.desc()).limit(limit)
        ).all()
    if json_:
        click.echo(as_json([_json(row) for row in rows]))
        return
    listed = table(("time", "kind", "journal", "what"))
    for row in rows:
        listed.add_row(local(row.at_ns), row.kind, plain(row.origin), plain(row.detail))
    console().print(listed)


def _json(row: Row[int, str, str, int | None, str]) -> dict[str, object]:
    return {
        "at": utc(row.at_ns),
        "at_unix_ns": row.at_ns,
        "kind": row.kind,
        "origin": row.origin,
        "record_index": row.record_index,
        "detail": row.detail,
    }
