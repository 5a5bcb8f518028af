"""`edge-agent`: the commands, joined. Each is imported when it is called, so that small ones start fast."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from edge_agent import __version__
from edge_agent.errors import EdgeAgentError

# command name -> module in edge_agent.commands that holds a click command of the same name (dashes as underscores)
COMMANDS = {
    "run": "run",
    "check-config": "check_config",
    "enrol": "enrol",
    "decode": "decode",
    "devices": "devices",
    "fsck": "fsck",
    "models": "models",
    "see": "see",
    "vision": "vision",
    "camera": "camera",
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
        module = import_module(f"edge_agent.commands.{COMMANDS[cmd_name]}")
        command = getattr(module, COMMANDS[cmd_name])
        if not isinstance(command, click.Command):
            raise TypeError(f"edge_agent.commands.{COMMANDS[cmd_name]} holds no command")
        return command


@click.group(cls=LazyGroup)
@click.version_option(__version__, prog_name="edge-agent")
def cli() -> None:
    """The agent of a gate: reads its devices, decides locally, and keeps everything until the collector has it."""


def main() -> None:
    """Entry point: an error that a person can act on is one paragraph on stderr and exit code 1."""
    try:
        cli(standalone_mode=True)
    except EdgeAgentError as error:
        click.echo(f"edge-agent: {error}", err=True)
        sys.exit(1)
