"""`gate-collector incidents`: what went wrong at the gates, losses included, as their journals tell it."""

from __future__ import annotations

import click
from sqlalchemy import Row, select

from collector.commands._common import with_config
from collector.commands._show import Since, as_json, console, local, plain, reading, table, utc
from collector.config import CollectorConfig
from collector.store import schema


@click.command()
@click.option("--code", default="", help="Only with this code, e.g. device-silent, records-lost.")
@click.option("--since", type=Since(), default=0, help="Only since then: 90m, 24h, 7d, or a moment in ISO 8601.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@click.option("--json", "json_", is_flag=True, help="As a JSON array.")
@with_config
def incidents(config: CollectorConfig, code: str, since: int, limit: int, json_: bool) -> None:
    """List incidents, the newest first: a line for an opening, one for a closing, one for each loss."""
    rows = schema.incidents.c
    query = (
        select(schema.journals.c.origin, *rows)
        .join(schema.journals, schema.journals.c.journal_id == rows.journal_id)
        .where(rows.opened_ns >= since)
        .order_by(rows.opened_ns.desc(), rows.journal_id, rows.record_index.desc())
        .limit(limit)
    )
    if code:
        query = query.where(rows.code == code)
    with reading(config) as connection:
        found = connection.execute(query).all()
    if json_:
        click.echo(as_json([_json(row) for row in found]))
        return
    listed = table(("opened", "closed", "code", "device", "record", "what"))
    for row in found:
        listed.add_row(
            local(row.opened_ns),
            local(row.closed_ns or 0),
            plain(row.code),
            plain(row.device_id or "-"),
            plain(f"{row.origin.partition('/agent/')[2]}#{row.record_index}"),
            plain(row.text),
        )
    console().print(listed)


def _json(row: Row[str, int, int, str, str, str, int, int | None, str]) -> dict[str, object]:
    return {
        "record": f"{row.origin}#{row.record_index}",
        "incident_id": row.incident_id,
        "code": row.code,
        "device_id": row.device_id,
        "opened": utc(row.opened_ns),
        "opened_unix_ns": row.opened_ns,
        "closed": utc(row.closed_ns or 0),
        "closed_unix_ns": row.closed_ns,
        "text": row.text,
    }
