from __future__ import annotations

import pytest

from collector.reconcile import bookings as module
from collector.reconcile.bookings import DAY, Bookings, Span, span_of
from gate_contract.rules import BookingIndex, Policy
from gate_contract.rules.bookings import Crossing, Opening
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.passage_pb2 import DIRECTION_OUTBOUND
from tests.unit.collector.reconcile.island import HOUR, NOON, SITE, Island, a_declaration

POLICY = Policy.default()
SPAN = span_of(SITE, NOON, NOON)
OPENING = Opening.of(Crossing(SITE, DIRECTION_OUTBOUND, NOON), POLICY)


def look(island: Island, bookings: Bookings, span: Span = SPAN) -> BookingIndex:
    with island.store.read() as connection:
        bookings.refresh(connection)
        return bookings.open_to(connection, span)


def found(declarations: list[Declaration]) -> list[tuple[str, int]]:
    return sorted((each.declaration_id, each.version) for each in declarations)


def test_new_versions_are_laid_over_what_is_in_memory(island: Island, monkeypatch: pytest.MonkeyPatch) -> None:
    bookings = Bookings(POLICY)
    island.declare(a_declaration("D-1"), a_declaration("D-2"), a_declaration("D-3", plate="琼A12346"))
    first = look(island, bookings)
    assert (len(first), first.count_open(OPENING)) == (3, 3)
    monkeypatch.setattr(Bookings, "_load", None)  # nothing is loaded again
    island.declare(a_declaration("D-1", cargo="1"), a_declaration("D-2", plate="粤C55555"), a_declaration("D-4"))
    second = look(island, bookings)
    assert found(second.exact("琼A12345")) == [("D-1", 2), ("D-4", 1)]
    assert found(second.exact("粤C55555")) == [("D-2", 2)]
    near = second.near("琼A12345", 1)
    assert {plate: found(each) for plate, each in near.items()} == {
        "琼A12345": [("D-1", 2), ("D-4", 1)],
        "琼A12346": [("D-3", 1)],
    }
    assert (len(second), second.count_open(OPENING)) == (4, 4)


def test_a_version_that_moves_a_declaration_to_another_day_hides_it(island: Island) -> None:
    bookings = Bookings(POLICY)
    island.declare(a_declaration("D-1"))
    look(island, bookings)
    island.declare(a_declaration("D-1", departure=NOON + 30 * DAY))
    assert look(island, bookings).count_open(OPENING) == 0


def test_many_new_versions_make_the_index_anew(island: Island, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_NEWER", 2)
    bookings = Bookings(POLICY)
    island.declare(a_declaration("D-0"))
    look(island, bookings)
    for number in range(1, 6):
        island.declare(a_declaration(f"D-{number}"), a_declaration(f"E-{number}"))
        assert len(look(island, bookings).exact("琼A12345")) == 1 + 2 * number


def test_only_what_can_be_open_is_kept_in_memory(island: Island) -> None:
    island.declare(
        a_declaration("in time"),
        a_declaration("next week", departure=NOON + 7 * DAY),
        a_declaration("elsewhere", site="xiuying"),
        a_declaration("no departure", departure=0),
        a_declaration("lodged last year", departure=0, lodged=NOON - 365 * DAY),
    )
    assert len(look(island, Bookings(POLICY))) == 2


def test_a_site_and_day_that_was_not_asked_for_longest_is_dropped_first(
    island: Island, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_INDEXES", 2)
    bookings = Bookings(POLICY)
    island.declare(a_declaration())
    days = [span_of(SITE, NOON + day * DAY, NOON) for day in range(3)]
    kept = look(island, bookings, days[0])
    look(island, bookings, days[1])
    assert look(island, bookings, days[0]) is kept
    look(island, bookings, days[2])
    assert look(island, bookings, days[0]) is kept


def test_a_passage_whose_time_is_not_believed_may_be_of_any_day_before_it_was_received() -> None:
    span = span_of(SITE, None, NOON)
    assert span.first_ns < NOON - 30 * DAY
    assert NOON < span.last_ns < NOON + 2 * DAY


def test_an_empty_database_has_no_bookings_and_learns_of_the_first(island: Island) -> None:
    bookings = Bookings(POLICY)
    assert len(look(island, bookings)) == 0
    island.declare(a_declaration(departure=NOON + HOUR))
    assert len(look(island, bookings)) == 1


def test_a_container_is_found_in_new_versions_and_below_them(island: Island) -> None:
    bookings = Bookings(POLICY)
    boxes = [a_declaration(f"D-{number}") for number in range(2)]
    for each in boxes:
        each.containers.append("CSQU3054383")
    island.declare(*boxes)
    look(island, bookings)
    island.declare(a_declaration("D-1", cargo="1"))
    assert found(look(island, bookings).with_container("CSQU3054383")) == [("D-0", 1)]


def test_the_book_of_a_past_moment_has_what_stood_then(island: Island) -> None:
    island.declare(a_declaration("D-1"), a_declaration("D-2"))
    island.declare(a_declaration("D-1", cargo="1"), a_declaration("D-3"))
    span = span_of(SITE, NOON, NOON)
    seen = []
    bookings = Bookings(POLICY)
    for before in (1, 2, 3, 4):
        with island.store.read() as connection:
            bookings.refresh(connection, before)
            seen.append(found(bookings.open_to(connection, span).exact("琼A12345")))
    assert seen == [
        [("D-1", 1)],
        [("D-1", 1), ("D-2", 1)],
        [("D-1", 2), ("D-2", 1)],
        [("D-1", 2), ("D-2", 1), ("D-3", 1)],
    ]
