"""Every tolerance of the rule book with its bounds and its default, by the code of its rule."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

STRICT: Final = ConfigDict(extra="forbid", frozen=True)


def _number(value: object) -> object:
    """TOML numbers only: a quoted number or a boolean is a slip that must not pass."""
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return value
    raise ValueError("must be a number, without quotes")


Kilograms = Annotated[Decimal, BeforeValidator(_number), Field(decimal_places=3)]
Percent = Annotated[Decimal, BeforeValidator(_number), Field(decimal_places=3)]
Yuan = Annotated[Decimal, BeforeValidator(_number), Field(decimal_places=2)]
Whole = Annotated[int, Field(strict=True)]
Chapter = Annotated[int, Field(strict=True, ge=1, le=99)]

_CHAPTERS: Final[dict[str, tuple[int, ...]]] = {
    "empty": (),
    "meat": (2,),
    "fish": (3,),
    "vegetables": (7,),
    "fruit": (8,),
    "beverages": (22,),
    "tobacco": (24,),
    "chemicals": (28, 29, 38),
    "medicines": (30,),
    "cosmetics": (33,),
    "plastics": (39,),
    "wood": (44,),
    "paper": (47, 48, 49),
    "textiles": tuple(range(50, 64)),
    "footwear": (64,),
    "ceramics": (69,),
    "glass": (70,),
    "metal": tuple(range(72, 84)),
    "machinery": (84,),
    "electronics": (85,),
    "vehicles": (87,),
    "furniture": (94,),
    "toys": (95,),
}


class BookingPolicy(BaseModel):
    """Which declarations are bookings that a passage may be matched with; hours."""

    model_config = STRICT

    departure_window_hours: Whole = Field(default=36, ge=1, le=168)
    lodged_before_hours: Whole = Field(default=168, ge=1, le=2160)
    lodged_after_hours: Whole = Field(default=36, ge=1, le=168)


class PlatePolicy(BaseModel):
    """Plate against booking (V01): edits, and open bookings up to which a near plate is no chance."""

    model_config = STRICT

    match_within: Whole = Field(default=2, ge=1, le=2)
    few_bookings: Whole = Field(default=10, ge=0, le=1000)


class WeightPolicy(BaseModel):
    """Measured against declared mass (W01, W03); uncertainties are standard uncertainties, k = 1."""

    model_config = STRICT

    share_of_declared_percent: Percent = Field(default=Decimal(5), ge=Decimal("0.1"), le=20)
    most_kilograms: Kilograms = Field(default=Decimal(1000), ge=50, le=5000)
    person_kilograms: Kilograms = Field(default=Decimal(75), ge=50, le=150)
    tare_uncertainty_kilograms: Kilograms = Field(default=Decimal(60), ge=0, le=500)
    fuel_uncertainty_kilograms: Kilograms = Field(default=Decimal(70), ge=0, le=500)


class MassLimitPolicy(BaseModel):
    """Legal mass by the number of axles (W02): GB 1589-2016, table 3, the most of any vehicle with so many."""

    model_config = STRICT

    two_axles_kilograms: Kilograms = Field(default=Decimal(18000), ge=10000, le=60000)
    three_axles_kilograms: Kilograms = Field(default=Decimal(27000), ge=10000, le=60000)
    four_axles_kilograms: Kilograms = Field(default=Decimal(36000), ge=10000, le=60000)
    five_axles_kilograms: Kilograms = Field(default=Decimal(43000), ge=10000, le=60000)
    six_axles_kilograms: Kilograms = Field(default=Decimal(49000), ge=10000, le=60000)


class VerifiedMassPolicy(BaseModel):
    """Measured against verified gross mass (W05)."""

    model_config = STRICT

    share_of_verified_percent: Percent = Field(default=Decimal(5), ge=Decimal("0.1"), le=20)
    most_kilograms: Kilograms = Field(default=Decimal(1000), ge=50, le=5000)


class LoadPolicy(BaseModel):
    """Loaded or empty by its weight (C05, C06): how many standard uncertainties above its tare."""

    model_config = STRICT

    times_uncertainty: Whole = Field(default=3, ge=1, le=6)


class TravelPolicy(BaseModel):
    """One plate or document at two sites (V04, P05): the shortest time between any two, minutes."""

    model_config = STRICT

    shortest_travel_minutes: Whole = Field(default=10, ge=1, le=1440)


class VisitPolicy(BaseModel):
    """Two passages the same way (V05, D06): up to which time apart they are one visit, minutes."""

    model_config = STRICT

    same_visit_minutes: Whole = Field(default=5, ge=0, le=120)
    lanes_in_series_minutes: Whole = Field(default=30, ge=0, le=720)


class ScanPolicy(BaseModel):
    """Scan against goods (X01, C05, C06): HS chapters by the scanner's class; none: the class of an empty container."""

    model_config = STRICT

    least_confidence_percent: Whole = Field(default=50, ge=0, le=100)
    chapters: dict[str, tuple[Chapter, ...]] = Field(default_factory=lambda: dict(_CHAPTERS))


class ManifestPolicy(BaseModel):
    """Tickets (P01): whether a person looks at who boards while no manifest is known, 1 or 0."""

    model_config = STRICT

    ask_without_manifest: Whole = Field(default=1, ge=0, le=1)


class TriesPolicy(BaseModel):
    """Face against document (P02): tries before the staffed lane."""

    model_config = STRICT

    tries: Whole = Field(default=3, ge=1, le=10)


class HeadsPolicy(BaseModel):
    """Head count against tickets (P07): heads that the counter may be off."""

    model_config = STRICT

    heads_allowed: Whole = Field(default=0, ge=0, le=50)


class StayPolicy(BaseModel):
    """Days of stay (P08): which ways of counting are shown, 1 or 0 each."""

    model_config = STRICT

    full_days: Whole = Field(default=1, ge=0, le=1)
    both_ends: Whole = Field(default=1, ge=0, le=1)
    midnights: Whole = Field(default=1, ge=0, le=1)


class PaymentPolicy(BaseModel):
    """Paid against declared value (M01)."""

    model_config = STRICT

    share_of_declared_percent: Percent = Field(default=Decimal(2), ge=Decimal("0.1"), le=20)
    least_yuan: Yuan = Field(default=Decimal(1000), ge=0, le=1000000)


class ReleasePolicy(BaseModel):
    """Draws for inspection (R01): of ten thousand declarations of a credit class so many are drawn."""

    model_config = STRICT

    good_of_ten_thousand: Whole = Field(default=100, ge=0, le=10000)
    warned_of_ten_thousand: Whole = Field(default=2000, ge=0, le=10000)
    dishonest_of_ten_thousand: Whole = Field(default=5000, ge=0, le=10000)
    unknown_of_ten_thousand: Whole = Field(default=500, ge=0, le=10000)


class ShipPolicy(BaseModel):
    """A ship that AIS does not see (S01): from how long before departure it must be there, minutes."""

    model_config = STRICT

    here_before_departure_minutes: Whole = Field(default=30, ge=0, le=1440)


class ClockPolicy(BaseModel):
    """The gate's clock (K01): the error bound from which it is noted, seconds."""

    model_config = STRICT

    noted_seconds: Whole = Field(default=2, ge=1, le=60)


class UnseenPolicy(BaseModel):
    """Declared and not seen (D01); hours after departure."""

    model_config = STRICT

    grace_hours: Whole = Field(default=24, ge=1, le=720)


class ReferencePolicy(BaseModel):
    """The gate's copy of the declarations (K05); hours."""

    model_config = STRICT

    most_hours: Whole = Field(default=12, ge=1, le=168)
