"""`edge-agent check-config`: is the site file right, and is what it names there?"""

from __future__ import annotations

import errno
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import click

from edge_agent.commands._common import config_option
from edge_agent.commands._site import load_usable_site
from edge_agent.config import SiteError, SiteFile


@click.command("check-config")
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def check_config(config: Path, as_json: bool) -> None:
    """Check the site file: its keys and units, the profiles it names, and whether its ports are here.

    Exit code 0 when the agent would run with it, 1 when not. What is merely absent now (an unplugged device) is a
    warning.
    """
    problems: list[str] = []
    warnings: list[str] = []
    told = ""
    try:
        warnings += _warnings(load_usable_site(config))
    except SiteError as error:
        problems, told = error.problems, str(error)
    if as_json:
        click.echo(json.dumps({"file": str(config), "problems": problems, "warnings": warnings}, ensure_ascii=False))
    else:
        for warning in warnings:
            click.echo(f"warning: {warning}", err=True)
        click.echo(told or f"{config}: in order", err=bool(told))
    raise SystemExit(1 if problems else 0)


def _warnings(site: SiteFile) -> Iterator[str]:
    for scale in site.scale:
        yield from _port_warnings(f'scale "{scale.id}", port:', scale.port)
    for device in site.device:
        yield from _port_warnings(f'device "{device.id}", port:', device.port or "")
    for camera in site.camera:
        host = camera.address[0]
        if not _is_here(host):
            yield f'camera "{camera.id}", listen: {host} is no address of this machine now; see: ip addr'
    yield from _video_warnings(site)


def _port_warnings(key: str, port: str) -> Iterator[str]:
    """Of a port of this machine: a path, or "" for none."""
    if not port or "://" in port:
        return
    if not Path(port).exists():
        yield f"{key} {port} is not there now; is the device plugged in? see /dev/serial/by-id"
    elif not os.access(port, os.R_OK | os.W_OK):
        yield f"{key} this user may not open {port}; add the agent's user to the group dialout"
    if port.startswith(("/dev/ttyUSB", "/dev/ttyACM")):
        yield f"{key} {port} may be another device after a reboot; use /dev/serial/by-id/…"


def _video_warnings(site: SiteFile) -> Iterator[str]:
    for video in site.video:
        key = f'video "{video.id}", source:'
        if video.video_kind in ("v4l2", "file", "image", "folder") and not Path(video.source).exists():
            yield f"{key} {video.source} is not there now"
        if video.source.startswith("/dev/video"):
            yield f"{key} {video.source} may be another camera after a reboot; use /dev/v4l/by-id/…"


def _is_here(host: str) -> bool:
    """Whether this machine has the address: one can bind to it, on some port."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.bind((host, 0))
    except OSError as error:
        return error.errno != errno.EADDRNOTAVAIL
    return True
