"""`gate-collector declarations`: what was said beforehand."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, cast

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from sqlalchemy import Connection, select

from collector.commands._common import utc_now, with_config
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
from collector.declarations.files import FileFormat, read_entries
from collector.declarations.intake import ImportReport, import_declarations
from collector.errors import CollectorError
from collector.keys import CollectorKeys
from collector.ledger.log import Ledger
from collector.store import schema
from collector.store.engine import open_store
from gate_contract.rules.plates import normalise
from gate_contract.v1.declaration_pb2 import Declaration

STDIN = "-"
BAD_ROWS = 1
"""Exit code when something in the file is wrong."""


@click.group()
def declarations() -> None:
    """Import declarations, list them, show one with its versions."""


@declarations.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["csv", "json"]),
    help="Needed where FILE does not end in .csv or .json.",
)
@click.option("--partial", is_flag=True, help="Import the good rows also when there are bad ones.")
@click.option("--json", "json_", is_flag=True, help="Report as JSON.")
@with_config
def import_(config: CollectorConfig, file: str, file_format: str | None, partial: bool, json_: bool) -> None:
    """Import the declarations in FILE (CSV or JSON; - is standard input). The server may be running.

    All or nothing: one bad row, and nothing is imported unless --partial is given. What is known already is left as it
    is; what changed becomes a new version. Every bad row is listed. Exit code 0: all is well, 1: something in the file
    is wrong, 2: wrong usage. docs/declarations.md describes the fields.
    """
    chosen = _format(file, file_format)
    keys = CollectorKeys.load_or_create(config.state_dir, config.deployment, config.hostnames, utc_now())
    ledger = Ledger(keys.ledger)
    store = open_store(config.database_url)
    try:
        with store.read() as connection:
            ledger.check_head(connection)
        with click.open_file(file, "rb") as opened:
            stream = cast("BinaryIO", opened)  # click types it as text or bytes
            entries = read_entries(stream, chosen)
            with _progress(stream) as on_progress:
                report = import_declarations(
                    store, ledger, entries, time.time_ns(), partial=partial, on_progress=on_progress
                )
    finally:
        store.close()
    click.echo(as_json(_report_json(report)) if json_ else _report_text(report))
    if report.bad:
        sys.exit(BAD_ROWS)


def _format(file: str, given: str | None) -> FileFormat:
    name = given or Path(file).suffix.removeprefix(".").lower()
    if name == "csv":
        return "csv"
    if name == "json":
        return "json"
    raise click.UsageError(f"{file} says nothing about its format: add --format csv or --format json")


@contextmanager
def _progress(stream: BinaryIO) -> Iterator[Callable[[str, int], None]]:
    """A bar on standard error when that is a terminal: bytes while reading, rows while storing."""
    terminal = sys.stderr.isatty()
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True, disable=not terminal
    ) as bar:
        size = stream.seek(0, 2) or None if stream.seekable() else None
        if size:
            stream.seek(0)
        reading_ = bar.add_task("reading, bytes", total=size)
        storing = bar.add_task("storing, rows", total=None, visible=False)
        rows = 0

        def on_progress(stage: str, count: int) -> None:
            nonlocal rows
            if stage == "read":
                rows = count
                if terminal and size:
                    bar.update(reading_, completed=stream.tell())
            else:
                bar.update(reading_, completed=size, total=size)
                bar.update(storing, completed=count, total=max(rows, count), visible=True)

        yield on_progress


def _report_json(report: ImportReport) -> dict[str, object]:
    return {
        "rows": report.rows,
        "new": report.new,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "bad_rows": report.bad_rows,
        "stored": report.stored,
        "bad": [asdict(bad) for bad in report.bad],
    }


def _report_text(report: ImportReport) -> str:
    lines = [f"row {bad.row}: {bad.field or 'the row'} {bad.value!r}: {bad.reason}" for bad in report.bad]
    counts = f"{report.new} new, {report.changed} changed, {report.unchanged} unchanged, {report.bad_rows} bad"
    if report.stored:
        lines.append(f"{report.rows} rows: {counts}")
    else:
        others = ", or import the others with --partial" if report.bad_rows < report.rows else ""
        lines.append(
            f"{report.rows} rows, {report.bad_rows} of them bad: nothing was imported. Correct what is wrong{others}"
        )
    return "\n".join(lines)


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
