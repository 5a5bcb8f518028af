"""Options that commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

DEFAULT_CONFIG = Path("/etc/tidegate/site.toml")


def config_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """--config, or TIDEGATE_SITE, or /etc/tidegate/site.toml."""
    return click.option(
        "--config",
        "config",
        type=click.Path(path_type=Path, dir_okay=False),
        default=DEFAULT_CONFIG,
        envvar="TIDEGATE_SITE",
        show_default=True,
        help="The site file.",
    )(function)
