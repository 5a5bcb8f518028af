"""`gate-collector manifests`: who may board a sailing."""

from __future__ import annotations

import time

import click

from collector.commands._common import with_config
from collector.commands._importing import format_of, import_options, importing, tell
from collector.commands._show import as_json, console, local, plain, reading, table
from collector.config import CollectorConfig
from collector.declarations.files import read_rows
from collector.registers.manifests import TRAVELLERS, import_manifest
from collector.registers.reading import latest
from gate_contract.v1 import register_pb2 as pb


@click.group()
def manifests() -> None:
    """Import the manifest of a sailing, list manifests."""


@manifests.command(name="import")
@import_options
@click.option("--sailing", "sailing_id", required=True, metavar="ID", help="The sailing; it must be known.")
@with_config
def import_(
    config: CollectorConfig, file: str, file_format: str | None, partial: bool, json_: bool, sailing_id: str
) -> None:
    """Import the whole manifest of a sailing from FILE (CSV or JSON; - is standard input).

    It replaces the one that is there. Names, document numbers and dates of birth are sealed under keys that are
    destroyed in time (docs/registers.md); delete FILE when it was imported.
    """
    chosen = format_of(file, file_format)
    with importing(config, file) as at:
        entries = read_rows(at.stream, chosen, TRAVELLERS)
        report = import_manifest(
            at.store, at.ledger, at.keys, config.retention, sailing_id, entries, time.time_ns(), partial=partial
        )
    state = "as was known" if report.unchanged else "entered" if report.new else "entered as a new version"
    bad = f"; {report.bad_rows} rows are bad and were left out" if report.bad else ""
    tell(report, json_=json_, stored=f"{sailing_id}: {report.rows - report.bad_rows} tickets, {state}{bad}")


@manifests.command(name="list")
@click.option("--json", "json_", is_flag=True, help="As a JSON array.")
@with_config
def list_(config: CollectorConfig, json_: bool) -> None:
    """List manifests that are known: how many tickets each has. Nobody is named."""
    with reading(config) as connection:
        items = sorted(latest(connection, pb.ITEM_KIND_MANIFEST).items())
    found = [(item, pb.SailingManifest.FromString(item.body)) for _, item in items]
    if json_:
        click.echo(
            as_json(
                [
                    {
                        "sailing_id": manifest.sailing_id,
                        "site_id": item.site_id,
                        "version": item.version,
                        "received_unix_ns": item.received_unix_ns,
                        "expires_unix_ns": item.expires_unix_ns,
                        "key_id": manifest.key_id,
                        "tickets": len(manifest.tickets),
                    }
                    for item, manifest in found
                ]
            )
        )
        return
    listed = table(("sailing", "site", "version", "tickets", "received", "with gates until"), right=("tickets",))
    for item, manifest in found:
        listed.add_row(
            plain(manifest.sailing_id),
            plain(item.site_id or "all"),
            str(item.version),
            str(len(manifest.tickets)),
            local(item.received_unix_ns),
            local(item.expires_unix_ns),
        )
    console().print(listed)
