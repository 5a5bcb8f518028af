"""A point where vehicles are only seen: each plate is a passage, recorded at once; nobody is stopped. Pure.

The same vehicle read again within `late_s` of its last read belongs to the same passage: the further reads are told in
one revision, once it has not been read for so long. A vehicle that was seen and not read is a passage of its own, for
nothing says that it is the same as another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edge_agent.assemble.core import MAX_READINGS, Core
from edge_agent.assemble.state import Advance, LaneSettings, LaneState, OrphanReading, RecentVehicle
from edge_agent.assemble.vehicles import is_same_plate
from edge_agent.model.moment import Moment
from edge_agent.model.observation import LaneReading, Observation
from edge_agent.model.passage import ClosedBy, OpenedBy
from edge_agent.model.readings import DeviceEvent, PlateSeen

MAX_RECENT = 16
"""Vehicles that may be read again; more do not stand in a camera's view."""


class ObservationPoint:
    """The steps of one observation point. Holds no state itself: the state goes in and comes out."""

    def __init__(self, settings: LaneSettings, new_passage_id: Callable[[Moment], str]) -> None:
        """`new_passage_id` names a passage that opens at the moment; no two names may be equal, ever."""
        self._settings = settings
        self._core = Core(settings, new_passage_id)

    def advance(self, state: LaneState, reading: LaneReading | None, now: Moment) -> Advance:
        """One reading, or (None) the passing of time up to `now`."""
        match reading:
            case None:
                return self._tick(state, now)
            case PlateSeen():
                return self._plate(state, reading, now)
            case Observation():
                return Advance(state, orphans=(OrphanReading(reading, "an observation point takes plates only"),))
            case DeviceEvent():
                return Advance(state.told_of(reading))
            case _:
                return Advance(state)

    def _plate(self, state: LaneState, plate: PlateSeen, now: Moment) -> Advance:
        ticked = self._tick(state, now)
        state = ticked.state
        known = next((each for each in reversed(state.recent) if plate.text and self._is_same(each, plate)), None)
        if known is not None:
            return ticked.then(self._again(state, known, plate, now))
        opened = self._core.put(self._core.opened(state, OpenedBy.PLATE, now), plate)
        told = self._core.record(opened, ClosedBy.COMPLETE if plate.text else ClosedBy.GRACE_EXPIRED, now)
        if not plate.text:
            return ticked.then(Advance(state, told.passages))  # nothing shows that it comes again
        crowded = replace(state, recent=(*state.recent, RecentVehicle(told.passages[0], now)))
        first = Advance(crowded, told.passages)
        if len(crowded.recent) > MAX_RECENT:
            first = first.then(self._forget(crowded, crowded.recent[0], now))
        return ticked.then(first)

    def _is_same(self, known: RecentVehicle, plate: PlateSeen) -> bool:
        """The same plate; or, from the same camera and within `grace_s`, one that a camera may take for it."""
        last = known.passage.plates[-1]
        if any(read.text == plate.text for read in known.passage.plates):
            return True
        soon = abs(plate.at.seconds_since(last.at)) <= self._settings.grace_s
        return soon and plate.device_id == last.device_id and is_same_plate(last.text, plate.text)

    def _again(self, state: LaneState, known: RecentVehicle, plate: PlateSeen, now: Moment) -> Advance:
        passage = known.passage
        # At the end: the one that was read last is forgotten last.
        others = tuple(each for each in state.recent if each is not known)
        if len(passage.plates) >= MAX_READINGS:
            orphan = OrphanReading(plate, "a further read of a vehicle read often enough")
            return Advance(replace(state, recent=(*others, replace(known, last=now))), orphans=(orphan,))
        late = passage.late_plates | {len(passage.plates)}
        longer = replace(passage, plates=(*passage.plates, plate), late_plates=late)
        return Advance(replace(state, recent=(*others, RecentVehicle(longer, now, unrecorded=True))))

    def _tick(self, state: LaneState, now: Moment) -> Advance:
        done = Advance(state)
        for each in state.recent:
            if now.seconds_since(each.last) >= self._settings.late_s:
                done = done.then(self._forget(done.state, each, now))
        return done

    def _forget(self, state: LaneState, known: RecentVehicle, now: Moment) -> Advance:
        rest = replace(state, recent=tuple(each for each in state.recent if each is not known))
        if not known.unrecorded:
            return Advance(rest)
        told = self._core.revise(rest, known.passage, "the vehicle was read again; its further reads were added", now)
        return Advance(rest, told.passages)
