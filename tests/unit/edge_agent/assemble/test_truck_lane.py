"""A truck lane with everything: who is whose, what is late, what is missing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from edge_agent.assemble.core import MAX_READINGS, MAX_REVISIONS, MAX_WAITING
from edge_agent.model.observation import LaneReading
from edge_agent.model.passage import ClosedBy, OpenedBy
from edge_agent.model.readings import DeviceEvent, DeviceState
from gate_contract.v1.reading_pb2 import AxleWeights, SealSeen
from tests.unit.edge_agent.assemble.lanes import (
    BARRIER,
    EMPTIES,
    SETTINGS,
    TRUCKS,
    Lane,
    at,
    container,
    distance,
    document,
    entry,
    face,
    leaving,
    loop,
    observed,
    plate,
    radiation,
    scan,
    silent,
    stable,
    weight,
)

BOX, OTHER_BOX, THIRD_BOX = "CSQU3054383", "MSKU6011672", "TCNU7353290"
LONG = replace(TRUCKS, grace_s=30.0)


@pytest.fixture
def trucks() -> Lane:
    return Lane(TRUCKS)


def truck(begin: float, text: str = "粤B12345", box: str = BOX, scanned: str = "S1") -> list[LaneReading]:
    """All that is read of a truck up to its weight, which completes the passage 5 s after `begin`."""
    return [
        entry(begin, active=True),
        plate(text, begin + 0.5),
        container(box, begin + 1),
        radiation(begin + 2),
        scan(scanned, begin + 3),
        weight(20000, begin + 3.5),
        entry(begin + 4, active=False),
        stable(20000, begin + 5),
    ]


def gone(begin: float) -> list[LaneReading]:
    """It drives on: over the exit loop, off the scale, away."""
    return [leaving(begin, active=True), weight(0, begin + 1), leaving(begin + 2, active=False)]


def test_a_truck_is_one_passage_with_everything_that_was_read_of_it(trucks: Lane) -> None:
    trucks.give(*truck(0))
    (passage,) = trucks.passages
    assert (passage.opened_by, passage.closed_by, passage.missing) == (OpenedBy.TRIGGER, ClosedBy.COMPLETE, ())
    assert [each.kind for each in passage.readings] == ["input", "container", "radiation", "scan", "input"]
    assert passage.decided == at(5)


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


def test_a_scan_that_is_told_twice_is_one_reading(trucks: Lane) -> None:
    trucks.give(entry(0, active=True), scan("S1", 1), scan("S1", 2, image="a.jpg"))
    passage = trucks.state.passage
    assert passage is not None
    assert [each.at for each in passage.readings if each.kind == "scan"] == [at(2)]


def test_a_scan_that_is_completed_after_the_decision_is_a_revision_at_its_old_place(trucks: Lane) -> None:
    trucks.give(*truck(0), scan("S1", 9, image="a.jpg"))
    first, second = trucks.passages
    assert [each.kind for each in second.readings] == [each.kind for each in first.readings]
    assert second.readings[3].at == at(9)
    assert second.late_readings == frozenset()
    assert "scanner told more" in second.revision_reason


def test_a_scan_whose_picture_comes_when_the_next_truck_is_there_is_still_the_first_ones(trucks: Lane) -> None:
    trucks.give(*truck(0), *gone(10), *truck(20, "琼A67890", OTHER_BOX, "S2"), scan("S1", 30, image="a.jpg"))
    assert (trucks.passages[-1].passage_id, trucks.passages[-1].revision) == ("P1", 3)
    assert trucks.state.passage is not None
    assert trucks.state.passage.passage_id == "P2", "who is there stays"


def test_a_scanner_that_tells_one_scan_over_and_over_makes_no_records_without_end(trucks: Lane) -> None:
    trucks.give(*truck(0), *(scan("S1", 6 + i / 100, image=f"{i}") for i in range(200)))
    assert len(trucks.passages) == MAX_REVISIONS
    assert len(trucks.orphans) == 200 - (MAX_REVISIONS - 1)


def test_a_dead_device_is_named_with_its_fault_and_the_passage_decided_in_time(trucks: Lane) -> None:
    trucks.give(silent("xray-1", 0))
    trucks.give(*(each for each in truck(1) if getattr(each, "kind", "") != "scan"))
    trucks.wait_until(9)
    (passage,) = trucks.passages
    (missing,) = passage.missing
    assert (passage.closed_by, missing.device_id, missing.kind) == (ClosedBy.GRACE_EXPIRED, "xray-1", "scan")
    assert "xray-1 is silent: no bytes for 5 s" in missing.reason


def test_a_device_that_works_again_is_not_blamed(trucks: Lane) -> None:
    trucks.give(silent("xray-1", 0), DeviceEvent("xray-1", at(0.5), DeviceState.OK, ""))
    trucks.give(*(each for each in truck(1) if getattr(each, "kind", "") != "scan"))
    trucks.wait_until(9)
    assert trucks.passages[0].missing[0].reason == "the scanner told no scan"


def test_with_a_dead_scale_a_truck_is_decided_when_it_has_driven_over_the_exit(trucks: Lane) -> None:
    trucks.give(entry(0, active=True), plate("粤B12345", 1), entry(3, active=False))
    trucks.give(leaving(8, active=True), leaving(10, active=False))
    trucks.wait_until(13)
    (passage,) = trucks.passages
    assert passage.closed_by is ClosedBy.DEPARTED
    assert trucks.state.passage is None


@pytest.mark.parametrize(("opening", "by"), [
    (container(BOX, 0), OpenedBy.CONTAINER), (radiation(0), OpenedBy.OTHER), (plate("粤B12345", 0), OpenedBy.PLATE),
    (entry(0, active=True), OpenedBy.TRIGGER), (weight(9000, 0), OpenedBy.WEIGHT),
    (observed(0, "scale-1", axles=AxleWeights(axle_kilograms=["7000"])), OpenedBy.WEIGHT),
    (document("driver", 0), OpenedBy.DOCUMENT),
])  # fmt: skip
def test_a_passage_is_opened_by_whatever_comes_first(trucks: Lane, opening: LaneReading, by: OpenedBy) -> None:
    trucks.give(opening)
    trucks.wait_until(60)
    assert trucks.passages[0].opened_by is by


def test_two_containers_are_on_one_truck_and_a_third_is_the_next_ones(trucks: Lane) -> None:
    trucks.give(entry(0, active=True), container(BOX, 1), container(OTHER_BOX, 2), container(THIRD_BOX, 3))
    passage = trucks.state.passage
    assert passage is not None
    assert [each.name for each in passage.readings if each.kind == "container"] == [BOX, OTHER_BOX]
    assert len(trucks.state.queued) == 1


def test_a_second_container_just_after_the_decision_is_a_late_reading(trucks: Lane) -> None:
    trucks.give(*truck(0), container(OTHER_BOX, 6))
    last = trucks.passages[-1]
    assert (last.revision, sorted(last.late_readings)) == (2, [5])
    assert "container came after" in last.revision_reason


def test_a_container_read_long_after_the_decision_is_the_next_trucks(trucks: Lane) -> None:
    trucks.give(*truck(0), container(OTHER_BOX, 30))
    assert len(trucks.passages) == 1
    assert len(trucks.state.queued) == 1


def test_a_misread_container_number_shows_no_other_truck(trucks: Lane) -> None:
    trucks.give(entry(0, active=True), container(BOX, 1), container(OTHER_BOX, 2), container("CSQU3054380", 3))
    assert trucks.state.queued == ()


def test_a_container_read_twice_after_the_decision_is_an_orphan(trucks: Lane) -> None:
    trucks.give(*truck(0), container(BOX, 8))
    assert len(trucks.passages) == 1
    assert "further read" in trucks.orphans[0].reason


def test_a_late_container_completes_what_was_missing(trucks: Lane) -> None:
    trucks.give(*(each for each in truck(0) if getattr(each, "kind", "") != "container"))
    trucks.wait_until(8)
    trucks.give(container(BOX, 12))
    first, second = trucks.passages
    assert ([m.kind for m in first.missing], second.missing) == (["container"], ())


def test_a_container_captured_of_the_truck_that_has_left_finds_it_though_the_next_is_there(trucks: Lane) -> None:
    trucks.give(*(each for each in truck(0) if getattr(each, "kind", "") != "container"))
    trucks.wait_until(8)
    trucks.give(*gone(10), entry(20, active=True))
    trucks.tell(container(BOX, 2), 21)
    last = trucks.passages[-1]
    assert (last.passage_id, last.missing) == ("P1", ())


def test_a_scan_of_a_truck_that_is_not_remembered_any_more_is_given_to_nobody(trucks: Lane) -> None:
    trucks.give(*truck(0), *gone(10), *truck(20, "琼A67890", OTHER_BOX, "S2"), *gone(30))
    trucks.give(*truck(40, "湘C24680", THIRD_BOX, "S3"))
    trucks.tell(scan("S1", 3, image="a.jpg"), 50)
    assert "earlier vehicle" in trucks.orphans[0].reason
    assert trucks.passages[-1].passage_id == "P3"
    assert trucks.passages[-1].revision == 1


def test_radiation_that_is_told_late_is_of_the_truck_that_was_there_then(trucks: Lane) -> None:
    trucks.give(*truck(0), *gone(10), entry(20, active=True))
    trucks.tell(radiation(4), 21)
    assert (trucks.passages[-1].passage_id, trucks.passages[-1].revision) == ("P1", 3)


def test_front_and_rear_cameras_read_tractor_and_trailer_of_one_truck(trucks: Lane) -> None:
    trucks.give(entry(0, active=True), plate("粤B12345", 1), plate("粤B123挂", 2), plate("粤B123挂", 3, camera="rear"))
    trucks.give(weight(20000, 4), stable(20000, 5))
    trucks.wait_until(9)
    (passage,) = trucks.passages
    assert [p.text for p in passage.plates] == ["粤B12345", "粤B123挂", "粤B123挂"]


def test_a_trailers_plate_after_the_decision_is_a_late_reading(trucks: Lane) -> None:
    trucks.give(*truck(0), plate("粤B123挂", 7, camera="rear"))
    assert trucks.passages[-1].late_plates == {1}


def test_another_tractor_behind_a_camera_that_read_only_a_trailer_is_the_next_truck(trucks: Lane) -> None:
    trucks.give(entry(0, active=True), plate("粤B12345", 1), plate("粤B123挂", 2, camera="rear"), weight(9000, 3))
    trucks.give(plate("琼A67890", 4, camera="rear"))
    assert len(trucks.state.queued) == 1


def test_the_drivers_face_and_document_belong_to_the_truck(trucks: Lane) -> None:
    trucks.give(entry(0, active=True), face("driver", 1), face("co-driver", 2), document("driver", 3))
    passage = trucks.state.passage
    assert passage is not None
    assert [each.kind for each in passage.readings] == ["input", "face", "face", "document"]


def test_a_seal_where_nobody_stands_is_an_orphan(trucks: Lane) -> None:
    trucks.give(observed(0, "desk", seal=SealSeen(state="whole")))
    assert trucks.orphans[0].reason == "nobody was known to be in the lane"


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


def test_a_camera_that_fires_twice_over_one_car_makes_one_passage() -> None:
    lane = Lane(replace(SETTINGS, scales=()))
    lane.give(plate("粤B12345", 0), plate("粤B12345", 2))
    assert len(lane.passages) == 1
    assert "further read" in lane.orphans[0].reason


def test_an_empty_container_is_number_weight_and_what_the_ultrasound_says() -> None:
    lane = Lane(EMPTIES)
    lane.give(container(BOX, 0), weight(8000, 2), distance(3, occupied=False), stable(8000, 4))
    (passage,) = lane.passages
    assert (passage.lane_kind, passage.opened_by, passage.missing) == ("empty-container", OpenedBy.CONTAINER, ())
    assert [each.kind for each in passage.readings] == ["container", "distance"]


def test_an_empty_container_without_a_word_of_the_ultrasound_is_decided_with_that_missing() -> None:
    lane = Lane(EMPTIES)
    lane.give(container(BOX, 0), weight(8000, 2), stable(8000, 4))
    lane.wait_until(7)
    assert [(m.device_id, m.kind) for m in lane.passages[0].missing] == [("echo-1", "distance")]


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


def test_a_portal_that_tells_late_and_without_end_makes_no_record_without_end(trucks: Lane) -> None:
    trucks.give(*truck(0), *gone(10))
    for number in range(40):
        trucks.tell(radiation(3 + number / 100), 20)
    kinds = [each.kind for each in trucks.passages[-1].readings]
    assert kinds.count("radiation") == MAX_READINGS
    assert len(trucks.orphans) == 41 - MAX_READINGS
