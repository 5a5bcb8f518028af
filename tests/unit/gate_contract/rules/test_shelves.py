"""A shelf finds what comparing with every open booking finds."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from gate_contract.rules import Policy
from gate_contract.rules import shelves as module
from gate_contract.rules.shelves import HOUR, SCAN_UP_TO, Crossing, Entry, Opening, Shelf
from tests.unit.gate_contract.rules.builders import NOON

OPENING = Opening.of(Crossing("", 0, NOON), Policy.default())


def random_plates(count: int) -> list[str]:
    chance = random.Random(7)
    return ["琼" + chance.choice("AB") + "".join(chance.choices("0123456789AB", k=5)) for _ in range(count)]


def entries(plates: list[str]) -> list[Entry]:
    """Of every kind of time, a third of those with one not open."""
    chance = random.Random(9)
    hours = (-30, 0, 400)
    return [(chance.randrange(3), NOON + chance.choice(hours) * HOUR, at, each) for at, each in enumerate(plates)]


def is_open(entry: Entry) -> bool:
    return entry[0] == 2 or entry[1] < NOON + 36 * HOUR


def within(some: list[Entry], text: str, edits: int, opening: Opening | None) -> list[tuple[str, int]]:
    """By comparing with each."""
    asked = [each for each in some if opening is None or is_open(each)]
    return sorted((plate, at) for _kind, _time, at, plate in asked if Levenshtein.distance(text, plate) <= edits)


def test_the_neighbourhood_table_finds_what_comparing_with_every_open_plate_finds() -> None:
    some = entries(random_plates(3 * SCAN_UP_TO))
    shelf = Shelf(some)
    assert shelf.count(OPENING) > SCAN_UP_TO, "or else the table is not asked"
    chance = random.Random(8)
    for _ in range(40):
        text = list(chance.choice(some)[3])
        for _edit in range(chance.randrange(3)):
            at = chance.randrange(len(text))
            text[at : at + chance.randrange(2)] = chance.choice(["", "7", "Z", "B3"])
        read = "".join(text)
        for edits in (0, 1, 2):
            for opening in (None, OPENING):
                assert sorted(shelf.near(read, edits, opening)) == within(some, read, edits, opening)


@given(st.lists(st.text("琼A01", max_size=12), max_size=8), st.text("琼A01", max_size=12))
def test_a_few_plates_are_simply_compared(plates: list[str], read: str) -> None:
    some = entries(plates)
    short = [each for each in some if 0 < len(each[3]) <= 10]
    assert sorted(Shelf(some).near(read, 2, OPENING)) == (
        within(short, read, 2, OPENING) if 0 < len(read) <= 10 else []
    )
    assert Shelf(some).count(OPENING) == sum(map(is_open, some))


def test_a_text_longer_than_any_plate_has_no_neighbours_and_costs_nothing() -> None:
    plates = [*random_plates(SCAN_UP_TO + 1), "9" * 1000]
    assert Shelf((0, NOON, at, each) for at, each in enumerate(plates)).near("9" * 1000, 2, OPENING) == []


def test_bookings_of_other_days_are_not_read_whatever_their_plates(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def extract(text: str, choices: list[str], **options: Any) -> Any:
        compared.append(len(choices))
        return process.extract(text, choices, **options)

    read, near = "琼A12345", [f"琼A{number}" for number in range(12_000, 13_000)]
    other_days = [(0, NOON + (100 + at) * HOUR, at, plate) for at, plate in enumerate(near * 3)]
    today = [(0, NOON, 4_000 + at, f"琼B{at:05}") for at in range(SCAN_UP_TO + 1)]
    shelf = Shelf([*other_days, *today, (0, NOON, 9_999, "琼A12346")])
    monkeypatch.setattr(module, "process", SimpleNamespace(extract=extract))
    assert shelf.near(read, 2, OPENING) == [("琼A12346", 9_999)]
    assert compared.pop() < 40
    assert len(shelf.near(read, 2, None)) > 500
    assert compared.pop() > 500
