"""`edge-agent devices replay`: a capture on a pseudo-terminal, at its own pace: a device to test against."""

from __future__ import annotations

import json
import os
import signal
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

LAST_BYTES_S = 1.0
"""What is in a pseudo-terminal is lost when it is closed: a reader gets so long for the last bytes."""


@click.command()
@click.argument("capture", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--port", "link", required=True, type=click.Path(path_type=Path), help="Name that the port will have.")
@click.option("--loop", is_flag=True, help="Again and again, until Ctrl-C.")
@click.option("--speed", type=click.FloatRange(min=0.01), default=1.0, show_default=True, help="2 is twice as fast.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, as soon as the port is there.")
def replay(capture: Path, link: Path, loop: bool, speed: float, as_json: bool) -> None:
    """Play CAPTURE on a pseudo-terminal, as the device would have sent it.

    Point a site file's port, or `edge-agent devices watch --port`, to the name given with --port. It is there as long
    as the capture is played, and a second more for whoever reads it.

    Exit code: 0 played, or stopped (Ctrl-C, SIGTERM), 1 not played, 2 wrong usage.
    """
    data = capture.read_bytes()
    chunks = list(_chunks(capture, len(data)))
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # the port's name goes with us, too
    try:
        with _port(link) as master:
            _tell(capture, link, chunks, loop=loop, speed=speed, as_json=as_json)
            _play(master, data, chunks, speed)
            while loop and data:
                _play(master, data, chunks, speed)
            time.sleep(LAST_BYTES_S)
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
    finally:
        signal.signal(signal.SIGTERM, before)


def _tell(
    capture: Path, link: Path, chunks: list[tuple[float, int]], *, loop: bool, speed: float, as_json: bool
) -> None:
    size = sum(count for _, count in chunks)
    if as_json:
        timed = Path(f"{capture}{TIMES}").exists()
        told = {
            "port": str(link),
            "capture": str(capture),
            "bytes": size,
            "seconds": round(_lasts_s(chunks) / speed, 3),
        }
        click.echo(json.dumps(told | {"as_recorded": timed, "loop": loop}))
    else:
        click.echo(f"{link}: {size} bytes of {capture}" + (", again and again" if loop else ""))


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
        fix = "remove it if it was left behind, or choose another name"
        raise EdgeAgentError(f"{link} cannot be made", cause=error.strerror or "", fix=fix) from error
    try:
        yield master
    finally:
        link.unlink(missing_ok=True)
        os.close(slave)
        os.close(master)


def _lasts_s(chunks: list[tuple[float, int]]) -> float:
    """How long a capture plays: never faster than its bytes go over a line, however short it is."""
    return max([seconds for seconds, _ in chunks[-1:]] + [sum(count for _, count in chunks) / UNTIMED_BYTES_S])


def _play(master: int, data: bytes, chunks: list[tuple[float, int]], speed: float) -> None:
    began, at = time.monotonic(), 0
    for seconds, count in chunks:
        time.sleep(max(0.0, began + seconds / speed - time.monotonic()))
        os.write(master, data[at : at + count])
        at += count
    time.sleep(max(0.0, began + _lasts_s(chunks) / speed - time.monotonic()))


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
