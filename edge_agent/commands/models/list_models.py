"""`edge-agent models list`: which models are there, from where, and whether they may be used."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from edge_agent.commands.models._options import directory_option, json_option, opened, say
from edge_agent.vision.models.directory import ModelDirectory, ModelError, read_model
from edge_agent.vision.models.tasks import SLOTS, Task


@click.command("list")
@directory_option
@json_option
def command(directory: Path, as_json: bool) -> None:
    """Show every task, its model, licence and source. Files are not read: `models verify` does.

    Exit code 1 when a model that is there may not be used.
    """
    models = opened(directory)
    rows = [_row(models, task) for task in Task]
    if as_json:
        for row in rows:
            say(row)
    else:
        _show(rows)
    raise SystemExit(1 if any(row["problem"] and row["there"] for row in rows) else 0)


def _show(rows: list[dict[str, object]]) -> None:
    """A table that fits a terminal of 80 columns; sources and what is wrong stand below it, where there is room."""
    table = Table(box=None, pad_edge=False)
    for column in ("task", "model", "licence", "threshold", "state"):
        table.add_column(column, overflow="fold", no_wrap=column in ("task", "threshold", "state"))
    for row in rows:
        table.add_row(*("" if row[key] is None else str(row[key]) for key in _SHOWN), _state(row))
    console = Console(soft_wrap=True)
    Console().print(table)
    for row in rows:
        if row["source"]:
            console.print(f"{row['task']} is from {row['source']}", highlight=False, markup=False)
    for row in rows:
        if row["there"] and row["problem"]:
            console.print(f"REFUSED {row['task']}: {row['problem']}", highlight=False, markup=False)


_SHOWN = ("task", "name", "licence", "threshold")


def _row(models: ModelDirectory, task: Task) -> dict[str, object]:
    row: dict[str, object] = {
        "task": str(task), "what": SLOTS[task].title, "there": models.has(task), "name": None, "licence": None,
        "source": None, "sha256": None, "threshold": None, "origin": None, "problem": "",
    }  # fmt: skip
    if not models.has(task):
        return row | {"problem": "missing" if SLOTS[task].built else ""}
    try:
        model = read_model(models.path / task)
        row |= {
            "name": model.name,
            "licence": model.licence,
            "source": model.source,
            "sha256": model.sha256,
            "threshold": model.threshold,
            "origin": model.manifest.origin,
        }
        models.model(task)
    except ModelError as error:
        return row | {"problem": str(error)}
    return row


def _state(row: dict[str, object]) -> str:
    if row["problem"]:
        return "REFUSED" if row["there"] else str(row["problem"])
    return "in order" if row["there"] else "none"
