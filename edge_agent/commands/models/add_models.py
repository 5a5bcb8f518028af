"""`edge-agent models add`: an operator's own models."""

from __future__ import annotations

from pathlib import Path

import click

from edge_agent.commands.models._options import directory_option, json_option, say
from edge_agent.vision.extra import importing_vision


@click.command("add")
@click.argument("source", metavar="DIR", type=click.Path(path_type=Path, file_okay=False, exists=True))
@directory_option
@json_option
def command(source: Path, directory: Path, as_json: bool) -> None:
    """Check the models in DIR and copy them in: DIR is one model, or holds several, each with its manifest.json.

    A face recogniser comes with its detector. All are taken or none; what a manifest holds is in
    docs/vision/models.md.
    """
    with importing_vision("Checking models", "numpy"):
        from edge_agent.vision.models.adding import add_models  # noqa: PLC0415 - needs the extra
    added = add_models(source, directory, tell=lambda line: click.echo(line, err=True))
    for model in added:
        if as_json:
            say({"task": model.task, "name": model.name, "sha256": model.sha256, "outcome": "added"})
        else:
            click.echo(f"{model.task}: {model.name} is in {directory}  {model.sha256[:16]}")
