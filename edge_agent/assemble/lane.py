"""A vehicle lane's passages: (state, reading or the passing of time) -> (new state, passages). Pure.

How a passage goes:

* It **opens** when the scale rises to the lane's opening weight, or when a camera reads a plate, whichever is first.
* It is **complete** when everything the lane is equipped for is there: a stable weight and a plate that was read.
  Then it is recorded at once; the vehicle may still stand there.
* What is missing is waited for: a plate for `grace_s` after the weight stood still, a stable weight for `settle_s`
  after the vehicle drove on. Then the passage is recorded with what is missing and why.
* A reading that comes later still is added, marked late, and the passage recorded again as the next revision; for
  `late_s` after the vehicle has left a plate can still find it.
* It **ends** when the scale falls to the clearing weight. A plate of the next vehicle, read while this one stands on
  the scale, waits for it.

Every reading ends in exactly one passage, or comes out as an orphan with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from rapidfuzz.distance import Levenshtein

from edge_agent.assemble.state import Advance, LaneSettings, LaneState, OrphanReading
from edge_agent.model.moment import SECOND, Moment
from edge_agent.model.passage import ClosedBy, Missing, OpenedBy, Passage
from edge_agent.model.readings import PlateSeen, Reading, StableWeight, WeightSample

MAX_QUEUED = 4
"""Plates of vehicles behind the one on the scale; more do not fit between a camera and its scale."""

MAX_READINGS = 16
"""Plates of one passage, and weighings: a camera or scale that never rests must not make a record without end."""

SAME_VEHICLE_EDITS = 2
"""Two reads of one camera that differ in at most so many characters are of one vehicle."""


SILENT_SCALE_S = 60.0
"""A recorded vehicle on a scale that says nothing for so long is taken to have left."""

SAME_CLOCK_S = 3600.0
"""A camera's time that is further from the passage it is held against is of a clock that was not set like ours."""

UNWATCHED_S = 2.0
"""After so long a silence of the scale (cable out, agent down) another vehicle may stand there."""


class VehicleLane:
    """The steps of one lane. Holds no state itself: the state goes in and comes out."""

    def __init__(self, settings: LaneSettings, new_passage_id: Callable[[Moment], str]) -> None:
        """`new_passage_id` names a passage that opens at the moment; no two names may be equal, ever."""
        self._settings = settings
        self._new_passage_id = new_passage_id

    def advance(self, state: LaneState, reading: Reading | None, now: Moment) -> Advance:
        """One reading, or (None) the passing of time up to `now`."""
        match reading:
            case None:
                return self._tick(state, now)
            case WeightSample():
                return self._weight(state, reading.weight.kilograms, now)
            case StableWeight():
                return self._stable(state, reading, now)
            case PlateSeen():
                return self._plate(state, reading, now)

    # --- weight --------------------------------------------------------------------------------------------------

    def _weight(self, state: LaneState, kilograms: Decimal, now: Moment) -> Advance:
        if kilograms >= self._settings.open_kilograms:
            return self._loaded(state, now)
        if kilograms <= self._settings.clear_kilograms and state.passage is not None and state.on_scale:
            return self._cleared(state, now)
        return Advance(_heard(state, now) if state.passage else state)

    def _loaded(self, state: LaneState, now: Moment) -> Advance:
        if state.passage is None:
            opened = self._opened(state, OpenedBy.WEIGHT, now)
            return Advance(replace(opened, on_scale=True, seen=now))
        if state.left is not None:
            # The next vehicle is on the scale while the one before still waited for its plate.
            ended = self._record(state, ClosedBy.DEPARTED, now)
            begun = self._loaded(self._emptied(ended.state, state.left), now)
            return Advance(begun.state, ended.passages + begun.passages)
        return Advance(replace(_heard(state, now), on_scale=True))

    def _cleared(self, state: LaneState, now: Moment) -> Advance:
        if state.recorded:
            # If nobody watched it leave, it may have left long ago: then only a plate of that time is its own.
            left = state.seen if state.seen and _heard(state, now).unwatched else now
            return self._next_in_queue(self._emptied(state, left), now)
        return Advance(replace(state, left=state.left or now, seen=now))

    def _stable(self, state: LaneState, weight: StableWeight, now: Moment) -> Advance:
        if weight.kilograms < self._settings.open_kilograms:
            return Advance(state)  # the empty scale stands still, too
        begun = self._loaded(state, now)
        if _is_another(begun.state, weight):
            other = self._changed(begun.state, weight, now)
            return Advance(other.state, begun.passages + other.passages)
        state = replace(begun.state, unwatched=False)
        passage = state.passage
        if passage is None:  # _loaded leaves none empty
            return begun
        if not state.recorded:
            earlier = passage.weighings[: MAX_READINGS - 1]  # the last one counts
            state = replace(
                state,
                passage=replace(passage, weighings=(*earlier, weight)),
                settled=state.settled or now,
            )
            done = self._record_if_complete(state, now)
        elif len(passage.weighings) < MAX_READINGS and _moved(passage.weighings, weight):
            changed = replace(
                passage,
                weighings=(*passage.weighings, weight),
                late_weighings=passage.late_weighings | {len(passage.weighings)},
            )
            reason = f"the weight stood still again, at {weight.kilograms:f} kg, after the passage had been decided"
            done = self._revise(state, changed, reason, now)
        else:
            done = Advance(state)
        return Advance(done.state, begun.passages + done.passages)

    def _changed(self, state: LaneState, weight: StableWeight, now: Moment) -> Advance:
        """Unseen, the vehicle has left and another one stands there with this weight.

        When it left is not known, so that no late plate finds it: a plate on a wrong weight is worse than none.
        """
        ended = self._record(state, ClosedBy.DEPARTED, now)
        freed = self._next_in_queue(LaneState(queued=ended.state.queued), now)
        begun = self._stable(freed.state, weight, now)
        return Advance(begun.state, ended.passages + freed.passages + begun.passages)

    # --- plates --------------------------------------------------------------------------------------------------

    def _plate(self, state: LaneState, plate: PlateSeen, now: Moment) -> Advance:
        if (late := self._late_for_before(state, plate, now)) is not None:
            return late
        if state.passage is None:
            opened = self._opened(state, OpenedBy.PLATE, now)
            return self._record_if_complete(self._with_plate(opened, plate), now)
        if self._is_next_vehicle(state, state.passage, plate):
            return self._plate_of_next(state, plate, now)
        tells_more = plate.text and not _read(state.passage)
        if not state.recorded and (tells_more or len(state.passage.plates) < MAX_READINGS):
            return self._record_if_complete(self._with_plate(state, plate), now)
        if tells_more:
            return self._late_plate(state, plate, now)
        reason = f"a further read of a vehicle that had been {'decided' if state.recorded else 'read often enough'}"
        return Advance(state, orphans=(OrphanReading(plate, reason),))

    def _is_next_vehicle(self, state: LaneState, passage: Passage, plate: PlateSeen) -> bool:
        """The same camera sees quite another plate (or the vehicle has left): another vehicle."""
        texts = [read.text for read in passage.plates if read.text and read.device_id == plate.device_id]
        if not plate.text:
            return False
        if not texts:
            return (state.left is not None and bool(_read(passage))) or (state.recorded and state.unwatched)
        return all(Levenshtein.distance(text, plate.text) > SAME_VEHICLE_EDITS for text in texts)

    def _plate_of_next(self, state: LaneState, plate: PlateSeen, now: Moment) -> Advance:
        if state.on_scale and state.left is None:
            if len(state.queued) >= MAX_QUEUED:
                return Advance(state, orphans=(OrphanReading(plate, "more plates than vehicles fit before the scale"),))
            return Advance(replace(state, queued=(*state.queued, plate)))
        ended = self._record(state, ClosedBy.DEPARTED if state.left else ClosedBy.SUPERSEDED, now)
        freed = self._followed(ended, state.left or now, now)
        begun = self._plate(freed.state, plate, now)
        return Advance(begun.state, freed.passages + begun.passages, begun.orphans)

    def _late_for_before(self, state: LaneState, plate: PlateSeen, now: Moment) -> Advance | None:
        before, left = state.before, state.before_left
        if before is None or left is None or _read(before) or not plate.text:
            return None
        if now.seconds_since(left) > self._settings.late_s or not _taken_of(before, left, state.passage, plate):
            return None
        found = self._late_plate(replace(state, passage=before, recorded=True), plate, now)
        return replace(found, state=replace(state, before=found.state.passage))

    def _late_plate(self, state: LaneState, plate: PlateSeen, now: Moment) -> Advance:
        passage = state.passage
        if passage is None:
            raise AssertionError("a late plate needs the passage it is late for")
        changed = replace(
            passage,
            plates=(*passage.plates, plate),
            late_plates=passage.late_plates | {len(passage.plates)},
            missing=tuple(missing for missing in passage.missing if missing.kind != "plate"),
        )
        return self._revise(state, changed, "the plate came after the passage had been decided", now)

    # --- time ----------------------------------------------------------------------------------------------------

    def _tick(self, state: LaneState, now: Moment) -> Advance:
        settings, passage = self._settings, state.passage
        if passage is None:
            return Advance(state)
        if state.recorded:
            silent = state.seen is None or now.seconds_since(state.seen) > SILENT_SCALE_S
            return self._next_in_queue(self._emptied(state, now), now) if silent else Advance(state)
        if state.left is not None:
            if now.seconds_since(state.left) < settings.grace_s:
                return Advance(state)
            return self._followed(self._record(state, ClosedBy.DEPARTED, now), state.left, now)
        since, limit = passage.opened, settings.settle_s if state.on_scale else settings.approach_s
        if state.settled is not None:
            since, limit = state.settled, settings.grace_s
        if now.seconds_since(since) < limit:
            return Advance(state)
        ended = self._record(state, ClosedBy.GRACE_EXPIRED, now)
        return ended if state.on_scale else self._followed(ended, now, now)

    # --- pieces --------------------------------------------------------------------------------------------------

    def _opened(self, state: LaneState, by: OpenedBy, now: Moment) -> LaneState:
        passage = Passage(
            passage_id=self._new_passage_id(now),
            revision=0,
            lane_id=self._settings.lane_id,
            direction=self._settings.direction,
            opened=now,
            decided=now,
            opened_by=by,
            closed_by=ClosedBy.COMPLETE,
            plates=(),
            weighings=(),
            missing=(),
        )
        return LaneState(passage=passage, before=state.before, before_left=state.before_left, queued=state.queued)

    def _with_plate(self, state: LaneState, plate: PlateSeen) -> LaneState:
        passage = state.passage
        return replace(state, passage=passage and replace(passage, plates=(*passage.plates, plate)))

    def _record_if_complete(self, state: LaneState, now: Moment) -> Advance:
        passage, settings = state.passage, self._settings
        if passage is None or (settings.scales and not passage.weighings) or (settings.cameras and not _read(passage)):
            return Advance(state)
        recorded = self._record(state, ClosedBy.COMPLETE, now)
        # Without a scale nothing will say that the vehicle has left: the lane is free at once.
        return recorded if settings.scales else replace(recorded, state=self._emptied(recorded.state, now))

    def _record(self, state: LaneState, closed_by: ClosedBy, now: Moment) -> Advance:
        passage = state.passage
        if passage is None or state.recorded:
            return Advance(state)
        final = replace(
            passage, revision=1, decided=now, closed_by=closed_by, missing=self._missing(passage, state, closed_by)
        )
        return Advance(replace(state, passage=final, recorded=True), (final,))

    def _revise(self, state: LaneState, changed: Passage, reason: str, now: Moment) -> Advance:
        final = replace(changed, revision=changed.revision + 1, decided=now, revision_reason=reason)
        final = replace(final, missing=tuple(m for m in final.missing if not (m.kind == "weight" and final.weighings)))
        return Advance(replace(state, passage=final), (final,))

    def _missing(self, passage: Passage, state: LaneState, closed_by: ClosedBy) -> tuple[Missing, ...]:
        found: list[Missing] = []
        if self._settings.scales and not passage.weighings:
            found.append(Missing(self._settings.scales[0], "weight", _why_no_weight(state, closed_by)))
        if self._settings.cameras and not _read(passage):
            why = "the camera saw a vehicle and could not read its plate" if passage.plates else "no camera event came"
            found.append(Missing(self._settings.cameras[0], "plate", why))
        return tuple(found)

    def _emptied(self, state: LaneState, left: Moment) -> LaneState:
        return LaneState(before=state.passage or state.before, before_left=left, queued=state.queued)

    def _followed(self, ended: Advance, left: Moment, now: Moment) -> Advance:
        """The lane is free; whoever waits is next."""
        begun = self._next_in_queue(self._emptied(ended.state, left), now)
        return Advance(begun.state, ended.passages + begun.passages)

    def _next_in_queue(self, state: LaneState, now: Moment) -> Advance:
        if not state.queued:
            return Advance(state)
        first = state.queued[0]
        # A camera that reads one vehicle twice has queued it twice.
        same = tuple(p for p in state.queued if Levenshtein.distance(p.text, first.text) <= SAME_VEHICLE_EDITS)
        rest = tuple(p for p in state.queued if p not in same)
        opened = self._opened(replace(state, queued=rest), OpenedBy.PLATE, now)
        for plate in same:
            opened = self._with_plate(opened, plate)
        return self._record_if_complete(opened, now)


def _taken_of(before: Passage, left: Moment, present: Passage | None, plate: PlateSeen) -> bool:
    """Whether the camera's own time says that it saw the vehicle that has left, not the one that is there now.

    That time lies before its leaving, and nearer to its coming than to the other's. Without a time, or one without its
    zone, or one that is of another day than the passage (one of the two clocks is wrong), nothing is known: then the
    plate is the next vehicle's.
    """
    try:
        taken = datetime.fromisoformat(plate.device_time)
    except ValueError:
        return False
    # Cameras write whole seconds: allow one.
    if taken.tzinfo is None or taken.timestamp() > left.wall / SECOND + 1:
        return False
    if _apart(before.opened, taken) > SAME_CLOCK_S:
        return False
    return present is None or _apart(before.opened, taken) < _apart(present.opened, taken)


def _apart(moment: Moment, taken: datetime) -> float:
    return abs(moment.wall / SECOND - taken.timestamp())


def _why_no_weight(state: LaneState, closed_by: ClosedBy) -> str:
    if not state.on_scale:
        return "the vehicle was read by the camera and never drove onto the scale"
    if closed_by is ClosedBy.DEPARTED:
        return "the vehicle left before the weight stood still"
    return "the weight did not stand still in time"


def _read(passage: Passage) -> str:
    """A plate of the passage that was read; "" when none was."""
    return next((plate.text for plate in passage.plates if plate.text), "")


def _heard(state: LaneState, now: Moment) -> LaneState:
    """The scale was heard, perhaps after a silence in which the vehicle on it may have changed."""
    silent = state.on_scale and state.seen is not None and now.seconds_since(state.seen) > UNWATCHED_S
    return replace(state, seen=now, unwatched=state.unwatched or silent)


def _is_another(state: LaneState, weight: StableWeight) -> bool:
    """Whether the weight is of another vehicle than the one that was weighed before the scale was not heard."""
    passage = state.passage
    return state.unwatched and passage is not None and bool(passage.weighings) and _moved(passage.weighings, weight)


def _moved(weighings: tuple[StableWeight, ...], weight: StableWeight) -> bool:
    """Whether the vehicle stands with another weight than before, by more than three divisions (or 1 %)."""
    if not weighings:
        return True
    last = weighings[-1].kilograms
    allowed = max(3 * (weight.division_kilograms or Decimal(0)), last / 100)
    return abs(weight.kilograms - last) > allowed
