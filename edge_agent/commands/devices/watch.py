"""`edge-agent devices watch`: what a device sends, live: frames, readings, garbage, and what is wrong with the port."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

import click

from edge_agent.clock import SystemClock
from edge_agent.commands.devices._source import Asked, Source, source_options
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState

SHOWN_HEX = 48
PAUSE_S = 1.0
"""Pictures follow their event within less."""


@click.command()
@source_options
@click.option("--seconds", type=click.FloatRange(min=0.1), help="Stop after so long; default: Ctrl-C stops.")
@click.option("--json", "as_json", is_flag=True, help="The lines of `edge-agent decode`, as they come.")
@click.pass_context
def watch(ctx: click.Context, /, seconds: float | None, *, as_json: bool, **asked: Any) -> None:
    """Show what the device NAME sends, live.

    The running agent keeps its ports to itself: stop it first, or see `gatectl devices`. A device that answers is asked
    with the reading commands of its profile; nothing that changes it is ever sent. For a camera that pushes, this
    listens in the agent's place.

    Exit code: 0 at least one reading, 1 none.
    """
    viewer = Viewer(Asked(**asked).source(), as_json=as_json)
    viewer.run(seconds)
    for line in viewer.summary():
        click.echo(line, err=True)
    ctx.exit(0 if viewer.readings else 1)


class Viewer:
    """Prints what comes."""

    def __init__(self, source: Source, *, as_json: bool) -> None:
        self._source, self._as_json = source, as_json
        self._decoder, self._watch = source.decoder(), source.watched()
        self._clock = SystemClock()
        self._lock = threading.Lock()
        self._heard: float | None = None
        self._came = False
        self._down = False
        self._stop = threading.Event()
        self._began = time.monotonic()

    @property
    def readings(self) -> int:
        """How many there were."""
        return self._decoder.readings

    def run(self, seconds: float | None) -> None:
        """Until Ctrl-C, or for so long."""
        timer = threading.Timer(seconds, self._stop.set) if seconds is not None else None
        if timer is not None:
            timer.daemon = True
            timer.start()
        pauses = threading.Thread(target=self._notice_pauses, name="pauses", daemon=True)
        pauses.start()
        before = signal.signal(signal.SIGINT, lambda *_: self._stop.set())
        try:
            self._source.listen(self._on_bytes, self._on_event, self._stop)
        finally:
            signal.signal(signal.SIGINT, before)
            self._stop.set()
        pauses.join()
        for line in self._decoder.finish():
            self._print(line)

    def summary(self) -> list[str]:
        """For the installer; what silence may mean only where the port could be read."""
        lines = list(self._decoder.summary())
        return lines if self._came or not self._down else lines[:1]

    def _on_bytes(self, chunk: bytes, now: Moment) -> None:
        with self._lock:
            self._heard, self._came = time.monotonic(), True
            if self._watch is not None:
                self._watch.bytes_seen(len(chunk), now)
            for line in self._decoder.feed(chunk):
                self._see(line, now)
                self._print(line)

    def _see(self, line: Mapping[str, object], now: Moment) -> None:
        """Tell the watch what a line is. A scale that says "overload" is understood."""
        if self._watch is None or "garbled" in line:
            return
        self._watch.frame_seen(now)
        if "state" in line or self._decoder.readings:
            self._tell(self._watch.reading_seen(now))

    def _notice_pauses(self) -> None:
        """Nothing that waits for what may follow is kept from the person watching."""
        while not self._stop.wait(PAUSE_S / 2):
            with self._lock:
                if self._watch is not None:
                    self._tell(self._watch.tick(self._clock()))
                if self._heard is not None and time.monotonic() - self._heard >= PAUSE_S:
                    self._heard = None
                    for line in self._decoder.pause():
                        self._print(line)

    def _on_event(self, event: DeviceEvent) -> None:
        with self._lock:
            self._down = event.state is DeviceState.UNPLUGGED
            if self._watch is not None and self._down:
                self._watch.link_down(event.text, event.at, event.attempts)
            elif self._watch is not None and event.state is DeviceState.STARTING:
                self._watch.link_up(event.at, event.attempts)
            self._tell(event)

    def _tell(self, event: DeviceEvent | None) -> None:
        if event is not None:
            click.echo(f"{self._seconds():9.3f}  {event.state.name.lower()}: {event.text}", err=True)

    def _print(self, line: dict[str, object]) -> None:
        click.echo(json.dumps(line, ensure_ascii=False) if self._as_json else self._told(line))
        sys.stdout.flush()

    def _told(self, line: dict[str, object]) -> str:
        """One line for a person: when, what it means, the bytes."""
        raw = str(line.pop("hex", ""))
        line.pop("offset", None)
        shown = raw if len(raw) <= SHOWN_HEX else f"{raw[:SHOWN_HEX]}…"
        if "garbled" in line:
            meaning = click.style(f"garbled: {line['garbled']}", fg="red")
        else:
            meaning = "  ".join(f"{key}={_plain(value)}" for key, value in _flat(line).items() if value is not None)
        return f"{self._seconds():9.3f}  {meaning}    [{shown}]"

    def _seconds(self) -> float:
        return time.monotonic() - self._began


def _flat(line: dict[str, object]) -> dict[str, object]:
    """The reading's own fields beside the others."""
    reading = line.pop("reading", None)
    return {**(reading if isinstance(reading, dict) else {}), **line}


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
