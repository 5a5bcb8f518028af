"""`gate-collector prove`: writes a bundle that proves one record."""

from __future__ import annotations

from pathlib import Path

import click

from collector.commands._common import with_config
from collector.commands._state import existing_store
from collector.config import CollectorConfig
from collector.errors import CollectorError
from collector.ledger import proving


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
