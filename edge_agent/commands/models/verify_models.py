"""`edge-agent models verify`: is every model the one its manifest says?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from edge_agent.commands.models._options import directory_option, json_option, opened, say
from edge_agent.vision.models.directory import ModelDirectory, ModelError, build_command
from edge_agent.vision.models.tasks import SLOTS, Task


@click.command("verify")
@directory_option
@json_option
def command(directory: Path, as_json: bool) -> None:
    """Read every file of every model and compare its SHA-256; judge manifests and licences.

    Exit code 1 when a model is missing, changed or not licensed for use.
    """
    wrong = False
    for name, problem in _results(opened(directory)):
        wrong = wrong or bool(problem)
        if as_json:
            say({"task": name, "ok": not problem, "problem": problem})
        else:
            click.echo(f"{name}: {problem or 'in order'}", err=bool(problem))
    raise SystemExit(1 if wrong else 0)


def _results(models: ModelDirectory) -> Iterator[tuple[str, str]]:
    """Each task that has a model or should have one, and each directory that is no task's, with what is wrong."""
    for task in Task:
        if models.has(task):
            yield str(task), _problem(models, task)
        elif SLOTS[task].built:
            yield str(task), f"There is no model {task}. Make it with: {build_command(models.path)}"
    for path in sorted(models.path.iterdir()):
        if path.is_dir() and not path.name.startswith(".") and path.name not in set(Task):
            yield path.name, f"{path} is no task's directory. Tasks are: {', '.join(Task)}"


def _problem(models: ModelDirectory, task: Task) -> str:
    try:
        model = models.model(task)
        for file in model.manifest.files:
            model.read(file)
    except ModelError as error:
        return str(error)
    return ""
