"""`gate-collector agents`: who may send."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from sqlalchemy import Connection

from collector.agents import registry
from collector.agents.registry import AgentState
from collector.commands._common import utc_now, with_config
from collector.commands._who import who
from collector.config import CollectorConfig, split_address
from collector.errors import CollectorError, ConfigError
from collector.keys import CollectorKeys
from collector.ledger.log import Ledger
from collector.store.engine import Store, open_store

INVITATION_FORMAT = 1

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_LONGEST = timedelta(days=30)
_PIPE_WIDTH = 200  # columns; no line is folded where nobody looks at a screen
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Lifetime(click.ParamType[timedelta]):
    """A number and a unit: 90m, 24h, 7d."""

    name = "duration"

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The duration; at most thirty days."""
        if isinstance(value, timedelta):
            return value
        match = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", value)
        if match is None:
            self.fail(f"{value!r} is no duration; write minutes, hours or days as 90m, 24h, 7d", param, ctx)
        lifetime = int(match[1]) * _UNITS[match[2]]
        if lifetime > _LONGEST:
            self.fail(f"{value} is longer than {_LONGEST.days} days; a token should be used soon", param, ctx)
        return lifetime


@click.group()
def agents() -> None:
    """Invite gate machines, list them, revoke them."""


@agents.command()
@click.argument("agent")
@click.option("--site", required=True, help="Site that the machine serves.")
@click.option("--valid", type=Lifetime(), default="24h", show_default=True, help="How long it can be used.")
@click.option("--address", help="Host name at which the machine reaches the collector; one of `hostnames`.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File; else standard output.")
@with_config
def invite(
    config: CollectorConfig, agent: str, site: str, valid: timedelta, address: str | None, output: Path | None
) -> None:
    """Make a one-time invitation for the machine AGENT: a small JSON file for `edge-agent enrol --invite FILE`.

    Whoever has the file can enrol one machine as AGENT until it is used or expires: carry it as you would a key.
    """
    host = _reachable(config, address)
    now = utc_now()
    keys = CollectorKeys.load_or_create(config.state_dir, config.deployment, config.hostnames, now)
    with _database(config, Store.write) as conn:
        token = registry.invite(conn, agent, site, valid, now)
    invitation = {
        "format": INVITATION_FORMAT,
        "deployment": config.deployment,
        "agent_id": agent,
        "site_id": site,
        "enrol": _address(host, config.enrol_listen),
        "uplink": _address(host, config.listen),
        "expires": f"{now + valid:%Y-%m-%dT%H:%M:%SZ}",
        "token": token,
        "ca_pem": keys.ca_pem.decode(),
    }
    text = json.dumps(invitation, indent=2)
    if output is None:
        click.echo(text)
        return
    _write_secret(output, text + "\n")
    click.echo(
        f"{output}: for agent {agent} of {site}, until {invitation['expires']}. "
        f"On the machine: edge-agent enrol --invite {output.name}",
        err=True,
    )


@agents.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="As a JSON array.")
@with_config
def list_(config: CollectorConfig, as_json: bool) -> None:
    """List agents: each admitted key with its records, and agents that are only invited."""
    now = utc_now()
    with _database(config, Store.read) as conn:
        found = registry.list_agents(conn, now)
    if as_json:
        click.echo(
            json.dumps([asdict(agent) | {"certificate_days": _days_left(agent, now)} for agent in found], indent=2)
        )
        return
    if not found:
        click.echo("no agents; invite one with `gate-collector agents invite AGENT --site SITE`")
        return
    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(_table(found, now))


@agents.command()
@click.argument("agent")
@click.option("--reason", required=True, help="Why; it is entered in the ledger and told to the machine.")
@with_config
def revoke(config: CollectorConfig, agent: str, reason: str) -> None:
    """Revoke AGENT (an agent id: all its keys; or the origin of one journal). A running collector obeys at once.

    What the machine sent before stays. To let it send again, invite it anew.
    """
    if not reason.strip():
        raise click.BadParameter("it is empty; say why, for whoever reads the ledger later", param_hint="'--reason'")
    now = utc_now()
    keys = CollectorKeys.load_or_create(config.state_dir, config.deployment, config.hostnames, now)
    with _database(config, Store.write) as conn:
        revoked = registry.revoke(conn, agent, reason, now, append_entries=Ledger(keys.ledger, who()).append)
    for journal in revoked:
        click.echo(f"revoked {journal.origin} after {journal.size} records")
    if not revoked:
        click.echo(f"{agent} had no key; its open invitation is closed")


@contextmanager
def _database(
    config: CollectorConfig, access: Callable[[Store], AbstractContextManager[Connection]]
) -> Iterator[Connection]:
    """A transaction on the collector's database; the server may be running."""
    store = open_store(config.database_url)
    try:
        with access(store) as conn:
            yield conn
    finally:
        store.close()


def _reachable(config: CollectorConfig, address: str | None) -> str:
    """Host name for the invitation: the one asked for, or the first that is not loopback only."""
    if address is not None and address not in config.hostnames:
        raise ConfigError(
            f"the collector's certificate is not made out to {address}",
            cause=f"hostnames has {', '.join(config.hostnames)}",
            fix=f'add "{address}" to hostnames in the configuration and restart the collector',
        )
    others = [name for name in config.hostnames if name not in _LOOPBACK]
    return address or (others or config.hostnames)[0]


def _address(host: str, listen: str) -> str:
    port = split_address(listen)[1]
    if port == 0:
        raise ConfigError("an invitation needs fixed ports", fix="give listen and enrol_listen a port other than 0")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _write_secret(path: Path, text: str) -> None:
    try:
        path.unlink(missing_ok=True)  # one that others may read would stay so
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
    except OSError as error:
        raise CollectorError(
            f"{path} cannot be written",
            cause=str(error.strerror),
            fix="name another file with -o; this invitation is replaced by the next one",
        ) from None


def _days_left(agent: AgentState, now: datetime) -> int | None:
    if agent.certificate_end_ns is None:
        return None
    return (registry.moment(agent.certificate_end_ns) - now).days


def _table(found: list[AgentState], now: datetime) -> Table:
    """For people; "key" is the last part of the journal's origin."""
    columns = ("agent", "site", "state", "records", "last seen", "certificate", "invitation", "key")
    table = Table(*(Column(name, overflow="fold") for name in columns), box=None)
    for agent in found:
        days = _days_left(agent, now)
        table.add_row(
            agent.agent_id,
            agent.site_id,
            agent.state if agent.revoked_reason is None else escape(f"revoked: {agent.revoked_reason}"),
            str(agent.records),
            "never" if agent.last_seen_ns is None else f"{registry.moment(agent.last_seen_ns):%Y-%m-%d %H:%M:%S}Z",
            "-" if days is None else "expired" if days < 0 else f"{days} days",
            "open" if agent.open_invitations else "-",
            "-" if agent.origin is None else agent.origin.rpartition("/")[2],
        )
    return table
