"""`gate-collector registers`: reference data that decisions rest on, besides declarations."""

from __future__ import annotations

import time

import click

from collector.commands._common import with_config
from collector.commands._importing import as_option, format_of, import_options, opened, progress, tell, writing
from collector.commands._registers import KINDS, in_a_line, item_json, words
from collector.commands._show import as_json, console, local, plain, reading, table
from collector.config import CollectorConfig
from collector.declarations.files import read_rows
from collector.errors import CollectorError
from collector.ledger.log import entered_by
from collector.registers.forms import FORMS
from collector.registers.importing import import_items
from collector.registers.intake import withdraw as withdraw_items
from collector.registers.reading import latest, versions

KIND = click.Choice(sorted(KINDS))


@click.group()
def registers() -> None:
    """Import settlements, carriers, quantities and journeys; list and show what any register holds."""


@registers.command(name="import")
@import_options
@click.option("--kind", required=True, type=click.Choice(sorted(FORMS)), help="Which register FILE is for.")
@as_option
@with_config
def import_(
    config: CollectorConfig,
    file: str,
    file_format: str | None,
    partial: bool,
    json_: bool,
    kind: str,
    actor: str,
) -> None:
    """Import the entries in FILE (CSV or JSON; - is standard input) into a register. The server may be running.

    All or nothing, as `declarations import`. docs/registers.md describes the columns of each register.
    """
    chosen = format_of(file, file_format)
    item_kind, form = FORMS[kind]
    with writing(config, actor) as (store, ledger), opened(file) as stream, progress(stream) as on_progress:
        entries = read_rows(stream, chosen, form)
        report = import_items(
            store, ledger, item_kind, entries, time.time_ns(), partial=partial, on_progress=on_progress
        )
    tell(report, json_=json_)


@registers.command(name="list")
@click.argument("kind", type=KIND)
@click.option("--site", help="Only what is for this site or for all.")
@click.option("--withdrawn", is_flag=True, help="Also what does not hold any more.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@click.option("--json", "json_", is_flag=True, help="As a JSON array.")
@with_config
def list_(config: CollectorConfig, kind: str, site: str | None, withdrawn: bool, limit: int, json_: bool) -> None:
    """List what the register KIND holds, by key."""
    with reading(config) as connection:
        items = latest(connection, KINDS[kind], withdrawn=withdrawn)
    found = [item for _, item in sorted(items.items()) if site is None or item.site_id in {"", site}]
    if json_:
        click.echo(as_json([item_json(item) for item in found[:limit]]))
        return
    listed = table((kind, "version", "site", "received", "says"))
    for item in found[:limit]:
        listed.add_row(
            plain(item.key or "(all)"),
            f"{item.version}{' withdrawn' if item.withdrawn else ''}",
            plain(item.site_id or "all"),
            local(item.received_unix_ns),
            plain(in_a_line(item)),
        )
    console().print(listed)
    if len(found) > limit:
        click.echo(f"{len(found) - limit} more; --limit {len(found)} shows all", err=True)


@registers.command()
@click.argument("kind", type=KIND)
@click.argument("key")
@click.option("--json", "json_", is_flag=True, help="As JSON.")
@with_config
def show(config: CollectorConfig, kind: str, key: str, json_: bool) -> None:
    """Show KEY of the register KIND: every version, and what the last one says."""
    with reading(config) as connection:
        found = versions(connection, KINDS[kind], key)
        by = entered_by(connection, [index for index, _ in found])
    if not found:
        raise _unknown(kind, key)
    shown = [item_json(item, index) | {"entered_by": by[index]} for index, item in found]
    if json_:
        click.echo(as_json({"register": kind, "key": key, "versions": shown}))
        return
    out = console()
    for index, item in found:
        state = f"{', withdrawn' if item.withdrawn else ''}{', by ' if by[index] else ''}{plain(by[index])}"
        out.print(
            f"version {item.version}, received {local(item.received_unix_ns)}, ledger entry {index}{state}",
            highlight=False,
        )
    last = shown[-1]["body"]
    fields = table(("field", "value"))
    for name, value in words(last).items() if isinstance(last, dict) else ():
        fields.add_row(name, plain(str(value)))
    out.print(fields)


@registers.command()
@click.argument("kind", type=click.Choice(sorted({*FORMS, "sailing", "manifest", "policy"})))
@click.argument("key")
@as_option
@with_config
def withdraw(config: CollectorConfig, kind: str, key: str, actor: str) -> None:
    """Take KEY of the register KIND back: from now on it does not hold. What it said stays in the ledger."""
    with writing(config, actor) as (store, ledger), store.write() as connection:
        entered = withdraw_items(connection, ledger, KINDS[kind], [key], time.time_ns())
    click.echo(f"{kind} {key}: " + (f"withdrawn, version {entered[0].version}" if entered else "was withdrawn before"))


def _unknown(kind: str, key: str) -> CollectorError:
    return CollectorError(
        f"there is no {kind} {key!r}", fix=f"`gate-collector registers list {kind}` shows what there is"
    )
