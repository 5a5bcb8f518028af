"""What the commands that import files share: formats, a progress bar, the report, the database to write in."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from sqlalchemy import Connection

from collector.commands._common import utc_now
from collector.commands._show import as_json
from collector.commands._state import check_as
from collector.commands._who import who
from collector.config import CollectorConfig
from collector.declarations.files import FileFormat
from collector.declarations.intake import ImportReport
from collector.declarations.reader import BadValue
from collector.keys import CollectorKeys
from collector.ledger.log import Ledger
from collector.privacy.keystore import FILE, KeyStore
from collector.registers.orders import served_sites
from collector.store.engine import Store, open_store

BAD_ROWS = 1
"""Exit code when something in the file is wrong."""

Row = TypeVar("Row")
Command = TypeVar("Command", bound=Callable[..., Any])


def import_options(command: Command) -> Command:
    """FILE, --format, --partial and --json."""
    for option in (
        click.option("--json", "json_", is_flag=True, help="Report as JSON."),
        click.option("--partial", is_flag=True, help="Import the good rows also when there are bad ones."),
        click.option(
            "--format",
            "file_format",
            type=click.Choice(["csv", "json"]),
            help="Needed where FILE does not end in .csv, .json or .jsonl.",
        ),
        click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True)),
    ):
        command = option(command)
    return command


as_option = click.option(
    "--as", "actor", default="", metavar="OFFICER", help="Who does it, in office; it stays in the ledger."
)


@contextmanager
def writing(config: CollectorConfig, actor: str = "") -> Iterator[tuple[Store, Ledger]]:
    """The database, made when there is none yet, and the ledger, whose head is this collector's. The server may run.

    `actor` is whom --as named: what is entered names them beside the operating system's user. CollectorError when it is
    no officer in office.
    """
    keys = CollectorKeys.load_or_create(config.state_dir, config.deployment, config.hostnames, utc_now())
    ledger = Ledger(keys.ledger, who(actor))
    store = open_store(config.database_url)
    try:
        with store.read() as connection:
            ledger.check_head(connection)
        if actor:
            check_as(store, actor, time.time_ns())
        yield store, ledger
    finally:
        store.close()


@contextmanager
def opened(file: str) -> Iterator[BinaryIO]:
    """FILE to read bytes from; - is standard input."""
    with click.open_file(file, "rb") as stream:
        yield cast("BinaryIO", stream)  # click types it as text or bytes


class Import:
    """What a command that imports a file works with. It notes which sites the entries name that it has seen."""

    def __init__(
        self, store: Store, ledger: Ledger, keys: KeyStore, stream: BinaryIO, on_progress: Callable[[str, int], None]
    ) -> None:
        self.store, self.ledger, self.keys = store, ledger, keys
        self.stream, self.on_progress = stream, on_progress
        self._sites: set[str] = set()

    def seen(self, entries: Iterable[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
        """The entries as they are."""
        for number, entry in entries:
            self._sites.add(getattr(entry, "site_id", ""))
            yield number, entry

    def note_sites(self, config: CollectorConfig) -> None:
        """Point out those of their sites that nobody knows."""
        with self.store.read() as connection:
            note_unknown_sites(config, connection, self._sites)


@contextmanager
def importing(config: CollectorConfig, file: str) -> Iterator[Import]:
    """The database, the keys, FILE to read from and a progress bar."""
    with (
        writing(config) as (store, ledger),
        KeyStore(config.state_dir / FILE) as keys,
        opened(file) as stream,
        progress(stream) as on_progress,
    ):
        yield Import(store, ledger, keys, stream, on_progress)


def note_unknown_sites(config: CollectorConfig, connection: Connection, sites: Iterable[str]) -> None:
    """Point out sites that neither configuration nor gate machine knows: nothing is judged by what was said of them.

    It is no error: a schedule may be there before its gate. Before there is any site at all nothing is said.
    """
    known = served_sites(connection) | set(config.sites)
    unknown = sorted(set(sites) - known - {""})
    if unknown and known:
        click.echo(
            f"note: no gate machine serves {', '.join(unknown)}, and no [sites] of the configuration names it. Is it "
            f"written as there? Known: {', '.join(sorted(known))}",
            err=True,
        )


def tell(report: ImportReport, *, json_: bool, stored: str = "") -> None:
    """Print what became of a file, `stored` in the place of counts; exit code 1 when something in it is wrong."""
    click.echo(as_json(_report_json(report)) if json_ else _report_text(report, stored))
    if report.bad:
        sys.exit(BAD_ROWS)


def format_of(file: str, given: str | None) -> FileFormat:
    """The format that was given, or that the name of the file says."""
    name = given or Path(file).suffix.removeprefix(".").lower()
    if name == "csv":
        return "csv"
    if name in {"json", "jsonl", "ndjson"}:
        return "json"
    raise click.UsageError(f"{file} says nothing about its format: add --format csv or --format json")


@contextmanager
def progress(stream: BinaryIO) -> Iterator[Callable[[str, int], None]]:
    """A bar on standard error when that is a terminal: bytes while reading, rows while storing."""
    terminal = sys.stderr.isatty()
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True, disable=not terminal
    ) as bar:
        size = stream.seek(0, 2) or None if stream.seekable() else None
        if size:
            stream.seek(0)
        reading_ = bar.add_task("reading, bytes", total=size)
        storing = bar.add_task("storing, rows", total=None, visible=False)
        rows = 0

        def on_progress(stage: str, count: int) -> None:
            nonlocal rows
            if stage == "read":
                rows = count
                if terminal and size:
                    bar.update(reading_, completed=stream.tell())
            else:
                bar.update(reading_, completed=size, total=size)
                bar.update(storing, completed=count, total=max(rows, count), visible=True)

        yield on_progress


def _report_json(report: ImportReport) -> dict[str, object]:
    return {
        "rows": report.rows,
        "new": report.new,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "bad_rows": report.bad_rows,
        "stored": report.stored,
        "bad": [asdict(bad) for bad in report.bad],
    }


def _named(bad: BadValue) -> str:
    """What is wrong, if it is not the row as a whole."""
    return f"{bad.field or 'the row'} {bad.value!r}: " if bad.field or bad.value else ""


def _report_text(report: ImportReport, stored: str) -> str:
    lines = [f"row {bad.row}: {_named(bad)}{bad.reason}" for bad in report.bad]
    counts = f"{report.new} new, {report.changed} changed, {report.unchanged} unchanged, {report.bad_rows} bad"
    if report.stored:
        lines.append(stored or f"{report.rows} rows: {counts}")
    else:
        others = ", or import the others with --partial" if report.bad_rows < report.rows else ""
        lines.append(
            f"{report.rows} rows, {report.bad_rows} of them bad: nothing was imported. Correct what is wrong{others}"
        )
    return "\n".join(lines)
