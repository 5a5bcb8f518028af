"""Plates: of the vehicle at the gate, of the one before, or of the next one. Pure."""

from __future__ import annotations

from edge_agent.assemble.core import Core
from edge_agent.assemble.state import Advance, LaneState, OrphanReading
from edge_agent.assemble.vehicles import (
    corrects,
    entered_behind,
    is_next_plate,
    is_word_again,
    plate_read,
    taken_of,
    tells_more,
)
from edge_agent.model.moment import Moment
from edge_agent.model.passage import ClosedBy, OpenedBy, Passage
from edge_agent.model.readings import PlateSeen

CAME_LATE = "the plate came after the passage had been decided"
READ_SURER = "the plate was read otherwise, and surer, after the passage had been decided"


class Plates:
    """What a lane does with its cameras' word."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def take(self, state: LaneState, plate: PlateSeen, now: Moment) -> Advance:
        """A plate was read, or a vehicle seen and its plate not read."""
        if (late := self._late_for_before(state, plate, now)) is not None:
            return late
        if state.passage is None:
            return self._opening(state, plate, now)
        if is_next_plate(state, state.passage, plate, self._core.is_booked):
            return self._of_next(state, plate, now)
        return self._of_present(state, state.passage, plate, now)

    def _of_present(self, state: LaneState, passage: Passage, plate: PlateSeen, now: Moment) -> Advance:
        more = tells_more(passage, plate)
        if not state.recorded and (more or not self._core.is_full(passage, "plate")):
            return self._core.complete(self._core.put(state, plate), now)
        watched = self._core.has_loop(state, self._core.settings.loop_in) and state.entered
        alone = watched and entered_behind(state) is None
        if more or (state.recorded and self._corrects(passage, plate, alone=alone)):
            return self._core.late(state, plate, CAME_LATE if more else READ_SURER, now)
        reason = f"a further read of a vehicle that had been {'decided' if state.recorded else 'read often enough'}"
        return _orphan(state, plate, reason)

    def _opening(self, state: LaneState, plate: PlateSeen, now: Moment) -> Advance:
        if is_word_again(state, "plate", plate.text, now):
            if state.before is not None and self._corrects(state.before, plate):
                return self._core.for_before(state, lambda past: self._core.late(past, plate, READ_SURER, now))
            return _orphan(state, plate, "a further read of a vehicle that had been decided")
        opened = self._core.opened(state, OpenedBy.PLATE, now)
        return self._core.complete(self._core.put(opened, plate), now)

    def _of_next(self, state: LaneState, plate: PlateSeen, now: Moment) -> Advance:
        if self._core.is_here(state):
            return self._core.wait(state, plate)
        ended = self._core.record(state, ClosedBy.DEPARTED if state.left else ClosedBy.SUPERSEDED, now)
        freed = self._core.followed(ended, state.left or now, now)
        return freed.then(self.take(freed.state, plate, now))

    def _late_for_before(self, state: LaneState, plate: PlateSeen, now: Moment) -> Advance | None:
        before, left = state.before, state.before_left
        if before is None or left is None or not plate.text:
            return None
        reason = READ_SURER if plate_read(before) else CAME_LATE
        if plate_read(before) and not self._corrects(before, plate):
            return None
        if now.seconds_since(left) > self._core.settings.late_s or not taken_of(before, left, state.passage, plate):
            return None
        return self._core.for_before(state, lambda past: self._core.late(past, plate, reason, now))

    def _corrects(self, passage: Passage, plate: PlateSeen, *, alone: bool = False) -> bool:
        return corrects(passage, plate, alone=alone) and not self._core.is_full(passage, "plate")


def _orphan(state: LaneState, plate: PlateSeen, reason: str) -> Advance:
    return Advance(state, orphans=(OrphanReading(plate, reason),))
