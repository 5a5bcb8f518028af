"""A portal's lines: bytes in, what each line says out. Sans-IO; occupancies are put together by `driver`.

Form (osh-oakridge-modules, MessageHandler, MPL-2.0; SRLS RPMSimulator, MIT; a recorded day): `XX,nnnnnn,nnnnnn,nnnnnn,
nnnnnn` and CR LF, one count a detector. There is no checksum, so the form is taken strictly: six digits a count.

A recorder may have added the time of day behind a line, its own zone's and then UTC if it writes both (daily files of
osh-oakridge-modules, DailyFileAppender), or date and time in front of it, as other loggers do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.radiation.schema import CodesLayer, CountsMean
from edge_agent.drivers.stream import Line, LineSplitter

LONGEST = 128
"""Bytes of a line; the longest known has 50."""

_BLANK = b" \r\n"

_TIME = r"\d\d-\d\d-\d\d\.\d{3}"
_TIME_BEHIND = re.compile(_TIME)
_TIME_IN_FRONT = re.compile(rb"\[?((?:\d{4}[-/]\d\d[-/]\d\d[T ])?\d\d[-:]\d\d[-:]\d\d(?:[.,]\d{1,6})?Z?)\]?[,;\t ] *")


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of the four detectors. `time`: as the recorder wrote it, of two its own zone's; None on the wire."""

    means: CountsMean
    counts: tuple[int, ...]
    time: str | None


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast the vehicle crossed the portal's two beams: seconds between them, and what the portal makes of it."""

    seconds: Decimal
    mph: Decimal
    kph: Decimal
    time: str | None


@dataclass(frozen=True, slots=True)
class End:
    """The occupancy is over: the portal's count of them, and neutrons a second before it."""

    number: int
    neutron_background: Decimal
    time: str | None


@dataclass(frozen=True, slots=True)
class GammaSetup:
    """Settings: limits of the background in counts a second, samples summed, hold-in, sigmas of the alarm."""

    high_bg: int
    low_bg: int
    intervals: int
    occupancy_holdin: int
    nsigma: Decimal
    time: str | None


@dataclass(frozen=True, slots=True)
class NeutronSetup:
    """Settings of the neutron alarm."""

    high_bg: int
    max_intervals: int
    alpha: int
    zmax: int
    seq_intervals: int
    bg_time: int
    time: str | None


@dataclass(frozen=True, slots=True)
class Firmware:
    """The portal's firmware."""

    version: str
    time: str | None


@dataclass(frozen=True, slots=True)
class OtherSetup:
    """A line of settings that is not interpreted."""

    code: str
    time: str | None


Told = Counts | Speed | End | GammaSetup | NeutronSetup | Firmware | OtherSetup
"""What a line says."""


@dataclass(frozen=True, slots=True)
class PortalLine:
    """One line understood."""

    offset: int
    raw: bytes
    told: Told


class PortalParser:
    """Bytes in, lines and garbled bytes out; blank lines are passed over. Holds at most one line."""

    def __init__(self, codes: CodesLayer) -> None:
        self._lines = LineSplitter(LONGEST)
        self._codes = codes
        self._line = re.compile("|".join(f"(?:{form})" for form in _forms(codes)).encode())
        self._readers = _readers(codes)

    def feed(self, chunk: bytes) -> list[PortalLine | Garbled]:
        """What these bytes complete, in the order of the stream."""
        return self._read(self._lines.feed(chunk))

    def flush(self) -> list[PortalLine | Garbled]:
        """The rest, when no more bytes come."""
        return self._read(self._lines.flush())

    def _read(self, lines: list[Line | Garbled]) -> list[PortalLine | Garbled]:
        items: list[PortalLine | Garbled] = []
        for line in lines:
            if isinstance(line, Garbled):
                items.append(line)
            else:
                self._read_line(line, items)
        return items

    def _read_line(self, line: Line, items: list[PortalLine | Garbled]) -> None:
        """Noise in front of a line, or a lost line end, costs nothing but itself."""
        raw, done = line.raw, 0
        stamp = _TIME_IN_FRONT.match(raw)
        for found in self._line.finditer(raw):
            stamped = stamp is not None and stamp.end() == found.start()
            if not stamped and raw[done : found.start()].strip(_BLANK):
                items.append(_garbled(line, done, found.start()))
                done = found.start()
            end = len(raw) if not raw[found.end() :].strip(_BLANK) else found.end()
            code, *values = found[0].decode("ascii").split(",")
            time = stamp[1].decode("ascii") if stamp is not None and stamped else None
            while _TIME_BEHIND.fullmatch(values[-1]):
                time = values.pop()
            items.append(PortalLine(line.offset + done, raw[done:end], self._readers[code](code, values, time)))
            done = end
        if raw[done:].strip(_BLANK):
            items.append(_garbled(line, done, len(raw)))


def _garbled(line: Line, start: int, end: int) -> Garbled:
    reason = "no line of this portal" if line.ended else "the input ended inside a line"
    return Garbled(line.offset + start, line.raw[start:end], reason)


def _forms(codes: CodesLayer) -> list[str]:
    """Regular expressions, one a form.

    Counts end where the line does, or where the next one begins; settings, whose fields have no fixed width, only where
    the line does.
    """
    counts = "|".join(codes.counts)
    time = rf"(?:,{_TIME}){{0,2}}"
    after, last = rf"{time}(?![^\r\n A-Z])", rf"{time}(?= *[\r\n])"
    return [
        rf"(?<![A-Z])(?:{counts})(?:,\d{{6}}){{4}}{after}",
        rf"{codes.end}(?:,\d{{6}}){{4}}{after}",
        rf"{codes.speed}(?:,\d+\.\d+){{3}},\d{{6}}{after}",
        rf"{codes.setup_gamma},\d{{6}},\d{{6}},\d+,\d+,\d+\.\d+,[A-Z]+{last}",
        rf"{codes.setup_gamma_end},[\d.]+,[\d.]+,\d+,\d+,\d+(?:\.\d+)+{last}",
        rf"{codes.setup_neutron},\d{{6}},\d+,\d+,\d+,\d+,\d+{last}",
        *(rf"{code}(?:,[A-Z0-9.]+)+?{last}" for code in codes.setup_other),
    ]


Reader = Callable[[str, list[str], "str | None"], Told]


def _readers(codes: CodesLayer) -> dict[str, Reader]:
    def counts_of(means: CountsMean) -> Reader:
        return lambda _code, values, time: Counts(means, tuple(map(int, values)), time)

    readers: dict[str, Reader] = {code: counts_of(means) for code, means in codes.counts.items()}
    readers[codes.speed] = lambda _code, values, time: Speed(
        Decimal(values[0]), Decimal(values[1]), Decimal(values[2]), time
    )
    readers[codes.end] = lambda _code, values, time: End(int(values[0]), Decimal(values[1]) / 1000, time)
    readers[codes.setup_gamma] = _gamma_setup
    readers[codes.setup_gamma_end] = lambda _code, values, time: Firmware(values[4], time)
    readers[codes.setup_neutron] = _neutron_setup
    readers |= {code: lambda code, _values, time: OtherSetup(code, time) for code in codes.setup_other}
    return readers


def _gamma_setup(_code: str, values: list[str], time: str | None) -> GammaSetup:
    high, low, intervals, holdin = map(int, values[:4])
    return GammaSetup(high, low, intervals, holdin, Decimal(values[4]), time)


def _neutron_setup(_code: str, values: list[str], time: str | None) -> NeutronSetup:
    high, intervals, alpha, zmax, sequence, background = map(int, values)
    return NeutronSetup(high, intervals, alpha, zmax, sequence, background, time)
