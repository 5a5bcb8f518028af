"""`edge-agent devices`: for the installer, with a laptop or on the gate machine."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = ("scan", "probe", "watch", "record", "replay")


class _Group(click.Group):
    """Each command is imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order an installer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """One command; None when there is no such name."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"edge_agent.commands.devices.{cmd_name}"), cmd_name)
        if not isinstance(command, click.Command):
            raise TypeError(f"edge_agent.commands.devices.{cmd_name} holds no command")
        return command


@click.group(cls=_Group)
def devices() -> None:
    """Commission devices: find the port, find the profile, look at what comes, record it."""
