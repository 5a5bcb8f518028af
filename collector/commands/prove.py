"""`gate-collector prove`: writes a bundle that proves one record."""

from __future__ import annotations

from pathlib import Path

import click

from collector.commands._common import with_config
from collector.commands._state import existing_keys, existing_store
from collector.config import CollectorConfig
from collector.errors import CollectorError
from collector.ledger import proving
from collector.ledger.verification import BundleError, Verification


@click.command()
@click.argument("record")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File; else standard output.")
@with_config
def prove(config: CollectorConfig, record: str, output: Path | None) -> None:
    """Write a bundle that proves RECORD to others: `gate-collector verify-bundle FILE --trust KEYS`.

    RECORD is ORIGIN#INDEX, AGENT#INDEX or the id of a passage.
    """
    with existing_store(config) as store, store.read() as connection:
        data = proving.prove(connection, record).to_bytes()
    keys = existing_keys(config)
    try:
        Verification(data, {key.name: key.verifier for key in (keys.ledger, keys.receipts)}).run()
    except BundleError as error:
        raise CollectorError(f"{record} cannot be proved", cause=str(error), fix="run `gate-collector audit`") from None
    if output is None:
        click.echo(data, nl=False)
        return
    try:
        output.write_bytes(data)
    except OSError as error:
        raise CollectorError(f"{output} cannot be written", cause=str(error.strerror)) from error
    click.echo(
        f"{output}: {len(data)} bytes. To check it: gate-collector verify-bundle {output} --trust KEYS", err=True
    )
