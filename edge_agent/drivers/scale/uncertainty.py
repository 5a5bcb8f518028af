"""How far a scale's reading may be off: maximum permissible errors and the standard uncertainty they give. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_UP, Context, Decimal
from typing import Literal

AccuracyClass = Literal["I", "II", "III", "IIII"]
"""OIML R76-1:2006, 3.1.1. Weighbridges are class III."""

MotionClass = Literal["0.2", "0.5", "1", "2", "5", "10"]
"""OIML R134-1:2006, 2.1.1: accuracy classes for vehicle mass, weighed in motion."""

AxleClass = Literal["A", "B", "C", "D", "E", "F"]
"""OIML R134-1:2006, 2.1.2: accuracy classes for the load of an axle or axle group, weighed in motion."""

_AXLE_PERCENT: dict[AxleClass, Decimal] = {
    "A": Decimal("0.5"),
    "B": Decimal(1),
    "C": Decimal("1.5"),
    "D": Decimal(2),
    "E": Decimal(4),
    "F": Decimal(8),
}
"""Error in service of a single axle's load in percent, twice that at verification (R134-1:2006, 2.2.1, table 2)."""

_STEPS: dict[AccuracyClass, tuple[int, int]] = {
    "I": (50_000, 200_000),
    "II": (5_000, 20_000),
    "III": (500, 2_000),
    "IIII": (50, 200),
}
"""Loads in e up to which the error at verification is 0.5 e, then 1 e; above: 1.5 e (R76-1:2006, 3.5.1, table 6)."""

_MINIMUM_LOAD: dict[AccuracyClass, int] = {"I": 100, "II": 20, "III": 20, "IIII": 10}
"""The least load that may be weighed, in e; of class II the smaller of its two (R76-1:2006, 3.2, table 3)."""

_EXACT = Context(prec=28)
_SHOWN = Context(prec=4, rounding=ROUND_UP)


def verification_error(load: Decimal, division: Decimal, accuracy_class: AccuracyClass = "III") -> Decimal:
    """The largest error that passes verification, in the unit of `load` and of the verification division e."""
    first, second = _STEPS[accuracy_class]
    divisions = abs(load) / division
    if divisions <= first:
        return division * Decimal("0.5")
    return division if divisions <= second else division * Decimal("1.5")


def in_service_error(load: Decimal, division: Decimal, accuracy_class: AccuracyClass = "III") -> Decimal:
    """The largest error allowed in use: twice that at verification (R76-1:2006, 3.5.2)."""
    return 2 * verification_error(load, division, accuracy_class)


def standard_uncertainty(load: Decimal, division: Decimal | None, accuracy_class: AccuracyClass = "III") -> Decimal:
    """Standard uncertainty (k = 1) of a weight, in the unit of `load`; four digits, rounded up.

    The error in service and the rounding to one division are taken as rectangular distributions (JCGM 100:2008,
    4.3.7): error/√3 and division/√12, root of the sum of squares.

    Without a division the worst case is all that is known: a class III scale may not weigh less than 20 e, where
    it may be off by 1 e, so 5 % of the load bounds the error of whatever may be weighed. Coarse: give the division.
    """
    if division is None:
        error, rounding = abs(load) / _MINIMUM_LOAD[accuracy_class], Decimal(0)
    else:
        error, rounding = in_service_error(load, division, accuracy_class), division
    return _rectangular(error, rounding)


def axle_by_axle_uncertainty(
    parts: Sequence[Decimal], division: Decimal | None, accuracy_class: AccuracyClass = "III"
) -> Decimal:
    """Standard uncertainty (k = 1) of a vehicle weighed standing, axle by axle; four digits, rounded up.

    The same scale weighs every part, and its error may be the same each time: the parts' uncertainties add up as they
    are, not as squares (full correlation, JCGM 100:2008, 5.2.2). What the ground's slope and the suspension shift from
    axle to axle is not in R76 and not in this.
    """
    each = (standard_uncertainty(part, division, accuracy_class) for part in parts)
    return _SHOWN.plus(sum(each, start=Decimal(0)))


def in_motion_uncertainty(
    load: Decimal, motion_class: MotionClass, *, division: Decimal | None = None, axles: int = 0
) -> Decimal:
    """Standard uncertainty (k = 1) of a vehicle's mass weighed in motion, in the unit of `load`; rounded up.

    A class is named after its error in service in percent of the mass, twice that at verification: class 5 is
    allowed 2.5 % when verified and 5 % in use. It is never less than two scale intervals for each axle (R134-1:2006,
    2.2.1). `division` is that interval, and `axles` how many were weighed; without them only the percentage is known.
    """
    error = abs(load) * Decimal(motion_class) / 100
    interval = division or Decimal(0)
    return _rectangular(max(error, 2 * interval * axles), interval)


def axle_load_uncertainty(load: Decimal, axle_class: AxleClass, *, division: Decimal | None = None) -> Decimal:
    """Standard uncertainty (k = 1) of one axle's load weighed in motion, in the unit of `load`; rounded up.

    Never less than two scale intervals in service (R134-1:2006, 2.2.1).
    """
    error = abs(load) * _AXLE_PERCENT[axle_class] / 100
    interval = division or Decimal(0)
    return _rectangular(max(error, 2 * interval), interval)


def _rectangular(error: Decimal, rounding: Decimal) -> Decimal:
    """Both as rectangular distributions: the error on either side, the rounding to one interval."""
    variance = _EXACT.add(_EXACT.divide(error * error, Decimal(3)), _EXACT.divide(rounding * rounding, Decimal(12)))
    return _SHOWN.plus(_EXACT.sqrt(variance))
