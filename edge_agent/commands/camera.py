"""`edge-agent camera`: the cameras whose pictures this gate reads itself: which there are, and what they see."""

from __future__ import annotations

import ipaddress
import json
from functools import partial
from importlib import import_module
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from edge_agent.commands._common import config_option
from edge_agent.config import SiteFile, VideoTable, load_site
from edge_agent.config_values import listen_address
from edge_agent.errors import ConfigError
from edge_agent.vision.extra import importing_vision

LISTEN = "127.0.0.1:8088"


@click.group()
def camera() -> None:
    """Aim and check the cameras whose pictures this gate reads itself ([[video]] in the site file)."""


@camera.command("list")
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def list_cameras(config: Path, as_json: bool) -> None:
    """List the cameras of the site file, and those plugged into this machine."""
    site = load_site(config)
    here = sorted({*map(str, Path("/dev/v4l/by-id").glob("*")), *map(str, Path("/dev").glob("video*"))})
    if as_json:
        shown = [
            {"id": each.id, "kind": each.video_kind, "source": each.source, "reads": each.reads, "lane": each.lane}
            for each in site.video
        ]
        click.echo(json.dumps({"cameras": shown, "here": here}, ensure_ascii=False))
        return
    table = Table("id", "kind", "source", "reads", "lane")
    for each in site.video:
        table.add_row(each.id, each.video_kind, each.source, ", ".join(each.reads) or "-", each.lane or "-")
    if site.video:
        Console().print(table)
    else:
        click.echo(f"{config} has no [[video]]; docs/vision/cameras.md shows how to write one")
    click.echo(f"plugged in here: {', '.join(here) or 'none'}")


@camera.command()
@click.argument("name")
@config_option
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write one annotated picture, and end."
)
@click.option("--listen", default=LISTEN, show_default=True, help="Serve the preview here, host:port.")
@click.option("--allow-network", is_flag=True, help="Let --listen be an address that other machines can reach.")
@click.option("--no-read", is_flag=True, help="Show the picture only; load no models.")
def watch(name: str, config: Path, output: Path | None, listen: str, allow_network: bool, no_read: bool) -> None:
    """Show what camera NAME sees, with what is read in it: a picture file, or a preview in this machine's browser.

    The preview is served to this machine only. A camera that the agent reads may refuse a second reader: stop the
    agent first.
    """
    site = load_site(config)
    table = _table(site, name, config)
    host, port = _address(listen)
    if output is None and not _is_loopback(host):
        _check_network(table, host, allow_network=allow_network)
    with importing_vision("Reading cameras", "numpy"):
        import_module("numpy")
    looking = import_module("edge_agent.app.vision_watch")
    shown = looking.CameraWatch(site, table, click.echo, partial(click.echo, err=True), read=not no_read)
    if output is not None:
        shown.write(output)
        return
    try:
        shown.serve(host, port)
    except KeyboardInterrupt:
        click.echo("ended")


def _table(site: SiteFile, name: str, config: Path) -> VideoTable:
    for table in site.video:
        if table.id == name:
            return table
    known = ", ".join(table.id for table in site.video)
    raise ConfigError(
        f"{config} has no camera {name!r} among its [[video]]", fix=f"Known here: {known}" if known else "Add one"
    )


def _address(listen: str) -> tuple[str, int]:
    try:
        host, _, port = listen_address(listen).rpartition(":")
    except ValueError as error:
        raise ConfigError(f"--listen: {error}") from error
    return host.strip("[]"), int(port)


def _is_loopback(host: str) -> bool:
    return host == "localhost" or ipaddress.ip_address(host).is_loopback


def _check_network(table: VideoTable, host: str, *, allow_network: bool) -> None:
    """Refuse to show a camera to other machines unless that was asked for; faces never."""
    if "face" in table.reads:
        raise ConfigError(
            f"{table.id} looks at faces: its picture is not served over the network", fix="Leave out --listen"
        )
    if not allow_network:
        raise ConfigError(
            f"{host} can be reached by other machines",
            cause="the preview has no password",
            fix="Leave out --listen, and use ssh -L 8088:127.0.0.1:8088; or add --allow-network",
        )
    click.echo(f"warning: everybody who reaches {host} sees this camera's picture until this ends", err=True)
