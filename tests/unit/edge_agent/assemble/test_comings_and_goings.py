"""Who comes, who follows, who goes back: vehicles between two loops, with and without a scale."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from edge_agent.assemble.core import MAX_WAITING
from edge_agent.model.passage import ClosedBy, OpenedBy
from edge_agent.model.readings import PlateSeen
from tests.unit.edge_agent.assemble.lanes import (
    BARRIER,
    BOX,
    OTHER_BOX,
    TRUCKS,
    Lane,
    at,
    container,
    entry,
    gone,
    leaving,
    loop,
    plate,
    radiation,
    scan,
    stable,
    truck,
    weight,
)

LONG = replace(TRUCKS, grace_s=30.0)


def test_what_the_loops_say_after_the_decision_is_told_once_when_the_truck_has_left(trucks: Lane) -> None:
    trucks.give(*truck(0), *gone(60))
    first, second = trucks.passages
    assert (second.passage_id, second.revision) == (first.passage_id, 2)
    assert [each.name for each in second.readings][-2:] == ["io-1/loop-out"] * 2
    assert second.late_readings == {5, 6}
    assert "has left" in second.revision_reason
    assert trucks.state.passage is None


def test_two_trucks_close_behind_each_other_are_two_passages_each_with_its_own(trucks: Lane) -> None:
    trucks.give(*truck(0))
    trucks.give(entry(20, active=True), plate("琼A67890", 20.5), container(OTHER_BOX, 21))
    assert len(trucks.passages) == 1, "the second waits behind the first"
    trucks.give(*gone(30), weight(9000, 33), entry(34, active=False), radiation(35), scan("S2", 36), stable(9000, 37))
    first, second = trucks.passages[1:]
    assert ([p.text for p in first.plates], [p.text for p in second.plates]) == (["粤B12345"], ["琼A67890"])
    assert [each.name for each in first.readings if each.kind == "container"] == [BOX]
    assert [each.name for each in second.readings if each.kind == "container"] == [OTHER_BOX]
    assert second.closed_by is ClosedBy.COMPLETE
    assert [each.kind for each in second.readings] == ["input", "container", "input", "radiation", "scan"]
    assert trucks.orphans == []


def test_two_trucks_without_a_working_exit_loop_are_two_passages_all_the_same(trucks: Lane) -> None:
    trucks.give(*truck(0), entry(20, active=True), plate("琼A67890", 20.5))
    trucks.give(weight(0, 30), weight(9000, 33), entry(34, active=False))
    assert [(p.passage_id, p.revision) for p in trucks.passages] == [("P1", 1)]
    assert trucks.state.passage is not None
    assert [p.text for p in trucks.state.passage.plates] == ["琼A67890"]
    assert trucks.state.on_scale


def test_a_decided_truck_that_goes_back_over_the_entry_is_told_to_have_backed_out(trucks: Lane) -> None:
    trucks.give(*truck(0), entry(20, active=True), weight(0, 22), entry(24, active=False))
    assert trucks.ends == [("P1", 1, ClosedBy.COMPLETE), ("P1", 2, ClosedBy.BACKED_OUT)]
    last = trucks.passages[-1]
    assert [each.active for each in last.readings if each.kind == "input"] == [True, False, True, False]
    assert "went back" in last.revision_reason
    assert trucks.state.passage is None


def test_a_truck_that_goes_back_after_the_scale_was_empty_already_has_backed_out_too(trucks: Lane) -> None:
    trucks.give(*truck(0), weight(0, 22), entry(23, active=True), entry(26, active=False))
    assert trucks.ends[-1] == ("P1", 2, ClosedBy.BACKED_OUT)


def test_a_truck_that_goes_back_undecided_is_recorded_once_as_backed_out(trucks: Lane) -> None:
    trucks.give(entry(0, active=True), plate("粤B12345", 1), weight(9000, 2), entry(3, active=False))
    trucks.give(entry(5, active=True), weight(0, 6), entry(7, active=False))
    (passage,) = trucks.passages
    assert passage.closed_by is ClosedBy.BACKED_OUT
    assert {missing.kind for missing in passage.missing} == {"weight", "container", "scan", "radiation"}
    assert "went back" in passage.missing[0].reason


def test_a_truck_whose_front_was_over_the_exit_and_that_goes_back_has_backed_out(trucks: Lane) -> None:
    trucks.give(*truck(0), leaving(10, active=True), leaving(12, active=False))
    trucks.give(entry(20, active=True), weight(0, 22), entry(24, active=False))
    assert trucks.ends[-1] == ("P1", 2, ClosedBy.BACKED_OUT)


def test_a_truck_that_turns_away_before_the_scale_does_not_get_the_weight_of_the_next_one(trucks: Lane) -> None:
    trucks.give(entry(0, active=True), plate("粤B12345", 1), entry(3, active=False))
    trucks.wait_until(31)
    trucks.give(entry(32, active=True), plate("琼A67890", 33), weight(9000, 34), entry(35, active=False))
    trucks.give(stable(9000, 36))
    trucks.wait_until(40)
    first, second = trucks.passages
    assert ([p.text for p in first.plates], first.weighings) == (["粤B12345"], ())
    assert ([p.text for p in second.plates], second.weighings[0].kilograms) == (["琼A67890"], Decimal(9000))


def test_a_truck_that_turns_away_makes_room_for_the_next_one_that_enters(trucks: Lane) -> None:
    trucks.give(entry(0, active=True), plate("粤B12345", 1), entry(3, active=False), entry(5, active=True))
    assert trucks.ends == [("P1", 1, ClosedBy.SUPERSEDED)]
    assert trucks.state.passage is not None
    assert trucks.state.passage.passage_id == "P2"


def test_a_truck_that_drives_on_is_not_taken_to_have_backed_out_when_the_next_one_enters(trucks: Lane) -> None:
    trucks.give(*truck(0), leaving(20, active=True), weight(0, 21), entry(22, active=True), leaving(23, active=False))
    assert [closed for _, _, closed in trucks.ends] == [ClosedBy.COMPLETE, ClosedBy.COMPLETE]
    assert trucks.state.passage is not None
    assert trucks.state.passage.opened_by is OpenedBy.TRIGGER


def test_a_truck_over_the_exit_has_not_backed_out_when_the_next_one_is_through_the_entry_already(trucks: Lane) -> None:
    trucks.give(*truck(0), leaving(20, active=True), weight(0, 21), entry(22, active=True), entry(23, active=False))
    assert [closed for _, _, closed in trucks.ends] == [ClosedBy.COMPLETE]
    trucks.give(leaving(24, active=False))
    assert trucks.state.passage is not None
    assert trucks.state.passage.passage_id == "P2"


def test_with_a_dead_scale_a_truck_is_decided_when_it_has_driven_over_the_exit(trucks: Lane) -> None:
    trucks.give(entry(0, active=True), plate("粤B12345", 1), entry(3, active=False))
    trucks.give(leaving(8, active=True), leaving(10, active=False))
    trucks.wait_until(13)
    (passage,) = trucks.passages
    assert passage.closed_by is ClosedBy.DEPARTED
    assert trucks.state.passage is None


def test_a_loop_that_chatters_makes_no_record_without_end(trucks: Lane) -> None:
    trucks.give(entry(0, active=True), *(leaving(1 + i / 100, active=i % 2 == 0) for i in range(200)))
    trucks.wait_until(100)
    assert max(len(passage.readings) for passage in trucks.passages) <= 17
    assert trucks.orphans


def test_a_vehicle_on_the_loop_when_the_agent_begins_opens_a_passage(trucks: Lane) -> None:
    trucks.give(loop("loop-in", 0, active=True, initial=True))
    assert trucks.state.passage is not None
    again = Lane(TRUCKS)
    again.give(loop("loop-in", 0, active=False, initial=True))
    assert again.state.passage is None
    assert "first heard" in again.orphans[0].reason


def test_every_truck_is_decided_within_the_bound_that_the_settings_give() -> None:
    lane = Lane(LONG)
    lane.give(entry(0, active=True), weight(9000, 29.9), stable(9000, 29.95))
    lane.give(weight(0, 59))
    lane.wait_until(LONG.bound_s)
    assert len(lane.passages) == 1


def test_a_car_that_drives_through_a_lane_with_loops_only_is_gone_when_the_exit_is_free() -> None:
    lane = Lane(BARRIER)
    lane.give(entry(0, active=True), plate("粤B12345", 1), leaving(5, active=True), entry(6, active=False))
    lane.give(leaving(8, active=False))
    assert [(p.revision, p.closed_by) for p in lane.passages] == [(1, ClosedBy.COMPLETE), (2, ClosedBy.COMPLETE)]
    assert lane.state.passage is None


def test_a_car_that_goes_back_from_the_exit_over_the_entry_has_backed_out() -> None:
    lane = Lane(BARRIER)
    lane.give(entry(0, active=True), plate("粤B12345", 1), leaving(5, active=True), leaving(7, active=False))
    lane.give(entry(9, active=False))
    assert lane.ends[-1] == ("P1", 2, ClosedBy.BACKED_OUT)


def test_a_car_that_turns_away_before_the_gate_is_recorded_though_no_exit_goes() -> None:
    lane = Lane(BARRIER)
    lane.give(entry(0, active=True), entry(3, active=False))
    lane.wait_until(30)
    (passage,) = lane.passages
    assert (passage.closed_by, [m.kind for m in passage.missing]) == (ClosedBy.GRACE_EXPIRED, ["plate"])


def test_two_cars_between_the_loops_leave_in_the_order_in_which_they_came() -> None:
    lane = Lane(BARRIER)
    lane.give(entry(0, active=True), plate("粤B12345", 1), entry(3, active=False))
    lane.give(entry(4, active=True), plate("琼A67890", 5), entry(6, active=False))
    lane.give(leaving(7, active=True), leaving(8, active=False), leaving(9, active=True), leaving(10, active=False))
    final = {passage.passage_id: passage for passage in lane.passages}
    assert [[p.text for p in passage.plates] for passage in final.values()] == [["粤B12345"], ["琼A67890"]]
    assert [[each.active for each in passage.readings] for passage in final.values()] == [[True, False] * 2] * 2


def test_a_car_that_stands_without_a_sign_for_too_long_makes_room() -> None:
    lane = Lane(BARRIER)
    lane.give(entry(0, active=True), plate("粤B12345", 1), entry(3, active=False))
    lane.wait_until(302)
    assert lane.state.passage is not None
    lane.wait_until(304)
    assert lane.state.passage is None


def test_a_third_car_waits_behind_the_second() -> None:
    lane = Lane(BARRIER)
    lane.give(entry(0, active=True), plate("粤B12345", 1), entry(3, active=False))
    lane.give(entry(4, active=True), entry(5, active=False), entry(6, active=True), entry(7, active=False))
    lane.give(leaving(8, active=True), leaving(9, active=False))
    assert lane.state.passage is not None
    assert [each.at for each in lane.state.passage.readings] == [at(4), at(5)]
    assert [each.at for each in lane.state.queued] == [at(6), at(7)]


def test_an_entry_that_chatters_behind_a_truck_fills_no_memory(trucks: Lane) -> None:
    trucks.give(*truck(0), *(entry(6 + i / 100, active=i % 2 == 0) for i in range(100)))
    assert len(trucks.state.queued) == MAX_WAITING
    assert len(trucks.orphans) == 100 - MAX_WAITING


def test_a_plate_that_waits_behind_a_car_that_goes_back_is_the_next_one() -> None:
    lane = Lane(BARRIER)
    lane.give(entry(0, active=True), plate("粤B12345", 1), leaving(5, active=True), leaving(7, active=False))
    lane.give(plate("琼A67890", 8), entry(9, active=False))
    assert lane.ends[1:] == [("P1", 2, ClosedBy.BACKED_OUT), ("P2", 1, ClosedBy.COMPLETE)]
    assert plates_of(lane) == [["粤B12345"], ["琼A67890"]]


def plates_of(lane: Lane) -> list[list[str]]:
    """The plates of each passage, as last recorded."""
    return [[p.text for p in passage.plates] for passage in {p.passage_id: p for p in lane.passages}.values()]


@pytest.mark.parametrize(("behind", "of_first", "of_second"), [
    ("粤B12346", [], ["粤B12346"]),  # neighbouring numbers of one owner: no camera confuses 5 and 6
    ("粤B1234S", ["粤B1234S"], []),  # the first one's, misread
    ("皖B12345", ["皖B12345"], []),
    ("粤B12345", ["粤B12345"], []),  # the same plate: said again of the first, or a clone; the second is without
])  # fmt: skip
def test_an_alike_plate_is_of_the_one_who_follows_only_where_no_camera_confuses_them(
    behind: str, of_first: list[str], of_second: list[str]
) -> None:
    lane = Lane(BARRIER)
    lane.give(entry(0, active=True), plate("粤B12345", 1), entry(3, active=False))
    lane.give(entry(4, active=True), plate(behind, 5), entry(6, active=False))
    lane.give(leaving(7, active=True), leaving(8, active=False), leaving(9, active=True), leaving(10, active=False))
    lane.wait_until(100)
    assert plates_of(lane) == [["粤B12345"], of_second]
    assert [each.text for each in lane.orphaned_plates] == of_first


def test_two_vehicles_with_the_same_plate_are_two_passages_with_that_plate() -> None:
    lane = Lane(BARRIER)
    lane.give(entry(0, active=True), plate("粤B12345", 1), entry(3, active=False), entry(4, active=True))
    lane.give(leaving(7, active=True), leaving(8, active=False), plate("粤B12345", 9), entry(10, active=False))
    assert plates_of(lane) == [["粤B12345"]] * 2


@pytest.mark.parametrize(("taken", "of_first", "of_second"), [
    (None, [], ["琼A67890"]),  # whoever was decided had its time
    (2.0, ["琼A67890"], []),  # the camera's own time: it saw the first
    (21.0, [], ["琼A67890"]),
])  # fmt: skip
def test_a_first_plate_after_somebody_else_entered_is_of_whom_the_camera_saw(
    trucks: Lane, taken: float | None, of_first: list[str], of_second: list[str]
) -> None:
    trucks.give(*(each for each in truck(0) if not isinstance(each, PlateSeen)))
    trucks.wait_until(9)
    trucks.give(entry(20, active=True), plate("琼A67890", 22, taken=taken))
    assert trucks.passages[-1].plates == () or [p.text for p in trucks.passages[-1].plates] == of_first
    trucks.give(*gone(30), weight(9000, 33), entry(34, active=False), stable(9000, 35))
    trucks.wait_until(100)
    assert plates_of(trucks) == [of_first, of_second]


def test_a_first_read_by_the_rear_camera_is_of_the_one_who_follows_if_the_front_camera_read_another(
    trucks: Lane,
) -> None:
    trucks.give(*truck(0), entry(20, active=True), plate("琼A67890", 21, camera="rear"))
    assert [each.text for each in trucks.state.queued if isinstance(each, PlateSeen)] == ["琼A67890"]
    trucks.give(plate("粤B12345", 22, camera="rear"))
    assert [each.text for each in trucks.orphaned_plates] == ["粤B12345"]


def test_of_two_who_wait_with_neighbouring_numbers_each_gets_its_own() -> None:
    lane = Lane(BARRIER)
    lane.give(entry(0, active=True), plate("湘C24680", 1), entry(3, active=False))
    lane.give(entry(4, active=True), plate("粤B12345", 5), entry(6, active=False))
    lane.give(entry(7, active=True), plate("粤B12346", 8), entry(9, active=False))
    for begin in (10, 14, 18):
        lane.give(leaving(begin, active=True), leaving(begin + 2, active=False))
    assert plates_of(lane) == [["湘C24680"], ["粤B12345"], ["粤B12346"]]


def containers_of(lane: Lane) -> list[list[str]]:
    """The container numbers of each passage, as last recorded."""
    final = {p.passage_id: p for p in lane.passages}.values()
    return [[each.name for each in passage.readings if each.kind == "container"] for passage in final]


@pytest.mark.parametrize(("behind", "whose"), [
    ("CSQU3054399", 1),  # the owner's next box: two valid numbers are two boxes
    ("CSQU3054380", 0),  # no valid number: the first one's, misread
    ("CSGU3054383", 0),  # Q and G count the same in the check digit
])  # fmt: skip
def test_an_alike_container_is_of_the_truck_that_follows_only_if_its_number_is_valid(
    trucks: Lane, behind: str, whose: int
) -> None:
    trucks.give(*truck(0), entry(20, active=True), container(behind, 22))
    trucks.give(*gone(30), weight(9000, 33), entry(34, active=False), stable(9000, 35))
    trucks.wait_until(100)
    assert [behind in numbers for numbers in containers_of(trucks)] == [whose == 0, whose == 1]
