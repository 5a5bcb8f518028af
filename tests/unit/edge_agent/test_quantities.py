"""Quantities as an installer writes them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from edge_agent.quantities import mass_kilograms, time_seconds


@pytest.mark.parametrize(
    ("text", "kilograms"), [("20 kg", "20"), ("0.02t", "20.00"), ("500 g", "0.500"), (" 1.5 t ", "1500.0")]
)
def test_masses_are_exact_kilograms(text: str, kilograms: str) -> None:
    assert mass_kilograms(text) == Decimal(kilograms)


@pytest.mark.parametrize(
    ("text", "seconds"), [("3 s", 3), ("500 ms", 0.5), ("2 min", 120), ("1 h", 3600), ("2d", 172800)]
)
def test_times_are_seconds(text: str, seconds: float) -> None:
    assert time_seconds(text) == seconds


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("20 s", "'s' is no unit of a mass"),
        ("20", "has no unit"),
        (20, "in quotes"),
        ("-5 kg", "is not a mass"),
        ("", "is not a mass"),
        (None, "is not a mass"),
        ("20 KG", "'KG' is no unit"),
    ],
)
def test_what_is_no_mass_is_told_with_the_units_there_are(value: object, told: str) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        mass_kilograms(value)
    assert "kg, g, t" in str(caught.value)
