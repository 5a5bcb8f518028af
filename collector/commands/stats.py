"""`gate-collector stats`: what the collector holds, in numbers."""

from __future__ import annotations

import json

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from collector.commands._common import with_config
from collector.commands._state import existing_store
from collector.config import CollectorConfig
from collector.ledger.counts import Counts, count


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_config
def stats(config: CollectorConfig, as_json: bool) -> None:
    """Show what the collector holds: records, journals, dead letters, quarantined batches, passages, verdicts."""
    with existing_store(config) as store, store.read() as connection:
        found = count(connection)
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=2, ensure_ascii=False))
    else:
        _print(found)


def _print(found: Counts) -> None:
    console = Console()
    totals = Table.grid(padding=(0, 2))
    for name, value in found.totals().items():
        totals.add_row(name.replace("_", " "), f"{value:,}")
    console.print(totals)
    if found.alarms:
        console.print("[bold red]there are alarms:[/] `gate-collector alarms` says what a person must look at")
    if not found.by_journal:
        return
    table = Table("agent / key", "site", "records", "dead letters", "batches", "last seen", "state", box=SIMPLE_HEAD)
    for journal in found.by_journal:
        table.add_row(
            journal.origin.partition("/agent/")[2],
            journal.site_id,
            f"{journal.records:,}",
            f"{journal.dead_lettered:,}" + (f" ({journal.lost:,} lost)" if journal.lost else ""),
            f"{journal.batches:,}",
            journal.last_seen or "never",
            "revoked" if journal.revoked else "enrolled",
        )
    console.print(table)
