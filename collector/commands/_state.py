"""What the commands that look at a collector's state share: they make nothing that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from collector.commands._common import utc_now
from collector.commands._who import who
from collector.config import CollectorConfig
from collector.errors import CollectorError
from collector.keys import CollectorKeys
from collector.ledger.log import Ledger
from collector.registers.officers import check_actor
from collector.store.engine import Store, open_existing


def existing_keys(config: CollectorConfig) -> CollectorKeys:
    """The collector's keys; CollectorError when there are none yet."""
    if not (config.state_dir / "keys").exists():
        raise CollectorError(
            f"there are no keys in {config.state_dir}",
            fix="check --config and --state-dir; `gate-collector serve` makes the keys on its first start",
        )
    return CollectorKeys.load_or_create(config.state_dir, config.deployment, config.hostnames, utc_now())


def existing_ledger(config: CollectorConfig, actor: str = "") -> Ledger:
    """The ledger, for whoever runs this command and names `actor` as the officer; CollectorError when there is none."""
    return Ledger(existing_keys(config).ledger, who(actor))


@contextmanager
def existing_store(config: CollectorConfig) -> Iterator[Store]:
    """The database; StoreError when there is none yet."""
    store = open_existing(config.database_url)
    try:
        yield store
    finally:
        store.close()


def check_as(store: Store, actor: str, now_unix_ns: int) -> None:
    """Whether --as names an officer in office; CollectorError when not. A note where no officers are registered."""
    with store.read() as connection:
        note = check_actor(connection, actor, now_unix_ns)
    if note:
        click.echo(note, err=True)
