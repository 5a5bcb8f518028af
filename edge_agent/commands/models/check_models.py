"""`edge-agent models check`: does a model keep its task's contract?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_agent.commands.models._options import directory_option, json_option, opened, say
from edge_agent.vision.extra import importing_vision
from edge_agent.vision.models.directory import Model, ModelError, read_model
from edge_agent.vision.models.licences import refusal
from edge_agent.vision.models.tasks import Task

if TYPE_CHECKING:
    from edge_agent.vision.models.conformance import Check


@click.command("check")
@click.argument("sources", metavar="[DIR...]", nargs=-1, type=click.Path(path_type=Path, file_okay=False, exists=True))
@directory_option
@json_option
def command(sources: tuple[Path, ...], directory: Path, as_json: bool) -> None:
    """Run models on trial pictures and see whether they keep their contract: those in DIR, else those in use.

    Shapes, types, ranges, sums of probabilities, the same result twice, and for a recogniser that a picture is like
    itself. Exit code 1 when something does not hold.
    """
    with importing_vision("Checking models", "numpy"):
        from edge_agent.vision.models.conformance import Check, check_model  # noqa: PLC0415 - needs the extra
    wrong = False
    for model in _models(sources, directory):
        licence = Check("its licence allows the use", refusal(model.licence, model.manifest.operator_licence))
        checks = (licence, *check_model(model))
        wrong = wrong or not all(check.ok for check in checks)
        if as_json:
            rows = [{"what": check.what, "ok": check.ok, "problem": check.problem} for check in checks]
            say({"task": model.task, "name": model.name, "ok": all(check.ok for check in checks), "checks": rows})
        else:
            _show(model, checks)
    raise SystemExit(1 if wrong else 0)


def _models(sources: tuple[Path, ...], directory: Path) -> list[Model]:
    from edge_agent.vision.models.adding import supplied  # noqa: PLC0415 - needs the extra, which is there by now

    if sources:
        return [model for source in sources for model in supplied(source)]
    there = [read_model(directory / task) for task in opened(directory).tasks()]
    if not there:
        raise ModelError(f"There are no models in {directory}", fix=f"Tasks are: {', '.join(Task)}")
    return there


def _show(model: Model, checks: tuple[Check, ...]) -> None:
    click.echo(f"{model.task}: {model.name}")
    for check in checks:
        click.echo(f"  ok     {check.what}" if check.ok else f"  WRONG  {check.what}: {check.problem}")
