"""`edge-agent enrol`: admit this machine under an invitation."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click

from edge_agent.commands._common import DEFAULT_CONFIG
from edge_agent.config import AgentTable, load_site
from edge_agent.errors import ConfigError


@click.command()
@click.option("--invite", type=click.File("rb"), required=True, help="The invitation; - for standard input.")
@click.option(
    "--config",
    "site_file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="TIDEGATE_SITE",
    help=f"Site file (or $TIDEGATE_SITE, or {DEFAULT_CONFIG}); gives the state directory, its site is checked.",
)
@click.option("--state-dir", type=click.Path(file_okay=False, path_type=Path), help="Where keys and journal are kept.")
def enrol(invite: BinaryIO, site_file: Path | None, state_dir: Path | None) -> None:
    """Make this machine's keys and get them admitted by the collector.

    The keys are made here and never leave. When the network fails, run the same command again: the token is not lost.
    """
    # gRPC reads this when it is imported; its C core would write about failures that are told here in words.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    from edge_agent import enrol as enrolment  # noqa: PLC0415 - see above

    invitation = enrolment.Invitation.parse(invite.read())
    directory = AgentTable().state_dir
    if site_file is None and state_dir is None and DEFAULT_CONFIG.exists():
        site_file = DEFAULT_CONFIG
    if site_file is not None:
        site = load_site(site_file)
        directory = site.agent.state_dir
        if site.site != invitation.site_id:
            raise ConfigError(
                f"{site_file} is for site {site.site}, the invitation is for {invitation.site_id}",
                fix="use the right site file, or ask for an invitation for this site",
            )
    keys = enrolment.enrol(invitation, state_dir or directory)
    identity = keys.identity
    click.echo(f"enrolled: agent {identity.agent_id} of site {identity.site_id}, deployment {identity.deployment}")
    click.echo(f"journal:  {identity.origin}")
    days = keys.certificate_days_left(datetime.now(UTC))
    click.echo(f"certificate for {days} more days, renewed by itself; keys in {keys.state_dir / 'keys'}")
