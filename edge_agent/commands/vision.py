"""`edge-agent vision`: what a site's own images say about its models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from edge_agent.commands.models._options import models_option, opened
from edge_agent.commands.vision_gallery import gallery
from edge_agent.vision.extra import importing_vision


@click.group()
def vision() -> None:
    """Calibrate what the cameras' models decide, and the galleries of sailings."""


vision.add_command(gallery)


@vision.command()
@click.argument("images", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--target-fmr",
    type=click.FloatRange(0.0, 0.5, min_open=True),
    default=0.001,
    show_default=True,
    help="False match rate that the proposed threshold shall keep in every group.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("calibration"),
    show_default=True,
    help="Directory for calibration.json and det.svg; made when it is not there.",
)
@click.option("--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="That one model may use.")
@click.option("--json", "as_json", is_flag=True, help="The result as one JSON object on stdout.")
@models_option
def calibrate(images: Path, target_fmr: float, out: Path, threads: int, directory: Path, as_json: bool) -> None:
    """Face comparison's error rates on labelled images, by group, and the threshold they propose.

    DIR holds one directory a person with that person's images, and if wanted groups.csv with identity,group. Nothing is
    sent, no template is kept, and the result names no person.
    """
    with importing_vision("Calibrating", "numpy"):
        from edge_agent.vision.faces import calibrating  # noqa: PLC0415 - loads numpy, of an extra
    found = calibrating.calibrated(images, opened(directory), target_fmr, threads)
    files = [str(path) for path in calibrating.write_calibration(out, found.named)]
    if as_json:
        click.echo(json.dumps(found.named | {"unusable": found.unusable, "files": files}, ensure_ascii=False))
    else:
        _show(found.named, found.unusable, files)


def _show(named: dict[str, Any], unusable: dict[str, str], files: list[str]) -> None:
    result, console = named["calibration"], Console(soft_wrap=True)
    table = Table("group", "people", "threshold", "FMR", "95 %", "FNMR", "95 %", box=None, pad_edge=False)
    for name, part in result["groups"].items():
        for rates in part["rates"]:
            cells = [text for kind in ("fmr", "fnmr") for text in _cells(rates[kind])]
            table.add_row(name, str(part["identities"]), f"{rates['threshold']:.4f}", *cells)
    console.print(table)
    console.print("95 %: bootstrap over people; where none or all were wrong, Wilson's interval over comparisons.")
    console.print(f"Proposed threshold {result['threshold']:.4f}: {result['note']}.", highlight=False)
    for file, reason in unusable.items():
        console.print(f"Not used: {file}: {reason}.", highlight=False, markup=False)
    console.print(f"Calibration {named['id']}", highlight=False)
    console.print(f"Written: {' and '.join(files)}", highlight=False, markup=False)


def _cells(rate: dict[str, Any]) -> tuple[str, str]:
    if rate["rate"] is None:
        return "no pairs", ""
    # where nobody or everybody erred, drawing the same people again says nothing: Wilson's interval does
    certain = rate["errors"] in (0, rate["comparisons"])
    low, high = rate["wilson_95"] if certain or rate["bootstrap_95"] is None else rate["bootstrap_95"]
    share = f"{100 * rate['rate']:.3g} % ({rate['errors']}/{rate['comparisons']})"
    return share, f"{100 * low:.3g} to {100 * high:.3g} %"
