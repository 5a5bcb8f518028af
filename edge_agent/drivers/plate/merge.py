"""Several packets of one vehicle (new, update, lost; a candidate a frame) as one reading. Pure; time is an argument.

The best read counts: one with a plate before one without, then the higher confidence, then the plate that more packets
agree on. A vehicle is told when the camera says that it is gone, when no packet came for `settle_s`, or `longest_s`
after its first packet, because a truck may stand before the camera for minutes. What a camera says of it afterwards is
the same vehicle and is told again only if it is a better read with another plate: no plate is ever lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from edge_agent.drivers.plate.schema import TrackFacts
from edge_agent.model.moment import Moment
from edge_agent.model.readings import PlateSeen

MAX_VEHICLES = 32
"""At once; a camera sees a few. When one more comes, the one whose packets ended longest ago is told and forgotten."""

MAX_READS = 16
"""Different plates of one vehicle that are remembered; the weakest goes first."""

MAX_PICTURES = 16
FORGET_S = 60.0
"""Cameras repeat unanswered packets within a minute."""


@dataclass(frozen=True, slots=True)
class Read:
    """One plate that packets of a vehicle said, with the best of them."""

    seen: PlateSeen
    packets: int = 1


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle under way: what its packets said so far.

    `told` is the plate that was told, None when nothing was yet; `ids` are the packets since.
    """

    track: str
    first: PlateSeen
    opened: Moment
    last: Moment
    reads: tuple[Read, ...]
    told: PlateSeen | None = None

    @property
    def best(self) -> Read:
        """Its best read."""
        return max(self.reads, key=_worth)


@dataclass(frozen=True, slots=True)
class Merged:
    """One vehicle's reading. `others` are the reads that were not taken, the best first."""

    seen: PlateSeen
    packets: int
    others: tuple[Read, ...]


class VehicleMerger:
    """Packets in, vehicles out."""

    def __init__(self, facts: TrackFacts, under_way: Iterable[Vehicle] = ()) -> None:
        """`under_way` is what a merger before had in `vehicles`."""
        self._facts = facts
        self._last = frozenset(state.lower() for state in facts.last)
        self._vehicles = {vehicle.track: vehicle for vehicle in under_way}

    @property
    def vehicles(self) -> tuple[Vehicle, ...]:
        """All vehicles remembered."""
        return tuple(self._vehicles.values())

    def add(self, track: str, state: str, seen: PlateSeen, now: Moment) -> list[Merged]:
        """One packet; the vehicles that it completes."""
        done: list[Merged] = []
        known = self._vehicles.get(track)
        if known is None:
            done += self._make_room(now)
            vehicle = Vehicle(track, seen, now, now, (Read(seen),))
        elif known.told is not None and not _is_better_read(known.told, seen):
            vehicle = replace(known, last=now)
        elif known.told is not None:
            vehicle = Vehicle(track, seen, now, now, (Read(seen),))
        else:
            vehicle = replace(known, last=now, reads=_with(known.reads, seen))
        self._vehicles[track] = vehicle
        if state in self._last and vehicle.told is None:
            done.append(self._tell(vehicle))
        return done

    def is_news(self, track: str, seen: PlateSeen) -> bool:
        """Whether a packet says more than that its vehicle is still there: only then are its pictures worth keeping."""
        known = self._vehicles.get(track)
        if known is None:
            return True
        if known.told is not None:
            return _is_better_read(known.told, seen)
        same = next((read for read in known.reads if read.seen.text == seen.text), None)
        return same is None or _worth(Read(seen)) > _worth(replace(same, packets=1))

    @property
    def gist(self) -> tuple[object, ...]:
        """What must survive a crash: everything but how often and how lately the same was said."""
        return tuple(
            (each.track, each.first, each.told, tuple(read.seen for read in each.reads)) for each in self.vehicles
        )

    def tick(self, now: Moment) -> list[Merged]:
        """Time has passed: the vehicles that are complete by it."""
        done: list[Merged] = []
        for vehicle in self.vehicles:
            quiet = now.seconds_since(vehicle.last)
            if vehicle.told is None:
                if quiet >= self._facts.settle_s or now.seconds_since(vehicle.opened) >= self._facts.longest_s:
                    done.append(self._tell(vehicle))
            elif quiet >= FORGET_S:
                del self._vehicles[vehicle.track]
        return done

    def _tell(self, vehicle: Vehicle) -> Merged:
        best = vehicle.best
        pictures = list(best.seen.pictures)
        for read in vehicle.reads:
            pictures += [each for each in read.seen.pictures if each not in pictures]
        seen = replace(
            best.seen, at=vehicle.first.at, event_id=vehicle.first.event_id, pictures=tuple(pictures[:MAX_PICTURES])
        )
        self._vehicles[vehicle.track] = replace(vehicle, told=seen, reads=(best,))
        others = sorted((read for read in vehicle.reads if read is not best), key=_worth, reverse=True)
        return Merged(seen, sum(read.packets for read in vehicle.reads), tuple(others))

    def _make_room(self, now: Moment) -> list[Merged]:
        if len(self._vehicles) < MAX_VEHICLES:
            return []
        oldest = max(self.vehicles, key=lambda vehicle: now.seconds_since(vehicle.last))
        told = [] if oldest.told is not None else [self._tell(oldest)]
        del self._vehicles[oldest.track]
        return told


def _worth(read: Read) -> tuple[bool, float, int]:
    confidence = read.seen.confidence
    return bool(read.seen.text), -1.0 if confidence is None else confidence, read.packets


def _with(reads: tuple[Read, ...], seen: PlateSeen) -> tuple[Read, ...]:
    """The reads with one packet more."""
    for number, read in enumerate(reads):
        if read.seen.text == seen.text:
            better = seen if _worth(Read(seen)) > _worth(replace(read, packets=1)) else read.seen
            pictures = (*read.seen.pictures, *(each for each in seen.pictures if each not in read.seen.pictures))
            merged = Read(replace(better, pictures=pictures[:MAX_PICTURES]), read.packets + 1)
            return (*reads[:number], merged, *reads[number + 1 :])
    if len(reads) == MAX_READS:
        weakest = min(reads, key=_worth)
        reads = tuple(read for read in reads if read is not weakest)
    return (*reads, Read(seen))


def _is_better_read(told: PlateSeen, seen: PlateSeen) -> bool:
    return seen.text != told.text and _worth(Read(seen)) > _worth(Read(told))
