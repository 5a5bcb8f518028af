"""Every reading but plates, weights and loops: containers, scans, radiation, documents, faces … Pure."""

from __future__ import annotations

from dataclasses import replace

from edge_agent.assemble.core import MAX_REVISIONS, OPENS, Core
from edge_agent.assemble.state import Advance, LaneState, OrphanReading
from edge_agent.assemble.vehicles import has, is_next, is_of_before, is_pair, is_word_again, names, seconds_after
from edge_agent.model.moment import Moment
from edge_agent.model.observation import Observation, ReadingKind
from edge_agent.model.passage import ClosedBy, Passage

NAMING: frozenset[ReadingKind] = frozenset({"container", "document", "face"})
"""Kinds that name whom they are of: said once more of a decided passage, they tell nothing."""


class Others:
    """What a lane does with the other devices' word."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def take(self, state: LaneState, reading: Observation, now: Moment) -> Advance:
        """A reading of any other kind."""
        for known in (self._told_again, self._late_for_before, self._of_nobody_known):
            if (done := known(state, reading, now)) is not None:
                return done
        if state.passage is None:
            return self._opening(state, reading, now)
        if reading.kind == "distance":
            noted = self._core.noted(state, reading, now)
            return noted.then(self._core.complete(noted.state, now))
        if is_next(state, state.passage, reading, self._core.settings.kind):
            return self._of_next(state, reading, now)
        return self._of_present(state, state.passage, reading, now)

    def _of_present(self, state: LaneState, passage: Passage, reading: Observation, now: Moment) -> Advance:
        if state.recorded and reading.kind in NAMING and reading.name and reading.name in names(passage, reading.kind):
            return _orphan(state, reading, f"a further read of a {reading.kind} of a passage that had been decided")
        if self._core.is_full(passage, reading.kind):
            return _orphan(state, reading, f"more readings of one {reading.kind} than a passage holds")
        if state.recorded:
            return self._core.late(state, reading, _came_late(reading), now)
        return self._core.complete(self._core.put(state, reading), now)

    def _opening(self, state: LaneState, reading: Observation, now: Moment) -> Advance:
        by = OPENS.get(reading.kind)
        if by is None or reading.kind == "distance":
            return _orphan(state, reading, "nobody was known to be in the lane")
        if is_word_again(state, reading.kind, reading.name, now):
            return _orphan(state, reading, f"a further read of a {reading.kind} of a passage that had been decided")
        left, settings = state.before_left, self._core.settings
        opened = self._core.opened(state, by, now)
        close = settings.kind == "passenger" and left is not None and now.seconds_since(left) <= settings.settle_s
        return self._core.complete(self._core.put(replace(opened, behind=close), reading), now)

    def _of_next(self, state: LaneState, reading: Observation, now: Moment) -> Advance:
        if self._core.is_here(state):
            return self._core.wait(state, reading)
        ended = self._core.record(state, ClosedBy.DEPARTED if state.left else ClosedBy.SUPERSEDED, now)
        freed = self._core.followed(ended, state.left or now, now)
        return freed.then(self.take(freed.state, reading, now))

    def _told_again(self, state: LaneState, reading: Observation, now: Moment) -> Advance | None:
        """A scan that was told before: this is the same reading, complete. It takes the first one's place."""
        if reading.kind != "scan":
            return None
        if (place := _place(state.passage, reading)) is not None:
            return self._completed(state, reading, place, now)
        if state.before is not None and (place := _place(state.before, reading)) is not None:
            position = place
            return self._core.for_before(state, lambda past: self._completed(past, reading, position, now))
        return None

    def _completed(self, state: LaneState, reading: Observation, place: int, now: Moment) -> Advance:
        if (passage := state.passage) is None:
            raise AssertionError("a scan that is told again needs the passage of the first")
        if passage.readings[place].message == reading.message or passage.revision >= MAX_REVISIONS:
            return _orphan(state, reading, "the scan had been told before")
        readings = (*passage.readings[:place], reading, *passage.readings[place + 1 :])
        changed = replace(passage, readings=readings)
        if not state.recorded:
            return Advance(replace(state, passage=changed))
        return self._core.revise(state, changed, "the scanner told more of a scan after the decision", now)

    def _late_for_before(self, state: LaneState, reading: Observation, now: Moment) -> Advance | None:
        before, left = state.before, state.before_left
        if before is None or left is None or now.seconds_since(left) > self._core.settings.late_s:
            return None
        if reading.kind == "distance" or not self._is_of_before(state, before, left, reading, now):
            return None
        if self._core.is_full(before, reading.kind):
            return _orphan(state, reading, f"more readings of one {reading.kind} than a passage holds")
        return self._core.for_before(state, lambda past: self._core.late(past, reading, _came_late(reading), now))

    def _of_nobody_known(self, state: LaneState, reading: Observation, now: Moment) -> Advance | None:
        """What a device told of a vehicle that left before the last one did. A picture may be of who only comes."""
        del now
        if state.before is None or reading.kind in NAMING or (seconds_after(state.before.opened, reading.at) or 0) >= 0:
            return None
        return _orphan(state, reading, "it is of an earlier vehicle, which is not remembered any more")

    def _is_of_before(self, state: LaneState, before: Passage, left: Moment, reading: Observation, now: Moment) -> bool:
        in_its_time = is_of_before(before, left, reading.at)
        lacks = not has(before, reading.kind)
        if state.passage is not None:
            # Somebody else is there: only what our clock gives to the one before. A picture may be of who came behind.
            earlier = (seconds_after(state.passage.opened, reading.at) or 0) < 0
            return in_its_time and earlier and (lacks or reading.kind not in NAMING)
        if not lacks:
            pair = [each for each in before.readings if each.kind == reading.kind == "container"]
            another = bool(pair) and reading.name not in names(before, "container") and is_pair(pair[0], reading)
            return in_its_time and (another or reading.kind not in NAMING)
        lacked = any(missing.kind == reading.kind for missing in before.missing)
        return (
            in_its_time
            or (bool(self._core.settings.loop_in) and lacked)
            or (now.seconds_since(left) <= self._core.settings.grace_s)
        )


def _place(passage: Passage | None, reading: Observation) -> int | None:
    """Where the passage holds the scan that this reading completes; None when it does not."""
    for place, known in enumerate(passage.readings if passage else ()):
        same = known.name == reading.name if reading.name else known.at == reading.at
        if known.kind == "scan" and known.device_id == reading.device_id and same:
            return place
    return None


def _came_late(reading: Observation) -> str:
    return f"the {reading.kind} came after the passage had been decided"


def _orphan(state: LaneState, reading: Observation, reason: str) -> Advance:
    return Advance(state, orphans=(OrphanReading(reading, reason),))
