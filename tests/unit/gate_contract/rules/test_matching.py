from __future__ import annotations

from collections.abc import Sequence

import pytest

from gate_contract.rules import BookingIndex, Match, MatchKind, PassageFacts, Policy, match_booking
from gate_contract.v1 import declaration_pb2, passage_pb2, stamp_pb2
from tests.unit.gate_contract.rules.builders import (
    HOUR,
    NOON,
    PLATE,
    a_container,
    a_declaration,
    a_passage,
    a_plate,
    other_bookings,
)

UNSYNCHRONISED = stamp_pb2.CLOCK_STATE_UNSYNCHRONISED


def match(
    passage: passage_pb2.Passage,
    declarations: Sequence[declaration_pb2.Declaration] | BookingIndex,
    policy: Policy | None = None,
) -> Match:
    return match_booking(PassageFacts.of(passage), declarations, policy or Policy.default(), "xiuying")


def matched(found: Match) -> tuple[MatchKind, list[str]]:
    return found.kind, [declared.declaration_id for declared in found.declarations]


def test_a_plate_booked_once_is_an_exact_match_also_through_an_index() -> None:
    declarations = [a_declaration(), *other_bookings(20)]
    assert matched(match(a_passage(), declarations)) == (MatchKind.EXACT, ["D-1"])
    assert match(a_passage(), declarations) == match(a_passage(), BookingIndex(declarations))


def test_a_booked_plate_typed_with_separators_is_the_same_plate() -> None:
    assert matched(match(a_passage(), [a_declaration(plate="琼a·123 45")])) == (MatchKind.EXACT, ["D-1"])


def test_of_several_reads_one_that_is_booked_wins_over_surer_ones() -> None:
    reads = [a_plate("琼A12346", confidence=0.99), a_plate(PLATE, confidence=0.4)]
    found = match(a_passage(plates=reads), [a_declaration()])
    assert matched(found) == (MatchKind.EXACT, ["D-1"])
    assert found.read is not None
    assert found.read.text == PLATE


def test_of_several_booked_reads_the_surest_wins() -> None:
    reads = [a_plate("琼B00000", confidence=0.7), a_plate(PLATE, confidence=0.8), a_plate("琼C00000", confidence=None)]
    bookings = [a_declaration("D-2", plate="琼B00000"), a_declaration(), a_declaration("D-3", plate="琼C00000")]
    assert matched(match(a_passage(plates=reads), bookings)) == (MatchKind.EXACT, ["D-1"])


def test_where_no_read_is_booked_the_surest_is_compared() -> None:
    reads = [a_plate("京B99999", confidence=0.9), a_plate("琼A12346", confidence=0.8)]
    assert match(a_passage(plates=reads), [a_declaration()]).kind is MatchKind.UNBOOKED


def test_a_trailers_plate_is_compared_only_where_no_other_was_read() -> None:
    bookings = [a_declaration(trailer="琼A777挂"), a_declaration("D-2", plate="琼B88888")]
    both = a_passage(plates=[a_plate("琼A777挂", confidence=1.0), a_plate("琼B88888", confidence=0.5)])
    assert matched(match(both, bookings)) == (MatchKind.EXACT, ["D-2"])
    assert matched(match(a_passage(plates=["琼A777挂"]), bookings)) == (MatchKind.EXACT, ["D-1"])


def test_the_surest_near_booking_is_the_one_with_fewest_edits_and_then_most_look_alikes() -> None:
    bookings = [
        a_declaration("two edits", plate="琼A12999"),
        a_declaration("another character", plate="琼A12349"),
        a_declaration("a look-alike", plate="琼A1234S"),
    ]
    assert matched(match(a_passage(), bookings)) == (MatchKind.NEAR, ["a look-alike"])
    assert matched(match(a_passage(), bookings[:2])) == (MatchKind.NEAR, ["another character"])


def test_two_bookings_equally_near_are_ambiguous_and_both_named() -> None:
    bookings = [a_declaration("D-2", plate="琼A1234S"), a_declaration("D-1", plate="琼A1Z345")]
    found = match(a_passage(), bookings)
    assert matched(found) == (MatchKind.AMBIGUOUS, ["D-1", "D-2"])
    assert found.trip is None


def test_beyond_the_policys_reach_a_vehicle_is_not_booked() -> None:
    one_edit = Policy.from_toml("[V01]\nmatch_within = 1")
    assert match(a_passage(plates=["琼A12399"]), [a_declaration()]).kind is MatchKind.NEAR
    assert match(a_passage(plates=["琼A12399"]), [a_declaration()], one_edit).kind is MatchKind.UNBOOKED
    assert match(a_passage(plates=["琼A12999"]), [a_declaration()]).kind is MatchKind.UNBOOKED


def test_without_a_plate_nothing_is_matched() -> None:
    assert match(a_passage(plates=[]), [a_declaration()]).kind is MatchKind.UNREAD
    assert match(a_passage(plates=["", "--"]), [a_declaration()]).kind is MatchKind.UNREAD


@pytest.mark.parametrize("few", [0, 9, 20])
def test_two_edits_among_no_more_than_a_few_bookings_are_a_match(few: int) -> None:
    policy = Policy.from_toml(f"[V01]\nfew_bookings = {few}")
    passage = a_passage(plates=["琼A12399"], weighings=[])
    for others in (few - 1, few):
        if others >= 0:
            expected = MatchKind.NEAR if others + 1 <= few else MatchKind.UNBOOKED
            assert match(passage, [a_declaration(), *other_bookings(others)], policy).kind is expected


def test_bookings_of_another_day_or_site_do_not_change_what_a_few_are() -> None:
    crowd = [a_declaration(f"X-{number}", plate=f"粤ZZ{number:03d}港", site="elsewhere") for number in range(50)]
    passage = a_passage(plates=["琼A12399"], weighings=[])
    assert match(passage, [a_declaration(), *crowd]).kind is MatchKind.NEAR
    assert match(passage, [a_declaration(), *crowd]) == match(passage, [a_declaration()])


@pytest.mark.parametrize(
    ("kilograms", "kind"),
    [
        ("25800", MatchKind.NEAR),  # 650 kg too heavy: exactly W01's tolerance
        ("25800.1", MatchKind.UNBOOKED),
        ("24500", MatchKind.NEAR),
        ("24499.9", MatchKind.UNBOOKED),
    ],
)
def test_two_edits_among_many_bookings_are_a_match_when_the_weight_fits(kilograms: str, kind: MatchKind) -> None:
    passage = a_passage(plates=["琼A12399"], weighings=[kilograms])
    found = match(passage, [a_declaration(), *other_bookings(50)])
    assert found.kind is kind
    assert [trip.name for trip in (*found.trips, *found.passed_over)] == ["D-1 version 1"]


def test_a_fitting_weight_says_nothing_when_another_booking_is_within_reach() -> None:
    crowd = other_bookings(50)
    for other in ("琼A12849", "琼A8Z849"):  # as near as D-1, and less near
        bookings = [a_declaration(), a_declaration("D-2", plate=other, cargo="5000"), *crowd]
        found = match(a_passage(plates=["琼A1Z349"]), [a_declaration(), *crowd])
        assert (found.kind, found.neighbours) == (MatchKind.NEAR, 1)
        found = match(a_passage(plates=["琼A1Z349"]), bookings)
        assert (found.kind, found.neighbours) == (MatchKind.UNBOOKED, 2)


def test_two_look_alikes_are_a_match_among_many_bookings_without_a_weight() -> None:
    passage = a_passage(plates=["琼A1Z34S"], weighings=[])
    assert match(passage, [a_declaration(), *other_bookings(50)]).kind is MatchKind.NEAR


def test_a_trailer_read_as_declared_speaks_for_two_edits_and_picks_between_two_bookings() -> None:
    bookings = [a_declaration(trailer="琼A777挂"), a_declaration("D-2", plate="琼A1239X"), *other_bookings(50)]
    passage = a_passage(plates=["琼A12399", "琼A777挂"], weighings=[])
    assert matched(match(passage, bookings[:1] + bookings[2:])) == (MatchKind.NEAR, ["D-1"])
    between = [a_declaration(trailer="琼A777挂", plate="琼A12391"), *bookings[1:]]
    assert matched(match(passage, between)) == (MatchKind.NEAR, ["D-1"])


def test_one_edit_is_a_match_among_many_bookings_but_a_sure_one_only_with_evidence() -> None:
    bookings = [a_declaration(), *other_bookings(50)]
    assert match(a_passage(plates=["琼A12346"]), bookings).sure
    assert not match(a_passage(plates=["琼A12346"], weighings=["40000"]), bookings).sure
    assert match(a_passage(plates=["琼A1234S"], weighings=["40000"]), bookings).sure
    assert match(a_passage(plates=["琼A12346"], weighings=["40000"]), bookings[:5]).sure


def test_of_two_trips_of_one_plate_the_one_that_departs_nearer_counts() -> None:
    bookings = [
        a_declaration("morning", departure=NOON - 3 * HOUR),
        a_declaration("afternoon", departure=NOON + 2 * HOUR),
    ]
    found = match(a_passage(), bookings)
    assert matched(found) == (MatchKind.EXACT, ["afternoon"])
    assert [trip.name for trip in found.passed_over] == ["morning version 1"]


@pytest.mark.parametrize(
    "passage",
    [a_passage(), a_passage(clock=UNSYNCHRONISED), a_passage(plates=["琼A1234S"])],
    ids=["tie", "clock", "near"],
)
def test_trips_of_one_plate_that_time_cannot_tell_apart_are_ambiguous(passage: passage_pb2.Passage) -> None:
    bookings = [a_declaration("D-1", departure=NOON - HOUR), a_declaration("D-2", departure=NOON + HOUR)]
    assert matched(match(passage, bookings)) == (MatchKind.AMBIGUOUS, ["D-1", "D-2"])


def test_two_bookings_of_one_plate_without_departures_are_ambiguous() -> None:
    bookings = [a_declaration("D-1", departure=0), a_declaration("D-2")]
    assert matched(match(a_passage(), bookings)) == (MatchKind.AMBIGUOUS, ["D-1", "D-2"])


def test_several_declarations_of_one_sailing_are_matched_together() -> None:
    bookings = [a_declaration("D-1", sailing="S"), a_declaration("D-2", sailing="S")]
    assert matched(match(a_passage(), bookings)) == (MatchKind.EXACT, ["D-1", "D-2"])


def test_the_way_back_is_another_booking() -> None:
    bookings = [a_declaration(), a_declaration("D-2", direction=passage_pb2.DIRECTION_OUTBOUND)]
    assert matched(match(a_passage(), bookings)) == (MatchKind.EXACT, ["D-1"])


def test_of_very_many_bookings_two_edits_away_one_is_taken_only_with_evidence_of_its_own() -> None:
    crowd = [a_declaration(f"X-{one}{two}", plate=f"琼A123{one}{two}") for one in "6789" for two in "6789"]
    crowd.append(a_declaration("Y", plate="琼A123CC", trailer="琼A777挂", containers=["CSQU3054383"]))
    unbooked = match(a_passage(), crowd)
    assert (unbooked.kind, unbooked.neighbours) == (MatchKind.UNBOOKED, 17)
    assert 0 < len(unbooked.passed_over) <= 5
    for passage in (a_passage(plates=[PLATE, "琼A777挂"]), a_passage(readings=[a_container("CSQU3054383")])):
        assert matched(match(passage, crowd)) == (MatchKind.NEAR, ["Y"])


def test_a_booking_one_edit_away_is_nearer_than_any_number_two_edits_away() -> None:
    crowd = [a_declaration(f"X-{one}{two}", plate=f"琼A123{one}{two}") for one in "6789" for two in "6789"]
    found = match(a_passage(), [*crowd, a_declaration(plate="琼A12346")])
    assert (matched(found), found.neighbours) == ((MatchKind.NEAR, ["D-1"]), 1)


def test_of_very_many_bookings_one_edit_away_the_first_are_named_and_one_with_evidence_is_taken() -> None:
    crowd = [a_declaration(f"N-{last}", plate=f"琼A1234{last}") for last in "0123467"]
    crowd += [a_declaration("Y", plate="琼A1234Z", containers=["CSQU3054383"]), *other_bookings(10)]
    passage = a_passage(plates=["琼A12348"])
    found = match(passage, crowd)
    assert matched(found) == (MatchKind.AMBIGUOUS, ["N-0", "N-1", "N-2", "N-3", "N-4"])
    assert (found.neighbours, found.more_as_near) == (8, True)
    assert match(passage, list(reversed(crowd))) == found
    seen = a_passage(plates=["琼A12348"], readings=[a_container("CSQU3054383")])
    assert matched(match(seen, crowd)) == (MatchKind.NEAR, ["Y"])
    assert not match(a_passage(plates=["琼A12348"]), crowd[:5] + other_bookings(10)).more_as_near


def test_a_booking_of_another_day_one_edit_away_does_not_hide_one_of_today_two_edits_away() -> None:
    other_day = a_declaration("other day", plate="琼A12346", departure=NOON + 200 * HOUR)
    assert matched(match(a_passage(), [other_day, a_declaration(plate="琼A1S34S")])) == (MatchKind.NEAR, ["D-1"])
