"""What every step of a lane is made of: passages are opened, filled, recorded, revised, and make room. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edge_agent.assemble.missing import missing_of
from edge_agent.assemble.state import Advance, LaneSettings, LaneState, OrphanReading
from edge_agent.assemble.vehicles import TRIGGERS, has, joined
from edge_agent.model.moment import Moment
from edge_agent.model.observation import Observation, ReadingKind
from edge_agent.model.passage import ClosedBy, OpenedBy, Passage
from edge_agent.model.readings import PlateSeen

MAX_QUEUED = 4
"""Plates of vehicles behind the one at the gate; more do not fit between a camera and its scale."""

MAX_WAITING = 32
"""Readings of every kind that wait for those vehicles."""

MAX_READINGS = 16
"""Readings of one kind in one passage: a camera or scale that never rests must not make a record without end."""

MAX_REVISIONS = 64
"""Of one passage; a scanner that tells one scan over and over must not make records without end."""

OPENS: dict[ReadingKind, OpenedBy] = {
    "plate": OpenedBy.PLATE,
    "axles": OpenedBy.WEIGHT,
    "container": OpenedBy.CONTAINER,
    "document": OpenedBy.DOCUMENT,
    "input": OpenedBy.TRIGGER,
    "distance": OpenedBy.TRIGGER,
    "scan": OpenedBy.OTHER,
    "radiation": OpenedBy.OTHER,
    "face": OpenedBy.OTHER,
}
"""What a passage is opened by. A seal opens none: it is looked at on a vehicle that is there."""

IsBooked = Callable[[str], bool]
"""Whether a plate is declared letter for letter, as far as is known here and now."""


def nobody_knows(_plate: str) -> bool:
    """Where there are no declarations."""
    return False


def kind_of(reading: PlateSeen | Observation) -> ReadingKind:
    """What kind of reading it is."""
    return "plate" if isinstance(reading, PlateSeen) else reading.kind


class Core:
    """The pieces, for one lane."""

    def __init__(
        self, settings: LaneSettings, new_passage_id: Callable[[Moment], str], is_booked: IsBooked = nobody_knows
    ) -> None:
        """`new_passage_id` names a passage that opens at the moment; no two names may be equal, ever."""
        self.settings, self.is_booked = settings, is_booked
        self._needs = settings.needs
        self._new_passage_id = new_passage_id

    # --- where the vehicle is ------------------------------------------------------------------------------------

    def has_loop(self, state: LaneState, loop: str) -> bool:
        """Whether the lane has this loop and its device works."""
        return bool(loop) and not state.fault_of(loop.partition("/")[0])

    def is_here(self, state: LaneState) -> bool:
        """Whether the vehicle is known to stand at the gate: on the scale, or between the loops.

        With a scale that works, whoever is off the entry loop and never was on the scale has gone back.
        """
        if state.left is not None or state.on_scale:
            return state.left is None
        if not self.has_loop(state, self.settings.loop_out):
            return False
        if self.weighs(state):
            return state.entered and state.in_active
        return state.entered or not self.settings.loop_in

    def weighs(self, state: LaneState) -> bool:
        """Whether the lane has a scale that works."""
        return any(not state.fault_of(scale) for scale in self.settings.scales)

    def awaits_exit(self, state: LaneState) -> bool:
        """Whether the loops will still tell where a vehicle went that is off the scale."""
        if state.again and state.in_active and not state.exited:
            return True
        return self.has_loop(state, self.settings.loop_out) and (not state.exited or state.out_active)

    # --- filling -------------------------------------------------------------------------------------------------

    def opened(self, state: LaneState, by: OpenedBy, now: Moment) -> LaneState:
        """A new passage."""
        passage = Passage(
            passage_id=self._new_passage_id(now),
            revision=0,
            lane_id=self.settings.lane_id,
            direction=self.settings.direction,
            opened=now,
            decided=now,
            opened_by=by,
            closed_by=ClosedBy.COMPLETE,
            plates=(),
            weighings=(),
            missing=(),
            lane_kind=self.settings.kind,
        )
        return replace(_without_passage(state), passage=passage)

    def is_full(self, passage: Passage, kind: ReadingKind) -> bool:
        """Whether the passage holds as many readings of this kind as one may."""
        if kind == "plate":
            return len(passage.plates) >= MAX_READINGS
        return sum(reading.kind == kind for reading in passage.readings) >= MAX_READINGS

    def put(self, state: LaneState, reading: PlateSeen | Observation) -> LaneState:
        """A reading into the passage that is there; marked late once that has been recorded."""
        if (passage := state.passage) is None:
            raise AssertionError("a reading needs the passage that it is put into")
        if isinstance(reading, PlateSeen):
            late = {len(passage.plates)} if state.recorded else set()
            changed = replace(passage, plates=(*passage.plates, reading), late_plates=passage.late_plates | late)
        else:
            late = {len(passage.readings)} if state.recorded else set()
            changed = replace(
                passage, readings=(*passage.readings, reading), late_readings=passage.late_readings | late
            )
        return replace(state, passage=changed)

    def noted(self, state: LaneState, reading: Observation, now: Moment) -> Advance:
        """A reading that decides nothing: of a decided passage it is told once the vehicle has left."""
        if state.passage is None:
            return _orphan(state, reading, "nobody was known to be in the lane")
        if self.is_full(state.passage, reading.kind):
            return _orphan(state, reading, f"more readings of one {reading.kind} than a passage holds")
        held = self.put(state, reading)
        # The scale's silence is not broken by another device.
        seen = state.seen if state.on_scale else now
        return Advance(replace(held, seen=seen, unrecorded=state.unrecorded or state.recorded))

    def late(self, state: LaneState, reading: PlateSeen | Observation, reason: str, now: Moment) -> Advance:
        """A reading for the passage that is there and has been recorded: its next revision."""
        if state.passage is not None and state.passage.revision >= MAX_REVISIONS:
            return _orphan(state, reading, "its passage was revised too often already")
        held = self.put(state, reading)
        if held.passage is None:
            raise AssertionError("put keeps the passage")
        return self.revise(held, held.passage, reason, now)

    def for_before(self, state: LaneState, step: Callable[[LaneState], Advance]) -> Advance:
        """A step taken by the passage before, which has been recorded; the one that is there now stays as it is."""
        found = step(replace(state, passage=state.before, recorded=True))
        return replace(found, state=replace(state, before=found.state.passage))

    # --- recording -----------------------------------------------------------------------------------------------

    def complete(self, state: LaneState, now: Moment) -> Advance:
        """Recorded, if all that the lane is equipped for is there and it has not been recorded."""
        passage = state.passage
        if passage is None or state.recorded or not all(has(passage, kind) for kind in self._needs):
            return Advance(state)
        recorded, settings = self.record(state, ClosedBy.COMPLETE, now), self.settings
        if settings.scales or settings.loop_out or state.in_active or (settings.loop_in and not state.entered):
            return recorded
        # Nothing will say that the vehicle has left: the lane is free at once.
        return self.followed(recorded, now, now)

    def record(self, state: LaneState, closed_by: ClosedBy, now: Moment) -> Advance:
        """The first revision, with what is missing; nothing when there was one."""
        if (passage := state.passage) is None or state.recorded:
            return Advance(state)
        missing = missing_of(passage, state, self.settings, self._needs, closed_by)
        final = replace(passage, revision=1, decided=now, closed_by=closed_by, missing=missing)
        return Advance(replace(state, passage=final, recorded=True), (final,))

    def revise(self, state: LaneState, changed: Passage, reason: str, now: Moment) -> Advance:
        """The next revision; it tells everything that was noted."""
        still = tuple(each for each in changed.missing if not has(changed, each.kind))
        final = replace(changed, revision=changed.revision + 1, decided=now, revision_reason=reason, missing=still)
        return Advance(replace(state, passage=final, unrecorded=False), (final,))

    # --- making room ---------------------------------------------------------------------------------------------

    def emptied(self, state: LaneState, left: Moment) -> LaneState:
        """The lane without its passage, which is the one before from now on."""
        return replace(_without_passage(state), before=state.passage or state.before, before_left=left)

    def followed(self, ended: Advance, left: Moment, now: Moment) -> Advance:
        """The vehicle has left: what was noted of it is told, and whoever waits is next."""
        state = ended.state
        if state.recorded and state.unrecorded and state.passage is not None:
            who = "person" if self.settings.kind == "passenger" else "vehicle"
            reason = f"the {who} has left; what was read after the decision has been added"
            told = self.revise(state, state.passage, reason, now)
            ended = Advance(told.state, ended.passages + told.passages, ended.orphans)
        return ended.then(self.next_in_queue(self.emptied(ended.state, left), now))

    def backed_out(self, state: LaneState, now: Moment) -> Advance:
        """The vehicle went back the way it came; what the entry loop said of that is its own. Whoever waits is next."""
        own = tuple(each for each in state.queued if isinstance(each, Observation) and each.kind in TRIGGERS)
        state = replace(state, queued=tuple(each for each in state.queued if each not in own))
        orphans: list[OrphanReading] = []
        for reading in own:
            noted = self.noted(state, reading, now)
            state, orphans = noted.state, [*orphans, *noted.orphans]
        if state.recorded and state.passage is not None:
            changed = replace(state.passage, closed_by=ClosedBy.BACKED_OUT)
            ended = self.revise(state, changed, "the vehicle went back the way it came", now)
        else:
            ended = self.record(state, ClosedBy.BACKED_OUT, now)
        return self.followed(Advance(ended.state, ended.passages, tuple(orphans)), now, now)

    def wait(self, state: LaneState, reading: PlateSeen | Observation) -> Advance:
        """A reading of the next vehicle, while this one is there."""
        plates = sum(isinstance(each, PlateSeen) for each in state.queued)
        if len(state.queued) >= MAX_WAITING or (isinstance(reading, PlateSeen) and plates >= MAX_QUEUED):
            kind = kind_of(reading)
            return _orphan(state, reading, f"more {kind}s than vehicles fit before the {self._here()}")
        return Advance(replace(state, queued=(*state.queued, reading)))

    def next_in_queue(self, state: LaneState, now: Moment) -> Advance:
        """Whoever waits for the empty lane has it now."""
        lost: list[OrphanReading] = []
        while state.queued and not _opens(state.queued[0]):
            lost.append(OrphanReading(state.queued[0], "it was read behind a vehicle that left, and nobody followed"))
            state = replace(state, queued=state.queued[1:])
        if not state.queued:
            return Advance(state, orphans=tuple(lost))
        group = joined(state.queued)
        rest = tuple(reading for reading in state.queued if not any(reading is taken for taken in group))
        opened = self.opened(replace(state, queued=rest), OPENS[kind_of(group[0])], now)
        opened = replace(opened, entered=any(kind_of(reading) in TRIGGERS for reading in group), behind=True, seen=now)
        for reading in group:
            opened = self.put(opened, reading)
        begun = self.complete(opened, now)
        return Advance(begun.state, begun.passages, (*lost, *begun.orphans))

    def _here(self) -> str:
        return "scale" if self.settings.scales else "gate"


def _opens(reading: PlateSeen | Observation) -> bool:
    return kind_of(reading) in OPENS and not (isinstance(reading, Observation) and reading.active is False)


def _orphan(state: LaneState, reading: PlateSeen | Observation, reason: str) -> Advance:
    return Advance(state, orphans=(OrphanReading(reading, reason),))


def _without_passage(state: LaneState) -> LaneState:
    """What the lane knows beside its passage."""
    return LaneState(
        before=state.before,
        before_left=state.before_left,
        queued=state.queued,
        in_active=state.in_active,
        out_active=state.out_active,
        faults=state.faults,
    )
