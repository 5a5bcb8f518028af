from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate_contract.rules import BookingIndex, Policy
from gate_contract.rules.bookings import Crossing, Opening, latest_versions
from gate_contract.v1 import declaration_pb2, passage_pb2
from tests.unit.gate_contract.rules.builders import HOUR, NOON, PLATE, a_declaration

POLICY = Policy.default()
HERE = Opening.of(Crossing("xiuying", passage_pb2.DIRECTION_INBOUND, NOON), POLICY)


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
    assert (index.exact(""), index.near("", 2), index.count_open(HERE)) == ([], {}, 0)


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
    assert HERE.admits(declaration) is open_
    assert list(BookingIndex([declaration]).near(PLATE, 1, HERE)) == [PLATE] * open_


def test_without_a_clock_that_can_be_believed_bookings_of_every_day_are_open() -> None:
    assert Opening.of(Crossing("xiuying", 1, None), POLICY).admits(a_declaration(departure=1))


def test_a_passage_of_an_unknown_site_or_way_may_be_any_sites_and_any_ways() -> None:
    assert Opening.of(Crossing("", 0, NOON), POLICY).admits(a_declaration(site="xinhai"))


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
    opening, index = Opening.of(crossing, POLICY), BookingIndex(declarations)
    admitted = [each.declaration_id for each in declarations if opening.admits(each)]
    assert index.count_open(opening) == len(admitted)
    near = [each.declaration_id for some in index.near(PLATE, 1, opening).values() for each in some]
    assert near == sorted(admitted)


def test_an_index_is_ordered_by_id_whatever_the_order_it_was_given() -> None:
    found = BookingIndex([a_declaration(f"D-{number}") for number in (3, 1, 2)]).exact(PLATE)
    assert all(one.declaration_id < other.declaration_id for one, other in pairwise(found))
