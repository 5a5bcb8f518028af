"""What the commands share: finding the configuration, and showing times."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click

from collector.config import CollectorConfig, load_config

DEFAULT_CONFIG = Path("/etc/tidegate/collector.toml")
CONFIG_VARIABLE = "TIDEGATE_COLLECTOR_CONFIG"

P = ParamSpec("P")
R = TypeVar("R")


def with_config(command: Callable[Concatenate[CollectorConfig, P], R]) -> Callable[..., R]:
    """Give a command --config and --state-dir; it gets the configuration as its first argument."""

    @click.option(
        "--config",
        "config_file",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar=CONFIG_VARIABLE,
        help=f"Configuration file; else ${CONFIG_VARIABLE}, else {DEFAULT_CONFIG} if it is there.",
    )
    @click.option(
        "--state-dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="Directory of keys, evidence and database, instead of the one in the configuration.",
    )
    @functools.wraps(command)
    def configured(config_file: Path | None, state_dir: Path | None, *args: P.args, **kwargs: P.kwargs) -> R:
        if config_file is None and DEFAULT_CONFIG.exists():
            config_file = DEFAULT_CONFIG
        return command(load_config(config_file, state_dir), *args, **kwargs)

    return configured


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)
