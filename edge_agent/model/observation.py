"""What any device but scale and plate camera reads of a passage: the message that is recorded, and what it is about.

A lane looks at little of a reading (what kind it is, whose number or person it names); the rest is the rule book's
business. So the message goes through a lane as it came, and the record holds it unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, Reading

ReadingKind = Literal[
    "weight",
    "plate",
    "axles",
    "container",
    "scan",
    "radiation",
    "document",
    "face",
    "seal",
    "input",
    "distance",
]
"""What a lane can be equipped to read."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One reading that belongs to a lane.

    Attributes:
        at: when its frame arrived, or its picture was captured.
        kind: never "weight" or "plate", which have their own types.
        name: what it names: a container's number, a scan, the pseudonym of a document or face, DEVICE/INPUT of an
            input, the device of a distance; "" when it names nothing.
        active: an input's or distance's state; whether a face was matched, or the end of an occupancy told; else None.
        initial: the first state of an input after a start; no edge was seen.
        message: the serialised gate_contract.v1.Reading.
    """

    device_id: str
    at: Moment
    kind: ReadingKind
    name: str
    active: bool | None
    initial: bool
    message: bytes


LaneReading = Reading | Observation | DeviceEvent
"""What a lane is told: readings, and what becomes of the devices that give them."""
