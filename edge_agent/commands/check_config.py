"""`edge-agent check-config`: is the site file right, and is what it names there?"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import click

from edge_agent.app.agent import load_policy
from edge_agent.commands._common import config_option
from edge_agent.config import SiteFile, load_site
from edge_agent.drivers.scale.driver import ScaleDriver
from edge_agent.errors import ConfigError, EdgeAgentError
from edge_agent.profiles import load_profile


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
    try:
        site = load_site(config)
    except ConfigError as error:
        problems.append(str(error))
    else:
        problems += _problems(site)
        warnings += _warnings(site)
    if as_json:
        click.echo(json.dumps({"file": str(config), "problems": problems, "warnings": warnings}, ensure_ascii=False))
    else:
        for warning in warnings:
            click.echo(f"warning: {warning}", err=True)
        for problem in problems:
            click.echo(problem, err=True)
        if not problems:
            click.echo(f"{config}: in order")
    raise SystemExit(1 if problems else 0)


def _problems(site: SiteFile) -> Iterator[str]:
    for scale in site.scale:
        try:
            ScaleDriver(load_profile(scale.profile), variant=scale.variant, unit=scale.unit)
        except EdgeAgentError as error:
            yield f"scale {scale.id}: {error}"
    seen: dict[str, str] = {}
    for scale in site.scale:
        if "://" not in scale.port and (real := os.path.realpath(scale.port)) in seen:
            yield f"scales {seen[real]} and {scale.id} are one port, {real}, under two names; correct one of them"
        else:
            seen[os.path.realpath(scale.port)] = scale.id
    try:
        load_policy(site.agent.policy)
    except ConfigError as error:
        yield str(error)


def _warnings(site: SiteFile) -> Iterator[str]:
    for scale in site.scale:
        if "://" not in scale.port and not Path(scale.port).exists():
            yield f"scale {scale.id}: {scale.port} is not there now; is the device plugged in? see /dev/serial/by-id"
        elif "://" not in scale.port and not os.access(scale.port, os.R_OK | os.W_OK):
            yield f"scale {scale.id}: this user may not open {scale.port}; add the agent's user to the group dialout"
    for scale in site.scale:
        if scale.port.startswith(("/dev/ttyUSB", "/dev/ttyACM")):
            yield f"scale {scale.id}: {scale.port} may be another device after a reboot; use /dev/serial/by-id/…"
