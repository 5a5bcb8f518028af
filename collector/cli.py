"""`gate-collector`: the commands, joined. Each is imported when it is called, so that small ones start fast."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from collector import __version__
from collector.errors import CollectorError

# command name -> module in collector.commands that holds a click command of the same name (dashes as underscores)
COMMANDS = {
    "serve": "serve",
    "agents": "agents",
    "declarations": "declarations",
    "sailings": "sailings",
    "manifests": "manifests",
    "registers": "registers",
    "officers": "officers",
    "orders": "orders",
    "policies": "policies",
    "passages": "passages",
    "findings": "findings",
    "incidents": "incidents",
    "alarms": "alarms",
    "explain": "explain",
    "replay": "replay",
    "rules": "rules",
    "audit": "audit",
    "prove": "prove",
    "verify-bundle": "verify_bundle",
    "keys": "keys",
    "cases": "cases",
    "draws": "draws",
    "credit": "credit",
    "forget": "forget",
    "subjects": "subjects",
    "stats": "stats",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All names, in the order a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import one command; None when there is no such name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"collector.commands.{COMMANDS[cmd_name]}")
        command = getattr(module, COMMANDS[cmd_name])
        if not isinstance(command, click.Command):
            raise TypeError(f"collector.commands.{COMMANDS[cmd_name]} holds no command")
        return command


@click.group(cls=LazyGroup)
@click.version_option(__version__, prog_name="gate-collector")
def cli() -> None:
    """The collector of the gates: verifies, stores once, reconciles, and proves what it holds."""


def main() -> None:
    """Entry point: an error that a person can act on is one paragraph on stderr and exit code 1."""
    try:
        cli(standalone_mode=True)
    except CollectorError as error:
        click.echo(f"gate-collector: {error}", err=True)
        sys.exit(1)
