"""`edge-agent decode`: captured bytes in, one JSON line an event out, and what an installer should do next."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import click

from edge_agent.commands.decoders import open_decoder
from edge_agent.errors import EdgeAgentError

CHUNK = 65_536


@click.command()
@click.option("--profile", "profile_name", required=True, metavar="KIND/MODEL", help="Device profile, scale/NAME …")
@click.option("--variant", metavar="NAME", help="Read only this variant of the frame, as the site file would pin it.")
@click.option(
    "--profile-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Directory with profiles of your own; they go before the shipped ones.",
)
@click.option("--show-personal", is_flag=True, help="Of a document reader: names, numbers and bytes as they are.")
@click.argument("file", type=click.File("rb"))
@click.pass_context
def decode(
    ctx: click.Context,
    profile_name: str,
    variant: str | None,
    profile_dir: Path | None,
    show_personal: bool,
    file: BinaryIO,
) -> None:
    """Print what the bytes in FILE (- for standard input) mean, one JSON line an event.

    Of a scale (docs/ tells the lines of the other kinds):

    \b
    A weight:       {"offset", "hex", "reading": {"weight", "unit", "kind", "stable", "tare"}}
    No weight:      {"offset", "hex", "state"}     overload, underload or invalid
    Not a frame:    {"offset", "hex", "garbled"}   why

    Weights are decimal strings as the device resolved them; null is what the device does not say. A summary for
    the installer follows on standard error. Exit code: 0 at least one reading, 1 none, 2 wrong usage.
    """  # noqa: D301 - \b is click's mark for lines that must not be joined
    try:
        decoder = open_decoder(profile_name, variant=variant, profile_dir=profile_dir, show_personal=show_personal)
    except EdgeAgentError as error:
        raise click.UsageError(str(error), ctx) from error
    for chunk in _chunks(file):
        _print(decoder.feed(chunk))
    _print(decoder.finish())
    for line in decoder.summary():
        click.echo(line, err=True)
    ctx.exit(0 if decoder.readings else 1)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    """The input as it arrives; Ctrl-C ends it like an end of file, so that the summary still comes."""
    source = cast("io.BufferedReader", file)  # what click.File opens; read1 does not wait for a full chunk
    try:
        while chunk := source.read1(CHUNK):
            yield chunk
    except KeyboardInterrupt:
        return


def _print(lines: Iterable[dict[str, object]]) -> None:
    for line in lines:
        click.echo(json.dumps(line))
