from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from gate_contract.rules import BookingIndex, Policy
from gate_contract.rules.bookings import SCAN_UP_TO, Crossing, PlateNeighbours, is_open, latest_versions
from gate_contract.v1 import declaration_pb2, passage_pb2
from tests.unit.gate_contract.rules.builders import HOUR, NOON, PLATE, a_declaration

POLICY = Policy.default()
HERE = Crossing("xiuying", passage_pb2.DIRECTION_INBOUND, NOON)


def random_plates(count: int) -> list[str]:
    chance = random.Random(7)
    return ["琼" + chance.choice("AB") + "".join(chance.choices("0123456789AB", k=5)) for _ in range(count)]


def test_the_neighbourhood_table_finds_what_comparing_with_every_plate_finds() -> None:
    plates = random_plates(SCAN_UP_TO + 500)
    neighbours = PlateNeighbours(plates)
    chance = random.Random(8)
    for _ in range(40):
        text = list(chance.choice(plates))
        for _edit in range(chance.randrange(3)):
            at = chance.randrange(len(text))
            text[at : at + chance.randrange(2)] = chance.choice(["", "7", "Z", "B3"])
        read = "".join(text)
        for edits in (0, 1, 2):
            expected = {plate for plate in plates if Levenshtein.distance(read, plate) <= edits}
            assert neighbours.within(read, edits) == sorted(expected)


@given(st.lists(st.text("琼A01", max_size=12), max_size=8), st.text("琼A01", max_size=12))
def test_a_few_plates_are_simply_compared(plates: list[str], read: str) -> None:
    expected = sorted({each for each in plates if Levenshtein.distance(read, each) <= 2 and 0 < len(each) <= 10})
    assert PlateNeighbours(plates).within(read, 2) == (expected if 0 < len(read) <= 10 else [])


def test_a_text_longer_than_any_plate_has_no_neighbours_and_costs_nothing() -> None:
    plates = [*random_plates(SCAN_UP_TO + 1), "9" * 1000]
    assert PlateNeighbours(plates).within("9" * 1000, 2) == []


def test_only_the_latest_version_of_a_declaration_is_a_booking() -> None:
    index = BookingIndex([a_declaration(version=2, plate="琼A99999"), a_declaration(version=1, plate=PLATE)])
    assert len(index) == 1
    assert index.exact(PLATE) == []
    assert [each.version for each in index.exact("琼A99999")] == [2]


def test_of_two_contents_under_one_version_the_same_one_counts_whichever_came_first() -> None:
    one, other = a_declaration(cargo="1"), a_declaration(cargo="2")
    assert latest_versions([one, other]) == latest_versions([other, one])


def test_a_trailer_is_found_by_its_plate_and_a_lone_trailer_declared_as_the_vehicle_too() -> None:
    index = BookingIndex([a_declaration("D-1", trailer="琼A1234挂"), a_declaration("D-2", plate="琼A1234挂")])
    assert [each.declaration_id for each in index.exact("琼A1234挂")] == ["D-1", "D-2"]
    assert list(index.near("琼A1235挂", 1)) == ["琼A1234挂"]
    assert index.near("琼A12345", 2).keys() == {PLATE, "琼A1234挂"}


def test_a_declaration_without_any_plate_is_no_booking() -> None:
    index = BookingIndex([a_declaration(plate="", trailer="")])
    assert (index.exact(""), index.near("", 2), index.count_open(HERE, POLICY)) == ([], {}, 0)


@pytest.mark.parametrize(
    ("declaration", "open_"),
    [
        (a_declaration(departure=NOON + 36 * HOUR), True),
        (a_declaration(departure=NOON + 36 * HOUR + 1), False),
        (a_declaration(departure=NOON - 36 * HOUR), True),
        (a_declaration(departure=NOON - 36 * HOUR - 1), False),
        (a_declaration(departure=0, lodged=NOON - 168 * HOUR), True),
        (a_declaration(departure=0, lodged=NOON - 168 * HOUR - 1), False),
        (a_declaration(departure=0, lodged=NOON + 36 * HOUR), True),
        (a_declaration(departure=0, lodged=NOON + 36 * HOUR + 1), False),
        (a_declaration(departure=NOON, lodged=NOON - 9999 * HOUR), True),
        (a_declaration(departure=0, lodged=0), True),
        (a_declaration(site="xinhai"), False),
        (a_declaration(site=""), True),
        (a_declaration(direction=passage_pb2.DIRECTION_OUTBOUND), False),
        (a_declaration(direction=passage_pb2.DIRECTION_UNSPECIFIED), True),
    ],
)
def test_a_booking_is_open_for_its_site_its_way_and_about_its_day(
    declaration: declaration_pb2.Declaration, open_: bool
) -> None:
    assert is_open(declaration, HERE, POLICY) is open_


def test_without_a_clock_that_can_be_believed_bookings_of_every_day_are_open() -> None:
    assert is_open(a_declaration(departure=1), Crossing("xiuying", 1, None), POLICY)


def test_a_passage_of_an_unknown_site_or_way_may_be_any_sites_and_any_ways() -> None:
    assert is_open(a_declaration(site="xinhai"), Crossing("", 0, NOON), POLICY)


edges = [0, NOON - 36 * HOUR, NOON + 36 * HOUR, NOON - 168 * HOUR]
times = st.one_of(st.sampled_from(edges), st.integers(NOON - 200 * HOUR, NOON + 200 * HOUR))


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.integers(0, 2), times, times), max_size=12),
    st.builds(Crossing, st.sampled_from(["", "a"]), st.integers(0, 2), st.one_of(st.none(), st.just(NOON))),
)
def test_counting_open_bookings_agrees_with_asking_each(
    bookings: list[tuple[str, int, int, int]], crossing: Crossing
) -> None:
    declarations = [
        a_declaration(f"D-{number}", site=site, departure=departure, lodged=lodged)
        for number, (site, _way, departure, lodged) in enumerate(bookings)
    ]
    for declaration, (_site, way, _departure, _lodged) in zip(declarations, bookings, strict=True):
        declaration.direction = passage_pb2.Direction.values()[way]
    asked = [is_open(declaration, crossing, POLICY) for declaration in declarations]
    assert BookingIndex(declarations).count_open(crossing, POLICY) == sum(asked)


def test_an_index_is_ordered_by_id_whatever_the_order_it_was_given() -> None:
    found = BookingIndex([a_declaration(f"D-{number}") for number in (3, 1, 2)]).exact(PLATE)
    assert all(one.declaration_id < other.declaration_id for one, other in pairwise(found))
