"""What `edge-agent decode` prints for inputs and distance sensors: a capture's lines, and what changed.

A capture of such a device is what it answered when asked, a JSON object a line, as `edge-agent devices record` writes:

    {"at_ms": 1200, "states": {"loop-in": true}}     inputs (`io/…`); null: it did not answer
    {"at_ms": 1200, "count": 10000}                  a distance sensor's register (`ultrasonic/…`)
"""

from __future__ import annotations

import json
import operator
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from edge_agent.commands.decoders.stream import StreamDecoder, no_variant, number
from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.io.driver import InputDriver
from edge_agent.drivers.io.schema import GpioLayer, IoProfile
from edge_agent.drivers.layer import Layer
from edge_agent.drivers.stream import Heard, Line, LineSplitter
from edge_agent.drivers.ultrasonic.driver import DistanceDriver
from edge_agent.drivers.ultrasonic.schema import UltrasonicProfile
from edge_agent.model.moment import Moment, MonoNs, WallNs
from edge_agent.profiles import load_profile

LONGEST = 4096
"""Bytes of a line."""

MILLISECOND = 1_000_000

Said = dict[str, object]


def open_decoder(profile_name: str, *, variant: str | None, profile_dir: Path | None) -> StreamDecoder[Said]:
    """The decoder for the answers of such a device; ConfigError when there is no profile of that name."""
    profile = load_profile(profile_name, profile_dir, of=Layer)
    no_variant(profile_name, variant)
    if isinstance(profile, UltrasonicProfile):
        return StreamDecoder(profile_name, "measurement", _Distances(profile), dict, counts=_is_answer, serial=False)
    if not isinstance(profile, IoProfile):
        raise TypeError(f"{profile_name} has no points")  # KINDS names this module for these two kinds only
    return StreamDecoder(profile_name, "answer", _Inputs(profile), dict, counts=_is_answer, serial=False)


def _is_answer(said: Said) -> bool:
    return said["kind"] == "answer"


class _Answers(ABC):
    """Lines in, what each says out."""

    def __init__(self) -> None:
        self._lines = LineSplitter(LONGEST)

    def feed(self, chunk: bytes) -> list[Heard[Said] | Garbled]:
        """What these bytes complete."""
        return self._read(self._lines.feed(chunk))

    def flush(self) -> list[Heard[Said] | Garbled]:
        """The rest."""
        return self._read(self._lines.flush())

    @abstractmethod
    def said(self, value: object, now: Moment) -> Said:
        """What an answer says; ValueError when it is none."""

    @property
    @abstractmethod
    def key(self) -> str:
        """Where the answer stands in its line."""

    def _read(self, lines: Iterable[Line | Garbled]) -> list[Heard[Said] | Garbled]:
        return [line if isinstance(line, Garbled) else self._one(line) for line in lines if line.raw.strip()]

    def _one(self, line: Line) -> Heard[Said] | Garbled:
        try:
            read = json.loads(line.raw)
            at_ms, value = operator.index(read["at_ms"]), read[self.key]
            now = Moment(WallNs(0), MonoNs(at_ms * MILLISECOND), bytes(16), synchronised=False)
            return Heard(line.offset, line.raw, {"kind": "answer", "at_ms": at_ms} | self.said(value, now))
        except (ValueError, KeyError, TypeError, RecursionError):
            form = f'{{"at_ms": 1200, "{self.key}": …}}'
            return Garbled(line.offset, line.raw, f"no line of a recorded device of this kind, such as {form}")


class _Inputs(_Answers):
    key = "states"

    def __init__(self, profile: IoProfile) -> None:
        super().__init__()
        debounced = isinstance(profile.link, GpioLayer)  # by the kernel, before it was recorded
        self._driver = InputDriver(0 if debounced else profile.debounce_milliseconds / 1000)

    def said(self, value: object, now: Moment) -> Said:
        """The states, and the inputs that have changed by now."""
        if value is None:
            self._driver.interrupt()
            return {"kind": "interruption"}
        if not isinstance(value, dict) or not all(isinstance(state, bool) for state in value.values()):
            raise ValueError("states are true or false")
        return {"states": value, "changes": [asdict(change) for change in self._driver.feed(value, now)]}


class _Distances(_Answers):
    key = "count"

    def __init__(self, profile: UltrasonicProfile) -> None:
        super().__init__()
        self._driver = DistanceDriver(profile)
        self._bits = 16 * profile.measure.registers

    def said(self, value: object, now: Moment) -> Said:
        """The distance, whether the place is occupied as far as known, and whether that has changed by now."""
        if value is None:
            self._driver.interrupt()
            return {"kind": "interruption"}
        if isinstance(value, bool) or not isinstance(value, int) or value < 0 or value >> self._bits:
            raise ValueError(f"a count has {self._bits} bits")
        changed = self._driver.feed(value, now) is not None
        last = self._driver.last
        if last is None:
            raise AssertionError("a fed driver has a last measurement")
        millimetres = number(last.millimetres)
        told: Said = {"count": value, "millimetres": millimetres, "occupied": last.occupied, "changed": changed}
        return told | {"broken": self._driver.broken}
