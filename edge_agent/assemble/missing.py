"""What a passage lacks, and why: the word for the officer and the technician. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from edge_agent.assemble.state import LaneSettings, LaneState
from edge_agent.assemble.vehicles import has, is_broken_off
from edge_agent.model.observation import ReadingKind
from edge_agent.model.passage import ClosedBy, Missing, OpenedBy, Passage

NOT_CAME: dict[ReadingKind, str] = {
    "plate": "no camera event came",
    "axles": "no axles were weighed",
    "container": "no container number was read",
    "scan": "the scanner told no scan",
    "radiation": "the portal told no occupancy",
    "document": "no document was read",
    "face": "no face was checked",
    "seal": "nobody looked at a seal",
    "input": "the input did not change",
    "distance": "the distance sensor told no change",
}


def missing_of(
    passage: Passage, state: LaneState, settings: LaneSettings, needs: Iterable[ReadingKind], closed_by: ClosedBy
) -> tuple[Missing, ...]:
    """What of `needs` is not there; a device that is at fault is named, with its fault."""
    found: list[Missing] = []
    for kind in needs:
        if has(passage, kind):
            continue
        devices = settings.devices_for(kind)
        faulty = [device for device in devices if state.fault_of(device)]
        reason = _why(passage, state, kind, closed_by)
        if faulty:
            reason = f"{reason}; {state.fault_of(faulty[0])}"
        found.append(Missing((faulty or list(devices) or [""])[0], kind, reason))
    return tuple(found)


def _why(passage: Passage, state: LaneState, kind: ReadingKind, closed_by: ClosedBy) -> str:
    if closed_by is ClosedBy.BACKED_OUT:
        return "the vehicle went back the way it came"
    if kind == "weight":
        return _why_no_weight(state, closed_by)
    if kind == "plate" and passage.plates:
        return "the camera saw a vehicle and could not read its plate"
    if any(reading.kind == kind and is_broken_off(reading) for reading in passage.readings):
        return "the portal fell silent while the vehicle was in it"
    if kind == "document" and state.behind and passage.opened_by is not OpenedBy.DOCUMENT:
        return "followed another person closely and showed no document"
    return NOT_CAME[kind]


def _why_no_weight(state: LaneState, closed_by: ClosedBy) -> str:
    if not state.on_scale:
        return "the vehicle was read by the camera and never drove onto the scale"
    if closed_by is ClosedBy.DEPARTED:
        return "the vehicle left before the weight stood still"
    return "the weight did not stand still in time"
