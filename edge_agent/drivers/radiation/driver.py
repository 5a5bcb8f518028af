"""The portal driver: lines in; lines, and occupancies once they are over, out. Sans-IO."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal

from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.radiation.lines import Counts, End, PortalLine, PortalParser, Speed, Told
from edge_agent.drivers.radiation.schema import RadiationProfile
from edge_agent.drivers.stream import Heard
from edge_agent.model.lane_readings import RadiationOccupancy

MOST_SPEEDS = 16
"""Speeds kept of one occupancy: a vehicle that stands in the beams must not fill memory."""

_SAMPLES = frozenset({"gamma", "gamma_alarm", "neutron", "neutron_alarm"})


@dataclass(frozen=True, slots=True)
class PortalSaid:
    """What a line says. `occupied`: whether a vehicle is in the portal after it. `occupancy`: the one that it ends."""

    told: Told
    occupied: bool
    occupancy: RadiationOccupancy | None = None


@dataclass(slots=True)
class _Occupancy:
    """Samples so far, summed up: it stays small however long a truck stands."""

    gamma_per_second: int
    gamma_background: tuple[int, ...]
    gamma_alarm: bool = False
    neutron_alarm: bool = False
    gamma_samples: int = 0
    neutron_samples: int = 0
    max_gamma_1s_sum: int | None = None
    max_neutron: int | None = None
    speeds: list[Decimal] = field(default_factory=list)
    _recent: deque[int] = field(default_factory=deque)

    def add(self, sample: Counts) -> None:
        """One sample of the device. Its own letters say what is an alarm; counts are never judged here."""
        total = sum(sample.counts)
        if sample.means in {"gamma", "gamma_alarm"}:
            self.gamma_samples += 1
            self.gamma_alarm = self.gamma_alarm or sample.means == "gamma_alarm"
            self._recent.append(total)
            if len(self._recent) > self.gamma_per_second:
                self._recent.popleft()
            if len(self._recent) == self.gamma_per_second:
                self.max_gamma_1s_sum = max(self.max_gamma_1s_sum or 0, sum(self._recent))
        else:
            self.neutron_samples += 1
            self.neutron_alarm = self.neutron_alarm or sample.means == "neutron_alarm"
            self.max_neutron = max(self.max_neutron or 0, total)

    @property
    def seen(self) -> bool:
        """Whether anything was measured: a speed alone is no occupancy."""
        return bool(self.gamma_samples or self.neutron_samples)

    def close(self, end: End | None) -> RadiationOccupancy:
        """What it was; `end` is the portal's own word, None when it was not heard."""
        return RadiationOccupancy(
            number=end.number if end else None,
            gamma_alarm=self.gamma_alarm,
            neutron_alarm=self.neutron_alarm,
            gamma_samples=self.gamma_samples,
            neutron_samples=self.neutron_samples,
            max_gamma_1s_sum=self.max_gamma_1s_sum,
            max_neutron=self.max_neutron,
            neutron_background=end.neutron_background if end else None,
            gamma_background=self.gamma_background,
            speeds_kph=tuple(self.speeds),
            complete=end is not None,
        )


class RadiationDriver:
    """Reads one portal as its profile says.

    An occupancy begins with the first sample, or the speed in front of it, and ends with the portal's own message. If
    that is lost, the next background ends it: a portal measures background only while nobody is in it.
    """

    def __init__(self, profile: RadiationProfile) -> None:
        self._parser = PortalParser(profile.codes)
        self._gamma_per_second = profile.sample.gamma_per_second
        self._background: tuple[int, ...] = ()
        self._occupancy: _Occupancy | None = None

    def feed(self, chunk: bytes) -> list[Heard[PortalSaid] | Garbled]:
        """What these bytes complete, in the order of the stream."""
        return [self._heard(item) if isinstance(item, PortalLine) else item for item in self._parser.feed(chunk)]

    def flush(self) -> list[Heard[PortalSaid] | Garbled]:
        """The rest of a line. An occupancy goes on: it may be a truck that stands."""
        return [self._heard(item) if isinstance(item, PortalLine) else item for item in self._parser.flush()]

    def interrupt(self) -> RadiationOccupancy | None:
        """The input ended or the link broke: what is known of the occupancy under way, incomplete."""
        return self._closed(None)

    def _heard(self, line: PortalLine) -> Heard[PortalSaid]:
        occupancy = self._take(line.told)
        return Heard(line.offset, line.raw, PortalSaid(line.told, self._occupancy is not None, occupancy))

    def _take(self, told: Told) -> RadiationOccupancy | None:
        if isinstance(told, End):
            return self._closed(told)
        if isinstance(told, Speed):
            speeds = self._under_way().speeds
            if len(speeds) < MOST_SPEEDS:
                speeds.append(told.kph)
        elif isinstance(told, Counts):
            if told.means in _SAMPLES:
                self._under_way().add(told)
            elif not told.means.startswith("tamper"):
                closed = self._closed(None)
                if told.means == "gamma_background":
                    self._background = told.counts
                return closed
        return None

    def _under_way(self) -> _Occupancy:
        if self._occupancy is None:
            self._occupancy = _Occupancy(self._gamma_per_second, self._background)
        return self._occupancy

    def _closed(self, end: End | None) -> RadiationOccupancy | None:
        occupancy, self._occupancy = self._occupancy, None
        if occupancy is None or not (occupancy.seen or end):
            return None
        return occupancy.close(end)
