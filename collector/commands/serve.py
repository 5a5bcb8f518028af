"""`gate-collector serve`: the service itself."""

from __future__ import annotations

import sys

import click

from collector.agents.tls_log import log_failed_handshakes
from collector.commands._common import with_config
from collector.config import CollectorConfig
from collector.logs import configure_log


@click.command()
@with_config
def serve(config: CollectorConfig) -> None:
    """Receive, verify, store and judge, until SIGTERM.

    Prints where it listens on one line: "serving DEPLOYMENT uplink=HOST:PORT enrolment=HOST:PORT".
    """
    # Before gRPC is imported: its core reads its trace flags then.
    log_failed_handshakes()
    configure_log()
    from collector import app  # noqa: PLC0415 - imports gRPC

    def ready(addresses: app.Addresses) -> None:
        click.echo(f"serving {config.deployment} uplink={addresses.uplink} enrolment={addresses.enrolment}")
        sys.stdout.flush()

    app.serve(config, ready)
