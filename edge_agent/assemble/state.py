"""What a vehicle lane is told, what it remembers between readings, and what each step gives. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from edge_agent.model.moment import Moment
from edge_agent.model.passage import Direction, Passage
from edge_agent.model.readings import PlateSeen


@dataclass(frozen=True, slots=True)
class LaneSettings:
    """One vehicle lane as the site file describes it.

    Attributes:
        scales: device ids; empty when the lane has none.
        cameras: plate camera device ids; empty when the lane has none.
        open_kilograms: a load from here on is a vehicle.
        clear_kilograms: a load down to here is none.
        grace_s: how long a plate may come after the weight stood still.
        settle_s: how long a weight may take to stand still.
        approach_s: how long a vehicle may take from the camera onto the scale.
        late_s: how long after a vehicle has left a plate can still find its passage.
    """

    lane_id: str
    direction: Direction | None
    scales: tuple[str, ...]
    cameras: tuple[str, ...]
    open_kilograms: Decimal
    clear_kilograms: Decimal
    grace_s: float
    settle_s: float
    approach_s: float
    late_s: float


@dataclass(frozen=True, slots=True)
class LaneState:
    """What a lane remembers between readings.

    Attributes:
        passage: the passage at the gate; None when the lane is empty. Its `closed_by` counts only once `recorded`.
        recorded: it has been recorded (and stands there still).
        on_scale: its vehicle has been on the scale.
        settled: when the weight first stood still.
        left: when the scale fell to the clearing weight before the passage was recorded.
        seen: last moment the scale was heard while the passage was there.
        unwatched: the scale was not heard for a while with the vehicle on it: another one may stand there now.
        before: the passage before, for plates that come late.
        before_left: when its vehicle left.
        queued: plates of the next vehicles.
    """

    passage: Passage | None = None
    recorded: bool = False
    on_scale: bool = False
    settled: Moment | None = None
    left: Moment | None = None
    seen: Moment | None = None
    unwatched: bool = False
    before: Passage | None = None
    before_left: Moment | None = None
    queued: tuple[PlateSeen, ...] = ()


@dataclass(frozen=True, slots=True)
class OrphanReading:
    """A plate that belongs to no passage."""

    plate: PlateSeen
    reason: str


@dataclass(frozen=True, slots=True)
class Advance:
    """What one step gives: the new state, passages to record (in order), readings that found none."""

    state: LaneState
    passages: tuple[Passage, ...] = ()
    orphans: tuple[OrphanReading, ...] = ()
