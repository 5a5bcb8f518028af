"""`edge-agent models build`: the default models, from packages that are installed."""

from __future__ import annotations

from pathlib import Path

import click

from edge_agent.commands.models._options import directory_option, json_option, say
from edge_agent.vision.extra import importing_vision

_OUTCOMES = {
    "made": "made",
    "unchanged": "was there already",
    "kept": "the operator's model is kept; --replace replaces it",
}


@click.command("build")
@directory_option
@click.option("--replace", is_flag=True, help="Replace an operator's models too.")
@json_option
def command(directory: Path, replace: bool, as_json: bool) -> None:
    """Make the default models without the network, from the packages of the extra `vision`.

    Converted networks are compared with the original on the spot; where they differ, nothing is changed. The same
    packages give the same files every time. A model that an operator added is kept.
    """
    with importing_vision("Making models", "onnx"):
        import onnx  # noqa: F401, PLC0415 - asked for first: everything below needs it

        from edge_agent.vision.models.build.run import build_models  # noqa: PLC0415 - needs the extra
    built = build_models(directory, replace=replace, tell=lambda line: click.echo(line, err=True))
    for result in built:
        if as_json:
            say({"task": result.task, "name": result.name, "sha256": result.sha256, "outcome": result.outcome})
        else:
            click.echo(f"{result.task}: {_OUTCOMES[result.outcome]}  {result.sha256[:16]}")
    if not as_json:
        click.echo(f"Models are in {directory}")
