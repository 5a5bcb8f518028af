"""`gate-collector sailings`: the schedule, and how many were counted on board."""

from __future__ import annotations

import time

import click

from collector.commands._common import with_config
from collector.commands._importing import format_of, import_options, importing, tell, writing
from collector.commands._registers import item_json
from collector.commands._show import Since, as_json, console, local, plain, reading, table
from collector.config import CollectorConfig
from collector.declarations.files import read_rows
from collector.errors import CollectorError
from collector.registers import sailings as register
from collector.registers.importing import import_items
from collector.registers.intake import NewItem, enter
from collector.registers.reading import latest
from collector.registers.sailing_keys import lengthen_terms
from collector.registers.sailings import MOST_HEADS, SAILINGS, with_heads_known
from gate_contract.v1 import register_pb2 as pb


@click.group()
def sailings() -> None:
    """Import the schedule, list it, note how many were counted on board."""


@sailings.command(name="import")
@import_options
@with_config
def import_(config: CollectorConfig, file: str, file_format: str | None, partial: bool, json_: bool) -> None:
    """Import the sailings in FILE (CSV or JSON; - is standard input). The server may be running.

    All or nothing, as `declarations import`. What changed becomes a new version; where a row says no heads, what was
    counted stays. docs/registers.md describes the columns.
    """
    chosen = format_of(file, file_format)
    with importing(config, file) as at:
        report = import_items(
            at.store,
            at.ledger,
            pb.ITEM_KIND_SAILING,
            at.seen(read_rows(at.stream, chosen, SAILINGS)),
            time.time_ns(),
            partial=partial,
            completed=with_heads_known,
            on_progress=at.on_progress,
        )
        at.note_sites(config)
        with at.store.read() as connection:
            known = register.sailings(connection)
        lengthen_terms(at.keys, config.retention, known.get)
    tell(report, json_=json_)


@sailings.command(name="list")
@click.option("--site", help="Only of this site.")
@click.option("--since", type=Since(), default="24h", show_default=True, help="Departing since then: 90m, 24h, 7d, …")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@click.option("--json", "json_", is_flag=True, help="As a JSON array.")
@with_config
def list_(config: CollectorConfig, site: str | None, since: int, limit: int, json_: bool) -> None:
    """List sailings that depart since then, in order of departure."""
    with reading(config) as connection:
        items = latest(connection, pb.ITEM_KIND_SAILING).values()
        tickets = {
            key: len(pb.SailingManifest.FromString(item.body).tickets)
            for key, item in latest(connection, pb.ITEM_KIND_MANIFEST).items()
        }
    found = [(pb.Sailing.FromString(item.body), item) for item in items]
    found = [each for each in found if each[0].departure_unix_ns >= since and site in {None, each[0].site_id}]
    found = sorted(found, key=lambda each: (each[0].departure_unix_ns, each[0].sailing_id))[:limit]
    if json_:
        click.echo(as_json([item_json(item) | {"tickets": tickets.get(item.key)} for _, item in found]))
        return
    names = ("sailing", "site", "departure", "ship", "MMSI", "tickets", "heads", "")
    listed = table(names, right=("tickets", "heads"))
    for sailing, _ in found:
        listed.add_row(
            plain(sailing.sailing_id),
            plain(sailing.site_id),
            local(sailing.departure_unix_ns),
            plain(sailing.ship or "-"),
            str(sailing.mmsi or "-"),
            str(tickets.get(sailing.sailing_id, "-")),
            str(sailing.heads) if sailing.HasField("heads") else "-",
            "cancelled" if sailing.cancelled else "",
        )
    console().print(listed)


@sailings.command()
@click.argument("sailing_id", metavar="SAILING")
@click.argument("count", metavar="N", type=click.IntRange(0, MOST_HEADS))
@with_config
def heads(config: CollectorConfig, sailing_id: str, count: int) -> None:
    """Note that N persons were counted on board SAILING when boarding was over; P07 compares it with the manifest."""
    with writing(config) as (store, ledger), store.write() as connection:
        item = latest(connection, pb.ITEM_KIND_SAILING, [sailing_id]).get(sailing_id)
        if item is None:
            raise CollectorError(
                f"there is no sailing {sailing_id!r}",
                fix="`gate-collector sailings list` shows them; import the schedule first",
            )
        sailing = pb.Sailing.FromString(item.body)
        sailing.heads = count
        noted = NewItem.of(
            pb.ITEM_KIND_SAILING, sailing_id, sailing, site_id=item.site_id, expires_unix_ns=item.expires_unix_ns
        )
        entered = enter(connection, ledger, [noted], time.time_ns())
    click.echo(f"{sailing_id}: {count} heads" + ("" if entered else ", as was known"))
