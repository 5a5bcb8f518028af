"""`edge-agent devices record`: a device's bytes into a file, as they came, and when they came beside it."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from edge_agent import __version__
from edge_agent.commands.decoders import DOCUMENT
from edge_agent.commands.devices._source import Asked, Source, source_options
from edge_agent.errors import EdgeAgentError
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent

TIMES = ".times.jsonl"
"""What is appended to a capture's name for the file with its times: a head line, then [seconds, bytes] a chunk."""

MOST_BYTES = 1 << 30


@click.command()
@source_options
@click.option("--output", "-o", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The capture.")
@click.option("--seconds", type=click.FloatRange(min=0.1), default=30.0, show_default=True, help="How long.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.option("--show-personal", is_flag=True, help="Needed for a document reader: its capture is not encrypted.")
@click.pass_context
def record(
    ctx: click.Context, /, output: Path, seconds: float, *, as_json: bool, show_personal: bool, **asked: Any
) -> None:
    """Record what the device NAME sends into a capture.

    The file holds the bytes as they came, and nothing else: `edge-agent decode` reads it. Beside it, OUTPUT.times.jsonl
    says when they came: `edge-agent devices replay` plays them at that pace.

    Exit code: 0 something came, 1 nothing: then no file is left.
    """
    source = Asked(**asked).source()
    if source.profile.startswith(f"{DOCUMENT}/") and not show_personal:
        raise EdgeAgentError(
            "a capture of a document reader holds people's documents as they are",
            fix="record with a specimen document on the reader, add --show-personal, and delete the capture afterwards",
        )
    if output.exists():
        raise EdgeAgentError(f"{output} exists", cause="a capture is never overwritten", fix="choose another name")
    times = Path(f"{output}{TIMES}")
    try:
        with output.open("xb") as bytes_file, times.open("xb") as times_file:
            count = Recorder(source, bytes_file, times_file).run(seconds)
        digest = sha256(output.read_bytes()).hexdigest()
    except OSError as error:
        fix = "name a file in a directory that is there and can be written"
        raise EdgeAgentError(f"{output} cannot be written", cause=error.strerror or str(error), fix=fix) from error
    if not count:
        output.unlink()
        times.unlink()
        click.echo(f"nothing came: see `edge-agent devices watch` for what is wrong with {source.where}", err=True)
    if as_json:
        kept = {"capture": str(output), "times": str(times), "sha256": digest} if count else {"capture": None}
        click.echo(json.dumps({**kept, "bytes": count, "profile": source.profile, "port": source.where}))
    elif count:
        click.echo(f"{output}: {count} bytes, SHA-256 {digest}")
    ctx.exit(0 if count else 1)


class Recorder:
    """Writes a device's bytes and their times."""

    def __init__(self, source: Source, bytes_file: BinaryIO, times_file: BinaryIO) -> None:
        self._source, self._bytes, self._times = source, bytes_file, times_file
        self._stop = threading.Event()
        self._count = 0
        self._began = time.monotonic()

    def run(self, seconds: float) -> int:
        """For so long, or until Ctrl-C; how many bytes came."""
        head = {
            "device": self._source.name,
            "profile": self._source.profile,
            **self._source.settings,
            "begun": datetime.now(UTC).isoformat(timespec="seconds"),
            "made_by": f"edge-agent {__version__}",
        }
        self._line(head)
        before = signal.signal(signal.SIGINT, lambda *_: self._stop.set())
        timer = threading.Timer(seconds, self._stop.set)
        timer.daemon = True
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        try:
            with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
                bar = progress.add_task("recording", total=seconds)
                timer.start()
                self._source.listen(lambda chunk, now: self._take(chunk, now, progress, bar), self._told, self._stop)
        finally:
            signal.signal(signal.SIGINT, before)
            timer.cancel()
        for file in (self._bytes, self._times):
            file.flush()
            os.fsync(file.fileno())
        return self._count

    def _take(self, chunk: bytes, _now: Moment, progress: Progress, bar: Any) -> None:
        self._bytes.write(chunk)
        self._count += len(chunk)
        self._line([round(time.monotonic() - self._began, 4), len(chunk)])
        progress.update(bar, completed=time.monotonic() - self._began, description=f"{self._count} bytes")
        if self._count >= MOST_BYTES:
            self._stop.set()

    def _line(self, value: object) -> None:
        self._times.write(json.dumps(value).encode() + b"\n")

    def _told(self, event: DeviceEvent) -> None:
        click.echo(f"{event.state.name.lower()}: {event.text}", err=True)
