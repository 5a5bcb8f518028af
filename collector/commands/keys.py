"""`gate-collector keys`: what others need to verify this collector's signatures."""

from __future__ import annotations

import json

import click

from collector.commands._common import utc_now, with_config
from collector.config import CollectorConfig
from collector.keys import CollectorKeys


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_config
def keys(config: CollectorConfig, as_json: bool) -> None:
    """Print the verifier keys of the ledger and the receipts.

    Save them to a file and give it to whoever is to check bundles: `gate-collector verify-bundle FILE --trust KEYS`.
    """
    loaded = CollectorKeys.load_or_create(config.state_dir, config.deployment, config.hostnames, utc_now())
    ledger, receipts = loaded.ledger.verifier.vkey(), loaded.receipts.verifier.vkey()
    if as_json:
        click.echo(json.dumps({"deployment": config.deployment, "ledger": ledger, "receipts": receipts}))
        return
    click.echo(f"# verifier keys (C2SP) of the collector of {config.deployment}: its ledger, its receipts")
    click.echo(ledger)
    click.echo(receipts)
