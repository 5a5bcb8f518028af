"""What a device's data may come to: outcomes, and the readers that find them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from edge_agent.drivers.engine import Garbled
from edge_agent.model.lane_readings import DeviceReading
from edge_agent.model.moment import Moment

Data_contra = TypeVar("Data_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Understood:
    """A good message that makes no record. `shown`: what to show of it, "" for nothing new."""

    shown: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A reading that becomes a record, and the bytes that it was read from."""

    reading: DeviceReading
    raw: bytes
    shown: str


FaultSubject = Literal["gamma", "neutron", "tamper", "session", "wire"]
"""What of a device may be at fault by its own word; one fault each at a time."""


@dataclass(frozen=True, slots=True)
class Began:
    """The device itself tells a fault, or refuses what it is asked."""

    subject: FaultSubject
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """That fault is over; nothing if there was none."""

    subject: FaultSubject


@dataclass(frozen=True, slots=True)
class Reply:
    """Bytes for the device."""

    data: bytes


Outcome = Understood | Kept | Began | Ended | Reply | Garbled


class Reader(Protocol[Data_contra]):
    """A device's data in, outcomes out."""

    def take(self, data: Data_contra, now: Moment) -> Iterator[Outcome]:
        """What this data completes."""
        ...

    def pause(self, now: Moment) -> Iterator[Outcome]:
        """No data came for longer than any pause inside a message: what was held back."""
        ...

    def opened(self) -> None:
        """A new connection."""
        ...

    def closed(self, now: Moment) -> Iterator[Outcome]:
        """The connection is lost: what was held back, and what is known of a reading under way."""
        ...
