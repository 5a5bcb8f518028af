"""What is on record besides this passage and its declarations, as the rules need it. Plain values; nobody is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from gate_contract.rules.stays import Crossing, Span


@dataclass(frozen=True, slots=True)
class Sighting:
    """Another passage of the same plate (V04, V05) or of the same document (P05). Only what passed a gate counts.

    Attributes:
        at_unix_ns: when, nanoseconds since 1970-01-01T00:00:00Z.
        bound_ns: how far that gate's clock may have been off, nanoseconds; None when it is not known.
        direction: a value of `passage_pb2.Direction`; 0 when not said.
        lane_id: of that site; "" when not known.
        travel_s: the shortest time from that site to this one, seconds; None: policy V04 says it.
    """

    passage_id: str
    site_id: str
    at_unix_ns: int
    bound_ns: int | None = None
    direction: int = 0
    travel_s: int | None = None
    lane_id: str = ""


@dataclass(frozen=True, slots=True)
class UsedRelease:
    """A passage that was let go on a declaration (D06)."""

    passage_id: str
    at_unix_ns: int


@dataclass(frozen=True, slots=True)
class QuantityLeft:
    """What a declaration still allows to pass of something, after all passages so far (D06)."""

    name: str
    left: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """Payments, duty and parties of one declaration (M01 to M03); None and "": not known.

    Attributes:
        paid: sum of its payments, in `currency` (ISO 4217).
        yuan_per_paid: exchange rate of the payment's currency.
        yuan_per_declared: exchange rate of the currency that the value is declared in.
        parties: by document ("order", "payment", "logistics"), an identifier that is the same for the same party.
        duty_due, duty_paid, guarantee_left: yuan.
    """

    paid: Decimal | None = None
    currency: str = "CNY"
    yuan_per_paid: Decimal | None = None
    yuan_per_declared: Decimal | None = None
    parties: Mapping[str, str] = field(default_factory=dict)
    duty_due: Decimal | None = None
    duty_paid: Decimal | None = None
    guarantee_left: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Sailing:
    """One sailing of the schedule (S01).

    Attributes:
        departure_unix_ns: nanoseconds since 1970-01-01T00:00:00Z; None when not known.
        cancelled: it will not sail.
        ship_here: whether AIS has the ship at the port; None when AIS is not received, or the ship is not known.
    """

    departure_unix_ns: int | None = None
    cancelled: bool = False
    ship_here: bool | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """Who may board one sailing: tickets by the pseudonym of the document on that sailing, 32 bytes each."""

    sailing_id: str
    tickets: Mapping[bytes, str]


@dataclass(frozen=True, slots=True)
class StayRecord:
    """Crossings of one person, as far as they are known, and the period to count days in (P08)."""

    crossings: tuple[Crossing, ...]
    period: Span
    inside_before: bool | None = None
