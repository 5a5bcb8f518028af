"""`edge-agent see`: what the readers see in pictures; for trying a camera, a site or a model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from edge_agent.commands.models._options import models_option, opened
from edge_agent.errors import EdgeAgentError
from edge_agent.vision.image import ImageError, load_image
from edge_agent.vision.see import KEYS, Row, Subject, compare, eye

_UNREADABLE = 1  # exit code when a picture could not be read; the others were
_UNUSABLE = 2  # exit code when there are no usable models, as for wrong usage


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    threads = click.option(
        "--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="That one model may use."
    )
    as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a picture on stdout.")
    return models_option(threads(as_json(function)))


@click.group()
def see() -> None:
    """Find and read what is in pictures: JPEG, PNG, BMP or WebP.

    Exit code 0 when all pictures were read, 1 when one could not be (the others are), 2 for wrong usage or when the
    models cannot be used. Nothing is kept and nothing is sent.
    """


def _looking(subject: Subject) -> Callable[..., None]:
    def look(images: tuple[str, ...], directory: Path, threads: int, as_json: bool) -> None:
        _look(subject, [Path(image) for image in images], directory, threads, as_json)

    return look


def _register(subject: Subject, text: str) -> None:
    command = click.command(subject, help=text)(_options(_looking(subject)))
    command.params.insert(0, click.Argument(["images"], nargs=-1, required=True, metavar="IMAGE..."))
    see.add_command(command)


_register("plate", "Read vehicle plates.")
_register("face", "Find faces: where, how good, and where eyes, nose and mouth are. No template is shown.")
_register("container", "Read container numbers (ISO 6346).")
_register("seal", "Find seals, with an operator's model; one that is not found is not an absent seal.")
_register("danger-label", "Find dangerous goods labels, with an operator's model.")


@see.command("match")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@_options
def match(first: str, second: str, directory: Path, threads: int, as_json: bool) -> None:
    """Say whether the same person is in both pictures; of several faces the likest two count.

    That one picture has no face is an answer, not an error: the score is null and the reason says it.
    """
    _quiet()
    pictures = []
    with _usable():
        for path in (Path(first), Path(second)):
            try:
                pictures.append(load_image(path))
            except ImageError as error:
                _complain(path, error, as_json=as_json)
                raise SystemExit(_UNREADABLE) from error
        row = compare(pictures[0], pictures[1], opened(directory), threads)
    if as_json:
        click.echo(json.dumps(row, ensure_ascii=False))
        return
    score = "no score" if row["score"] is None else f"score {row['score']:.4f}"
    answer = "same" if row["same"] else "not the same"
    click.echo(f"{answer}: {score}, threshold {row['threshold']:.4f}. {row['reason']}")


def _look(subject: Subject, pictures: list[Path], directory: Path, threads: int, as_json: bool) -> None:
    """Pictures are read one after the other, so that memory is one picture's."""
    _quiet()
    with _usable():
        look = eye(subject, opened(directory), threads)
    table = _Table(subject)
    failed = False
    for picture in pictures:
        try:
            rows = look(load_image(picture))
        except ImageError as error:
            failed = True
            _complain(picture, error, as_json=as_json)
            continue
        except Exception as error:  # noqa: BLE001 - a picture that a reader trips over must not hide the others
            failed = True
            cause = f"{type(error).__name__}: {' '.join(str(error).split())}"
            stumble = ImageError(f"{picture} was not read", cause=cause, fix="Report this, with the picture")
            _complain(picture, stumble, as_json=as_json)
            continue
        if as_json:
            click.echo(json.dumps({"file": str(picture), KEYS[subject]: rows}, ensure_ascii=False))
        else:
            table.add(picture, rows)
    if not as_json:
        table.show()
    raise SystemExit(_UNREADABLE if failed else 0)


@contextmanager
def _usable() -> Iterator[None]:
    """What is wrong with the models or the installation is told, and ends the command with its own exit code."""
    try:
        yield
    except EdgeAgentError as error:
        click.echo(f"edge-agent: {error}", err=True)
        raise SystemExit(_UNUSABLE) from error


def _complain(picture: Path, error: ImageError, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"file": str(picture), "error": str(error)}, ensure_ascii=False))
    else:
        click.echo(f"edge-agent: {error}", err=True)


def _quiet() -> None:
    """Damaged pictures are told once, by us: OpenCV would write its own lines about them to stderr."""
    with suppress(ImportError):  # the error that says what to install comes from the reader
        from cv2.utils import logging  # noqa: PLC0415 - an extra

        logging.setLogLevel(logging.LOG_LEVEL_SILENT)


_COLUMNS: dict[Subject, tuple[str, ...]] = {
    "plate": ("text", "kind", "confidence", "grammar_ok", "box"),
    "face": ("box", "quality"),
    "container": ("text", "check_digit_ok", "confidence", "box"),
    "seal": ("name", "score", "box"),
    "danger-label": ("name", "score", "box"),
}


class _Table:
    """Rows as a person reads them: the pictures' names, and what was found in each."""

    def __init__(self, subject: Subject) -> None:
        self._columns = _COLUMNS[subject]
        self._table = Table()
        for column in ("file", *self._columns):
            self._table.add_column(column.replace("_", " "), overflow="fold")
        self._none = f"no {subject}"

    def add(self, picture: Path, rows: list[Row]) -> None:
        for row in rows:
            self._table.add_row(str(picture), *(_cell(row[column]) for column in self._columns))
        if not rows:
            self._table.add_row(str(picture), self._none)

    def show(self) -> None:
        if self._table.row_count:
            Console().print(self._table)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, list):
        return " ".join(str(part) for part in value)
    if isinstance(value, dict):  # a face's quality
        return "good / 良好" if value["advice"] is None else f"{value['advice']['en']} / {value['advice']['zh']}"
    return str(value)
