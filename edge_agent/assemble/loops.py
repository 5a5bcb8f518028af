"""Loops and light curtains: who comes, who leaves, who follows, who goes back. Pure.

The entry loop opens a passage. When it goes again before the exit loop went, somebody follows, or whoever is there goes
back. Which of both, the order tells:

* with a scale: the scale is empty, the exit loop did not go, and the entry loop is free again: it went back;
* without: it was over the exit, the exit is free again while the entry was taken all along, and then that is free, too.

Everything else is somebody who follows: a passage too many is looked at by a person, one too few by nobody.
"""

from __future__ import annotations

from dataclasses import replace

from edge_agent.assemble.core import Core
from edge_agent.assemble.state import Advance, LaneState, OrphanReading
from edge_agent.model.moment import Moment
from edge_agent.model.observation import Observation
from edge_agent.model.passage import ClosedBy, OpenedBy


class Loops:
    """What a lane does with its triggers' word."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def is_trigger(self, reading: Observation) -> bool:
        """Whether this is one of the lane's loops."""
        settings = self._core.settings
        return bool(reading.name) and reading.name in (settings.loop_in, settings.loop_out)

    def take(self, state: LaneState, reading: Observation, now: Moment) -> Advance:
        """A loop became taken or free."""
        if reading.name == self._core.settings.loop_in:
            gone = self._core.weighs(state) and not self._core.is_here(state) and state.left is None
            state = replace(state, in_active=bool(reading.active))
            if reading.active:
                return self._entry_taken(state, reading, now, gone=gone)
            return self._entry_free(state, reading, now)
        state = replace(state, out_active=bool(reading.active))
        return self._exit_taken(state, reading, now) if reading.active else self._exit_free(state, reading, now)

    def _entry_taken(self, state: LaneState, reading: Observation, now: Moment, *, gone: bool) -> Advance:
        """`gone`: the one before left the entry loop and never came to the scale."""
        if state.passage is None:
            opened = replace(self._core.opened(state, OpenedBy.TRIGGER, now), entered=True, seen=now)
            return self._core.complete(self._core.put(opened, reading), now)
        if reading.initial:
            return self._core.noted(state, reading, now)  # no edge was seen: it may be the one that is there
        if not state.entered and not state.on_scale:
            return self._core.noted(replace(state, entered=True), reading, now)
        if gone:
            ended = self._core.followed(self._core.record(state, ClosedBy.SUPERSEDED, now), now, now)
            return ended.then(self._entry_taken(ended.state, reading, now, gone=False))
        return self._core.wait(replace(state, again=True), reading)

    def _entry_free(self, state: LaneState, reading: Observation, now: Moment) -> Advance:
        if state.passage is None:
            return Advance(state, orphans=(OrphanReading(reading, _nobody(reading)),))
        if state.turned:
            noted = self._core.noted(state, reading, now)
            return noted.then(self._core.backed_out(noted.state, now))
        if state.again and not reading.initial:
            waiting = self._core.wait(state, reading)
            alone = all(isinstance(each, Observation) and self.is_trigger(each) for each in state.queued)
            if waiting.orphans or not (alone and state.left is not None and not state.exited):
                return waiting
            return self._core.backed_out(waiting.state, now)
        noted = self._core.noted(state, reading, now)
        if state.recorded and not (self._core.settings.loop_out or self._core.settings.scales):
            # It was known to be there only by this loop.
            return noted.then(self._core.followed(Advance(noted.state), now, now))
        return noted

    def _exit_taken(self, state: LaneState, reading: Observation, now: Moment) -> Advance:
        if state.passage is None:
            if reading.initial or self._core.settings.kind != "passenger":
                return Advance(state, orphans=(OrphanReading(reading, _nobody(reading)),))
            # Somebody walks out who was never seen to come: a person has to look.
            opened = self._core.opened(state, OpenedBy.TRIGGER, now)
            state = replace(opened, behind=True)
        return self._core.noted(replace(state, exited=True, turned=False), reading, now)

    def _exit_free(self, state: LaneState, reading: Observation, now: Moment) -> Advance:
        if state.passage is None:
            return Advance(state, orphans=(OrphanReading(reading, _nobody(reading)),))
        noted = self._core.noted(state, reading, now)
        state = noted.state
        if not state.exited:
            return noted
        if state.on_scale and state.left is None:
            # Its front was over the exit, and it stands on the scale still: it rolled back.
            return replace(noted, state=replace(state, exited=False))
        if not state.on_scale and state.in_active and state.entered and not state.again:
            return replace(noted, state=replace(state, turned=True))
        state = replace(state, left=state.left or now)
        if not state.recorded:
            return replace(noted, state=state)
        return noted.then(self._core.followed(Advance(state), now, now))


def _nobody(reading: Observation) -> str:
    if reading.initial:
        return "the loop's state when it was first heard"
    return "nobody was known to be in the lane"
