"""A truck lane with everything: whose is what is read, what is late, what is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_agent.assemble.core import MAX_READINGS, MAX_REVISIONS
from edge_agent.model.observation import LaneReading
from edge_agent.model.passage import ClosedBy, OpenedBy
from edge_agent.model.readings import DeviceEvent, DeviceState
from gate_contract.v1.reading_pb2 import AxleWeights, SealSeen
from tests.unit.edge_agent.assemble.lanes import (
    BOX,
    EMPTIES,
    OTHER_BOX,
    SETTINGS,
    THIRD_BOX,
    Lane,
    at,
    container,
    distance,
    document,
    entry,
    face,
    gone,
    observed,
    plate,
    radiation,
    scan,
    silent,
    stable,
    truck,
    weight,
)


def test_a_truck_is_one_passage_with_everything_that_was_read_of_it(trucks: Lane) -> None:
    trucks.give(*truck(0))
    (passage,) = trucks.passages
    assert (passage.opened_by, passage.closed_by, passage.missing) == (OpenedBy.TRIGGER, ClosedBy.COMPLETE, ())
    assert [each.kind for each in passage.readings] == ["input", "container", "radiation", "scan", "input"]
    assert passage.decided == at(5)


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


def test_a_portal_that_falls_silent_in_the_middle_has_measured_nobody(trucks: Lane) -> None:
    trucks.give(*(each for each in truck(0) if getattr(each, "kind", "") != "radiation"), radiation(5, complete=False))
    trucks.give(silent("rpm-1", 6))
    trucks.wait_until(8)
    trucks.give(radiation(20))
    first, second = trucks.passages
    assert first.closed_by is ClosedBy.GRACE_EXPIRED
    assert "fell silent while the vehicle was in it; rpm-1 is silent" in first.missing[0].reason
    assert [each.active for each in first.readings if each.kind == "radiation"] == [False], "what it said is kept"
    assert (second.revision, second.missing) == (2, ())


def test_a_device_that_works_again_is_not_blamed(trucks: Lane) -> None:
    trucks.give(silent("xray-1", 0), DeviceEvent("xray-1", at(0.5), DeviceState.OK, ""))
    trucks.give(*(each for each in truck(1) if getattr(each, "kind", "") != "scan"))
    trucks.wait_until(9)
    assert trucks.passages[0].missing[0].reason == "the scanner told no scan"


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


def test_a_surer_read_after_the_decision_is_a_misread_put_right_where_the_entry_loop_tells_of_nobody_else(
    trucks: Lane,
) -> None:
    trucks.give(*truck(0), plate("粤B12346", 7, sure=0.95))
    assert trucks.passages[-1].late_plates == {1}
    trucks.give(entry(8, active=True), plate("粤B12349", 9, sure=0.99))
    assert len(trucks.passages) == 2


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


def test_a_portal_that_tells_late_and_without_end_makes_no_record_without_end(trucks: Lane) -> None:
    trucks.give(*truck(0), *gone(10))
    for number in range(40):
        trucks.tell(radiation(3 + number / 100), 20)
    kinds = [each.kind for each in trucks.passages[-1].readings]
    assert kinds.count("radiation") == MAX_READINGS
    assert len(trucks.orphans) == 41 - MAX_READINGS
