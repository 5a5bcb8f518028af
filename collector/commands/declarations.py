"""`gate-collector declarations`: what was said beforehand."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import cast

import click
from sqlalchemy import Connection, select

from collector.commands._common import with_config
from collector.commands._importing import format_of, import_options, importing, tell
from collector.commands._show import (
    as_json,
    console,
    declaration_json,
    direction_word,
    local,
    plain,
    reading,
    table,
)
from collector.config import CollectorConfig
from collector.declarations.files import read_entries
from collector.declarations.intake import import_declarations
from collector.errors import CollectorError
from collector.registers.sailing_keys import SailingKeys
from collector.registers.sailings import sailings
from collector.store import schema
from collector.store.engine import Store
from gate_contract.rules.plates import normalise
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.register_pb2 import Sailing


@click.group()
def declarations() -> None:
    """Import declarations, list them, show one with its versions."""


@declarations.command(name="import")
@import_options
@with_config
def import_(config: CollectorConfig, file: str, file_format: str | None, partial: bool, json_: bool) -> None:
    """Import the declarations in FILE (CSV or JSON; - is standard input). The server may be running.

    All or nothing: one bad row, and nothing is imported unless --partial is given. What is known already is left as it
    is; what changed becomes a new version. Every bad row is listed. Exit code 0: all is well, 1: something in the file
    is wrong, 2: wrong usage. docs/declarations.md describes the fields.
    """
    chosen = format_of(file, file_format)
    now_ns = time.time_ns()
    with importing(config, file) as at:
        pseudonyms = SailingKeys(at.keys, config.retention, _sailings_of(at.store), now_ns).pseudonym
        entries = at.seen(read_entries(at.stream, chosen, pseudonyms))
        report = import_declarations(at.store, at.ledger, entries, now_ns, partial=partial, on_progress=at.on_progress)
        at.note_sites(config)
    tell(report, json_=json_)


def _sailings_of(store: Store) -> Callable[[str], Sailing | None]:
    """Looks sailings up as the drivers of a file need them: each in a transaction of its own, none held meanwhile."""

    def find(sailing_id: str) -> Sailing | None:
        with store.read() as connection:
            return sailings(connection, [sailing_id]).get(sailing_id)

    return find


@declarations.command(name="list")
@click.option("--site", help="Only of this site.")
@click.option("--plate", help="Only with this in the plate of vehicle or trailer.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@click.option("--json", "json_", is_flag=True, help="As a JSON array.")
@with_config
def list_(config: CollectorConfig, site: str | None, plate: str | None, limit: int, json_: bool) -> None:
    """List declarations in their latest versions, those received last first."""
    columns = schema.declarations.c
    query = select(columns.body).where(columns.latest).order_by(columns.ledger_index.desc()).limit(limit)
    if site:
        query = query.where(columns.site_id == site)
    if plate:
        part = normalise(plate)
        matching = (column.contains(part, autoescape=True) for column in (columns.vehicle_plate, columns.trailer_plate))
        query = query.where(next(matching) | next(matching))
    with reading(config) as connection:
        found = [Declaration.FromString(body) for body in connection.scalars(query)]
    if json_:
        click.echo(as_json([declaration_json(each) for each in found]))
        return
    names = ("declaration", "version", "plate", "trailer", "site", "direction", "departure", "cargo kg", "lodged")
    listed = table(names, right=("version", "cargo kg"))
    for each in found:
        listed.add_row(
            plain(each.declaration_id),
            str(each.version),
            plain(each.vehicle_plate),
            plain(each.trailer_plate),
            plain(each.site_id),
            direction_word(each.direction),
            local(each.departure_unix_ns),
            each.cargo_kilograms,
            local(each.lodged_unix_ns),
        )
    console().print(listed)


@declarations.command()
@click.argument("declaration_id", metavar="ID")
@click.option("--json", "json_", is_flag=True, help="As JSON.")
@with_config
def show(config: CollectorConfig, declaration_id: str, json_: bool) -> None:
    """Show the declaration ID: its versions, what changed in each, and the passages judged against it."""
    with reading(config) as connection:
        versions, passages = _versions(connection, declaration_id)
    shown = [declaration_json(each) for each in versions]
    if json_:
        click.echo(as_json({"declaration_id": declaration_id, "versions": shown, "passages": passages}))
        return
    out = console()
    for before, after in zip([{}, *shown], shown, strict=False):
        changed = sorted(key for key in after if before and before[key] != after[key] and key not in _ADDED)
        out.print(f"version {after['version']}, received {local(cast('int', after['received_unix_ns']))}", end="")
        out.print(f", changed: {', '.join(changed)}" if changed else "", highlight=False)
    fields = table(("field", "value"))
    for key, value in shown[-1].items():
        if key not in _ADDED:
            moment_ns = shown[-1].get(f"{key}_unix_ns")
            text = local(moment_ns) if isinstance(moment_ns, int) else _text(value)
            fields.add_row(key, plain(text))
    out.print(fields)
    out.print(f"passages judged against it: {plain(', '.join(passages)) or 'none'}", highlight=False)


def _text(value: object) -> str:
    if isinstance(value, list):
        parts = (each.values() if isinstance(each, dict) else [each] for each in value)
        return "; ".join(", ".join(str(part) for part in each) for each in parts) or "-"
    return str(value or "-")


_ADDED = frozenset({"version", "received", "received_unix_ns", "lodged_unix_ns", "departure_unix_ns"})
"""Keys that are the collector's own or repeat another."""


def _versions(connection: Connection, declaration_id: str) -> tuple[list[Declaration], list[str]]:
    declared, matched = schema.declarations.c, schema.matches.c
    query = select(declared.body).where(declared.declaration_id == declaration_id).order_by(declared.version)
    versions = [Declaration.FromString(body) for body in connection.scalars(query)]
    if not versions:
        raise CollectorError(
            f"there is no declaration {declaration_id!r}", fix="`gate-collector declarations list` shows the latest"
        )
    passages = select(matched.passage_id).where(matched.declaration_id == declaration_id).order_by(matched.passage_id)
    return versions, list(connection.scalars(passages))
