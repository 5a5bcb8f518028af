"""A passage: one vehicle going through one lane once, with the readings that belong to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from edge_agent.model.moment import Moment
from edge_agent.model.observation import Observation
from edge_agent.model.readings import PlateSeen, StableWeight

Direction = Literal["inbound", "outbound"]
LaneKind = Literal["vehicle", "empty-container", "passenger", "observation"]


class OpenedBy(Enum):
    """What opened a passage."""

    WEIGHT = "weight"
    PLATE = "plate"
    TRIGGER = "trigger"
    CONTAINER = "container"
    DOCUMENT = "document"
    OTHER = "other"


class ClosedBy(Enum):
    """Why its readings were taken as final."""

    COMPLETE = "complete"
    GRACE_EXPIRED = "grace-expired"
    DEPARTED = "departed"
    SUPERSEDED = "superseded"
    BACKED_OUT = "backed-out"


@dataclass(frozen=True, slots=True)
class Missing:
    """A reading that the lane is equipped for and the passage lacks; `kind` is a ReadingKind."""

    device_id: str
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Passage:
    """As recorded. `late_…` hold the positions of readings that came after the decision.

    `readings`: everything but plates and weights, in order of arrival.
    A later revision repeats the whole passage; `revision_reason` says why it exists ("" for the first).
    """

    passage_id: str
    revision: int
    lane_id: str
    direction: Direction | None
    opened: Moment
    decided: Moment
    opened_by: OpenedBy
    closed_by: ClosedBy
    plates: tuple[PlateSeen, ...]
    weighings: tuple[StableWeight, ...]
    missing: tuple[Missing, ...]
    late_plates: frozenset[int] = frozenset()
    late_weighings: frozenset[int] = frozenset()
    revision_reason: str = ""
    lane_kind: LaneKind = "vehicle"
    readings: tuple[Observation, ...] = ()
    late_readings: frozenset[int] = frozenset()
