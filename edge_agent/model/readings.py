"""What devices say, once understood. Raw bytes stay attached: a reading can always be shown with its source."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Literal

from edge_agent.model.moment import Moment

WeightUnit = Literal["kg", "g", "t", "lb"]
WeightKind = Literal["gross", "net"]

KILOGRAMS_PER_UNIT: dict[WeightUnit, Decimal] = {
    "kg": Decimal(1),
    "g": Decimal("0.001"),
    "t": Decimal(1000),
    "lb": Decimal("0.45359237"),  # exact: international yard and pound agreement, 1959
}


class Stability(Enum):
    """Who says that a weight stood still."""

    DEVICE = "device"
    INFERRED = "inferred"


@dataclass(frozen=True, slots=True)
class Weight:
    """One frame of a scale, understood.

    Attributes:
        value: exactly as the device resolved it (12.340 keeps its zero), in `unit`.
        kind: None when the device does not say.
        stable: the device's own motion bit; None when it has none.
        tare: in `unit`; None when not sent.
    """

    value: Decimal
    unit: WeightUnit
    kind: WeightKind | None
    stable: bool | None
    tare: Decimal | None
    raw: bytes

    @property
    def kilograms(self) -> Decimal:
        """The value in kilograms, exact."""
        return self.value * KILOGRAMS_PER_UNIT[self.unit]


@dataclass(frozen=True, slots=True)
class NoWeight:
    """A good frame that carries no weight: overload, underload, out of range.

    `state` is one of "overload", "underload", "invalid". Its digits must not be used.
    """

    state: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class WeightSample:
    """A weight with the device and moment it came from."""

    device_id: str
    at: Moment
    weight: Weight


@dataclass(frozen=True, slots=True)
class EvidenceRef:
    """A blob that is durable in the evidence store, named by its SHA-256.

    `not_kept`: why it is not there after all; "" when it is.
    """

    sha256: bytes
    size: int
    media_type: str
    role: str
    not_kept: str = ""


@dataclass(frozen=True, slots=True)
class StableWeight:
    """A weight on which the scale stood still.

    Attributes:
        samples: how many frames stood still, over `span_ms` milliseconds.
        uncertainty_kilograms: standard uncertainty (k = 1) of the scale at this load.
        division_kilograms: verification division e; None when the site file does not give it.
        curve: weights of the passage up to here, once stored as evidence.
        axles: kilograms of each, front first, that were told together with this weight, which is their sum.
        goes_on: it is the sum so far of a vehicle weighed in several groups of axles, and this group is not its first.
    """

    device_id: str
    at: Moment
    weight: Weight
    stability: Stability
    samples: int
    span_ms: int
    uncertainty_kilograms: Decimal
    division_kilograms: Decimal | None
    curve: EvidenceRef | None = None
    axles: tuple[Decimal, ...] = ()
    goes_on: bool = False

    @property
    def kilograms(self) -> Decimal:
        """The weight in kilograms, exact."""
        return self.weight.kilograms


@dataclass(frozen=True, slots=True)
class CharacterRead:
    """One character as a reader saw it: its probability 0..1, and others that it may have been, likeliest first."""

    text: str
    confidence: float
    alternatives: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class PlateSeen:
    """One event of a plate camera.

    Attributes:
        text: plate without separators or spaces, upper case; "" when a vehicle was seen and not read.
        confidence: 0 to 1; None when the camera does not say.
        direction: as the camera says ("forward", "reverse"); "" when it does not.
        camera_lane: the camera's own lane number; "" when it does not say.
        device_time: ISO 8601 as the camera wrote it; "" when it does not say.
        event_id: names the camera's message; equal for a repetition.
        characters: of `text`, in order; none when the camera does not say how sure it is of each.
    """

    device_id: str
    at: Moment
    text: str
    confidence: float | None
    direction: str
    camera_lane: str
    device_time: str
    event_id: str
    pictures: tuple[EvidenceRef, ...] = ()
    characters: tuple[CharacterRead, ...] = ()


Reading = WeightSample | StableWeight | PlateSeen


@dataclass(frozen=True, slots=True)
class GarbledBytes:
    """Bytes of a device that are no frame; a value, not an error."""

    device_id: str
    at: Moment
    raw: bytes
    reason: str


class DeviceState(Enum):
    """What a technician needs to know about a device, in the order of finding out."""

    STARTING = "starting"
    OK = "ok"
    UNPLUGGED = "unplugged"
    SILENT = "silent"
    BABBLING = "babbling"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class DeviceEvent:
    """A device changed its state: `state` with the cause and next step in `text`.

    UNPLUGGED: the port cannot be opened or vanished. SILENT: open, no bytes. BABBLING: bytes but no frames.
    UNREADABLE: frames but no reading.
    """

    device_id: str
    at: Moment
    state: DeviceState
    text: str
    attempts: int = 1
