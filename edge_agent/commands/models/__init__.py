"""`edge-agent models`: the model directory, built without the network, listed, verified and added to."""

from __future__ import annotations

from importlib import import_module

import click

# command name -> module beside this one that holds a click command called `command`
COMMANDS = ("build", "list", "verify", "add", "check")
_MODULES = {name: f"edge_agent.commands.models.{name}_models" for name in COMMANDS}


class _Commands(click.Group):
    """Commands imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All names, in the order a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import one command; None when there is no such name."""
        if cmd_name not in _MODULES:
            return None
        command = import_module(_MODULES[cmd_name]).command
        if not isinstance(command, click.Command):
            raise TypeError(f"{_MODULES[cmd_name]} holds no command")
        return command


@click.group(cls=_Commands)
def models() -> None:
    """Models that read pictures: made from installed packages, no network; or the operator's own."""
