"""Weights: they open a vehicle lane's passages, complete them, and tell when the vehicle has left. Pure."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from edge_agent.assemble.core import MAX_READINGS, Core
from edge_agent.assemble.state import Advance, LaneState
from edge_agent.model.moment import Moment
from edge_agent.model.observation_wire import axles_weighed
from edge_agent.model.passage import ClosedBy, OpenedBy, Passage
from edge_agent.model.readings import StableWeight

UNWATCHED_S = 2.0
"""After so long a silence of the scale (cable out, agent down) another vehicle may stand there."""


class Weights:
    """What a lane does with its scale's word."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def sampled(self, state: LaneState, kilograms: Decimal, now: Moment) -> Advance:
        """A weight as it comes, standing still or not."""
        settings = self._core.settings
        if kilograms >= settings.open_kilograms:
            return self._loaded(state, now)
        if kilograms <= settings.clear_kilograms and state.passage is not None and state.on_scale:
            return self._cleared(state, now)
        return Advance(heard(state, now) if state.passage else state)

    def stable(self, state: LaneState, weight: StableWeight, now: Moment) -> Advance:
        """A weight that stands still."""
        if weight.kilograms < self._core.settings.open_kilograms:
            return Advance(state)  # the empty scale stands still, too
        begun = self._loaded(state, now)
        if _is_another(begun.state, weight):
            return begun.then(self._changed(begun.state, weight, now))
        return begun.then(self._weighed(replace(begun.state, unwatched=False), weight, now))

    def _weighed(self, state: LaneState, weight: StableWeight, now: Moment) -> Advance:
        passage = state.passage
        if passage is None:  # _loaded leaves none empty
            return Advance(state)
        if state.recorded:
            return self._weighed_again(state, passage, weight, now)
        passage = self._with_axles(state, passage, weight)
        earlier = passage.weighings[: MAX_READINGS - 1]  # the last one counts
        weighed = replace(passage, weighings=(*earlier, weight))
        return self._core.complete(replace(state, passage=weighed, settled=state.settled or now), now)

    def _weighed_again(self, state: LaneState, passage: Passage, weight: StableWeight, now: Moment) -> Advance:
        """After the decision."""
        moved = weight.goes_on or _moved(passage.weighings, weight)
        if len(passage.weighings) >= MAX_READINGS or not moved:
            return Advance(state)
        changed = replace(
            self._with_axles(state, passage, weight),
            weighings=(*passage.weighings, weight),
            late_weighings=passage.late_weighings | {len(passage.weighings)},
        )
        again = "a further group of axles was weighed" if weight.goes_on else "the weight stood still again"
        reason = f"{again}, at {weight.kilograms:f} kg, after the passage had been decided"
        return self._core.revise(state, changed, reason, now)

    def _with_axles(self, state: LaneState, passage: Passage, weight: StableWeight) -> Passage:
        """The passage with the axles that were told together with its weight."""
        if not weight.axles or self._core.is_full(passage, "axles"):
            return passage
        return self._core.put(state, axles_weighed(weight, self._core.settings.lane_id)).passage or passage

    def _loaded(self, state: LaneState, now: Moment) -> Advance:
        if state.passage is None:
            opened = self._core.opened(state, OpenedBy.WEIGHT, now)
            return Advance(replace(opened, on_scale=True, seen=now))
        if state.left is not None:
            # The next vehicle is on the scale while the one before still waited for its plate, or for the exit loop.
            ended = self._core.record(state, ClosedBy.DEPARTED, now)
            freed = self._core.followed(ended, state.left, now)
            return freed.then(self._loaded(freed.state, now))
        state = heard(state, now)
        return Advance(state if state.on_scale else replace(state, on_scale=True))

    def _cleared(self, state: LaneState, now: Moment) -> Advance:
        if not state.recorded or self._core.awaits_exit(state):
            return Advance(replace(state, left=state.left or now, seen=now))
        # If nobody watched it leave, it may have left long ago: then only a plate of that time is its own.
        unseen = state.seen is not None and heard(state, now).unwatched
        left = state.seen if unseen and state.seen is not None else now
        return self._core.followed(Advance(state), left, now)

    def _changed(self, state: LaneState, weight: StableWeight, now: Moment) -> Advance:
        """Unseen, the vehicle has left and another one stands there with this weight.

        When it left is not known, so that no late plate finds it: a plate on a wrong weight is worse than none.
        """
        ended = self._core.record(state, ClosedBy.DEPARTED, now)
        freed = self._core.followed(ended, now, now)
        freed = replace(freed, state=replace(freed.state, before=None, before_left=None))
        return freed.then(self.stable(freed.state, weight, now))


def heard(state: LaneState, now: Moment) -> LaneState:
    """The scale was heard, perhaps after a silence in which the vehicle on it may have changed."""
    silent = state.on_scale and state.seen is not None and now.seconds_since(state.seen) > UNWATCHED_S
    return replace(state, seen=now, unwatched=state.unwatched or silent)


def _is_another(state: LaneState, weight: StableWeight) -> bool:
    """Whether the weight is of another vehicle than the one that was weighed before the scale was not heard."""
    passage = state.passage
    if weight.goes_on:
        return False
    return state.unwatched and passage is not None and bool(passage.weighings) and _moved(passage.weighings, weight)


def _moved(weighings: tuple[StableWeight, ...], weight: StableWeight) -> bool:
    """Whether the vehicle stands with another weight than before, by more than three divisions (or 1 %)."""
    if not weighings:
        return True
    last = weighings[-1].kilograms
    allowed = max(3 * (weight.division_kilograms or Decimal(0)), last / 100)
    return abs(weight.kilograms - last) > allowed
