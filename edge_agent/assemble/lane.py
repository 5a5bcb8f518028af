"""A lane that stops whoever goes through it: (state, reading or the passing of time) -> (new state, passages). Pure.

How a passage goes:

* It **opens** when the scale rises to the lane's opening weight, when a loop is entered, or when something is read
  (a plate, a container, a document …), whichever is first.
* It is **complete** when everything the lane expects is there. Then it is recorded at once; the vehicle may still stand
  there.
* What is missing is waited for: for `grace_s` after the weight stood still, a stable weight for `settle_s`, on a lane
  without a weight `approach_s` in all. Then the passage is recorded with what is missing and why.
* A reading that comes later still is added, marked late, and the passage recorded again as the next revision; for
  `late_s` after the vehicle has left it can still find its passage. What loops and distance sensors say after the
  decision is told in one revision, once the vehicle has left.
* It **ends** when the scale falls to the clearing weight, or the exit loop is free again. What is read of the next
  vehicle while this one stands there waits for it.

Every reading ends in exactly one passage, or comes out as an orphan with the reason. Whatever the devices do, a passage
is decided within `LaneSettings.bound_s` of its opening; where the agent was away then, within `grace_s` of its return.
"""

from __future__ import annotations

from collections.abc import Callable

from edge_agent.assemble.core import Core, IsBooked, nobody_knows
from edge_agent.assemble.loops import Loops
from edge_agent.assemble.others import Others
from edge_agent.assemble.plates import Plates
from edge_agent.assemble.state import Advance, LaneSettings, LaneState
from edge_agent.assemble.weights import Weights
from edge_agent.model.moment import Moment
from edge_agent.model.observation import LaneReading, Observation
from edge_agent.model.passage import ClosedBy, Passage
from edge_agent.model.readings import DeviceEvent, PlateSeen, StableWeight, WeightSample

SILENT_SCALE_S = 60.0
"""A recorded vehicle on a scale that says nothing for so long is taken to have left."""


class GateLane:
    """The steps of one vehicle, empty-container or passenger lane. Holds no state itself: it goes in and comes out."""

    def __init__(
        self, settings: LaneSettings, new_passage_id: Callable[[Moment], str], is_booked: IsBooked = nobody_knows
    ) -> None:
        """`new_passage_id` names a passage that opens at the moment; no two names may be equal, ever."""
        self._settings = settings
        self._core = Core(settings, new_passage_id, is_booked)
        self._weights, self._plates = Weights(self._core), Plates(self._core)
        self._loops, self._others = Loops(self._core), Others(self._core)

    def advance(self, state: LaneState, reading: LaneReading | None, now: Moment) -> Advance:
        """One reading, or (None) the passing of time up to `now`."""
        match reading:
            case None:
                return self._tick(state, now)
            case WeightSample():
                return self._weights.sampled(state, reading.weight.kilograms, now)
            case StableWeight():
                return self._weights.stable(state, reading, now)
            case PlateSeen():
                return self._plates.take(state, reading, now)
            case Observation():
                return (self._loops if self._loops.is_trigger(reading) else self._others).take(state, reading, now)
            case DeviceEvent():
                return Advance(state.told_of(reading))

    def _tick(self, state: LaneState, now: Moment) -> Advance:
        back = None if state.resumed is None else now.seconds_since(state.resumed)
        if state.passage is None or (back is not None and back < self._settings.grace_s):
            return Advance(state)  # after the agent was away, first hear what the devices say
        if state.recorded:
            return self._tick_of_decided(state, state.passage, now)
        core, settings = self._core, self._settings
        if state.left is not None:
            if now.seconds_since(state.left) < settings.grace_s:
                return Advance(state)
            ended = core.record(state, ClosedBy.DEPARTED, now)
            return ended if core.awaits_exit(state) and state.on_scale else core.followed(ended, state.left, now)
        since, limit = state.passage.opened, settings.settle_s if state.on_scale else settings.approach_s
        if state.settled is not None:
            since, limit = state.settled, settings.grace_s
        if now.seconds_since(since) < limit:
            return Advance(state)
        ended = core.record(state, ClosedBy.GRACE_EXPIRED, now)
        return ended if core.is_here(state) else core.followed(ended, now, now)

    def _tick_of_decided(self, state: LaneState, passage: Passage, now: Moment) -> Advance:
        """Whether whoever was decided is still there."""
        core, settings = self._core, self._settings
        if state.left is not None:
            gone = not core.awaits_exit(state) or now.seconds_since(state.left) >= settings.approach_s
            return core.followed(Advance(state), state.left, now) if gone else Advance(state)
        since, limit = state.seen or passage.decided, SILENT_SCALE_S
        if state.on_scale and state.resumed is not None and state.resumed.seconds_since(since) > 0:
            since = state.resumed  # before, nobody listened
        if not state.on_scale:
            limit = settings.stand_s if core.is_here(state) else settings.approach_s
        gone = now.seconds_since(since) > limit
        return core.followed(Advance(state), now, now) if gone else Advance(state)
