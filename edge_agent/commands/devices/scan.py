"""`edge-agent devices scan`: which ports there are, by names that last."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from edge_agent.links.ports import PortInfo, ports_here

UDEV_FILE = "/etc/udev/rules.d/70-tidegate.rules"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def scan(as_json: bool) -> None:
    """List the serial ports of this machine, how to name them in a site file, and who has them open.

    Also the GPIO chips and cameras that the kernel knows.
    """
    ports = ports_here()
    chips = [str(path) for path in sorted(Path("/dev").glob("gpiochip*"))]
    videos = [str(path) for path in sorted(Path("/dev").glob("video*"))]
    if as_json:
        told = [asdict(port) | {"best_name": port.best_name, "udev_rule": port.udev_rule} for port in ports]
        click.echo(json.dumps({"ports": told, "gpio_chips": chips, "videos": videos}))
        return
    _show(ports)
    for name, paths in (("GPIO chips", chips), ("video devices", videos)):
        if paths:
            click.echo(f"{name}: {', '.join(paths)}")


def _show(ports: list[PortInfo]) -> None:
    if not ports:
        click.echo("No serial ports. Is the adapter plugged in? `dmesg | tail` shows whether the kernel saw it")
        return
    table = Table("port", "name for the site file", "USB", "serial number", "what it is", "open in")
    for port in ports:
        cells = (port.device, port.best_name, port.usb, port.serial_number, port.what, port.held_by)
        table.add_row(*(cell or "-" for cell in cells))
    Console().print(table)
    rules = [(port, port.udev_rule) for port in ports if port.udev_rule]
    if rules:
        click.echo(f"\nTo give a port a name of its own, put into {UDEV_FILE} (NAME as you like), then")
        click.echo("udevadm control --reload && udevadm trigger:")
        for port, rule in rules:
            note = "" if port.serial_number else "  # by socket: it has no serial number"
            click.echo(f"  {rule}{note}")
