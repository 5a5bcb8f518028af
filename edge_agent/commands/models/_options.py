"""Options and output that the models commands share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from edge_agent.vision.models.directory import ENVIRONMENT, ModelDirectory, default_directory


def directory_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """--dir: the model directory, by default where the agent looks."""
    return click.option(
        "--dir",
        "directory",
        type=click.Path(path_type=Path, file_okay=False),
        default=default_directory,
        show_default=f"${ENVIRONMENT}, /var/lib/tidegate/models if it exists, or ~/.local/share/tidegate/models",
        help="The model directory.",
    )(function)


def models_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """--models: for commands that use models."""
    return click.option(
        "--models",
        "directory",
        type=click.Path(path_type=Path, file_okay=False),
        default=default_directory,
        show_default=f"${ENVIRONMENT}, /var/lib/tidegate/models if it exists, or ~/.local/share/tidegate/models",
        help="The model directory.",
    )(function)


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """--json: one JSON object a line on stdout."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON object a model on stdout.")(function)


def say(row: dict[str, Any]) -> None:
    """One JSON line, readable as it is."""
    click.echo(json.dumps(row, ensure_ascii=False))


def opened(directory: Path) -> ModelDirectory:
    """The directory, or ModelError when there is none."""
    models = ModelDirectory(directory)
    models.tasks()
    return models
