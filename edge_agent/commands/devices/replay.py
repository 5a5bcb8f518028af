"""`edge-agent devices replay`: a capture on a pseudo-terminal, at its own pace: a device to test against."""

from __future__ import annotations

import json
import os
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from edge_agent.commands.devices.record import TIMES
from edge_agent.errors import EdgeAgentError

UNTIMED_BYTES_S = 960.0
"""9600 baud: the pace of a capture that nobody timed."""


@click.command()
@click.argument("capture", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--port", "link", required=True, type=click.Path(path_type=Path), help="Name that the port will have.")
@click.option("--loop", is_flag=True, help="Again and again, until Ctrl-C.")
@click.option("--speed", type=click.FloatRange(min=0.01), default=1.0, show_default=True, help="2 is twice as fast.")
def replay(capture: Path, link: Path, loop: bool, speed: float) -> None:
    """Play CAPTURE on a pseudo-terminal, as the device would have sent it.

    Point a site file's port, or `edge-agent devices watch --port`, to the name given with --port.
    """
    data = capture.read_bytes()
    with _port(link) as master:
        click.echo(f"{link}: {len(data)} bytes of {capture}" + (", again and again" if loop else ""))
        try:
            _play(master, data, list(_chunks(capture, len(data))), speed)
            while loop and data:
                _play(master, data, list(_chunks(capture, len(data))), speed)
        except KeyboardInterrupt:
            click.echo("stopped", err=True)


@contextmanager
def _port(link: Path) -> Iterator[int]:
    """A pseudo-terminal under this name, for as long as it is played on."""
    master, slave = os.openpty()
    tty.setraw(slave)
    try:
        link.symlink_to(os.ttyname(slave))
    except OSError as error:
        os.close(slave)
        os.close(master)
        raise EdgeAgentError(f"{link} cannot be made", cause=error.strerror or "", fix="choose another name") from error
    try:
        yield master
    finally:
        link.unlink(missing_ok=True)
        os.close(slave)
        os.close(master)


def _play(master: int, data: bytes, chunks: list[tuple[float, int]], speed: float) -> None:
    began, at = time.monotonic(), 0
    for seconds, count in chunks:
        time.sleep(max(0.0, began + seconds / speed - time.monotonic()))
        os.write(master, data[at : at + count])
        at += count


def _chunks(capture: Path, size: int) -> Iterator[tuple[float, int]]:
    """(seconds since the start, bytes) of each chunk; as recorded where there are times that fit the bytes."""
    times = Path(f"{capture}{TIMES}")
    if times.exists():
        try:
            lines = [json.loads(line) for line in times.read_text(encoding="utf-8").splitlines()[1:]]
            chunks = [(float(seconds), int(count)) for seconds, count in lines]
        except (ValueError, TypeError) as error:
            what = f"{times} cannot be read"
            raise EdgeAgentError(what, cause=str(error), fix="remove it to play at 9600 baud") from error
        if sum(count for _, count in chunks) != size:
            raise EdgeAgentError(f"{times} does not belong to {capture}", fix="remove it to play at 9600 baud")
        yield from chunks
        return
    step = 32
    for start in range(0, size, step):
        yield start / UNTIMED_BYTES_S, min(step, size - start)
