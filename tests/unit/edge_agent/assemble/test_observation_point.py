"""An observation point: plates only, nobody is stopped."""

from __future__ import annotations

from edge_agent.assemble.core import MAX_READINGS
from edge_agent.assemble.observation_point import MAX_RECENT
from edge_agent.model.passage import ClosedBy
from tests.unit.edge_agent.assemble.lanes import POINT, Lane, plate, scan


def test_each_plate_is_a_passage_at_once() -> None:
    lane = Lane(POINT)
    lane.give(plate("粤B12345", 0), plate("琼A67890", 0.1))
    assert lane.ends == [("P1", 1, ClosedBy.COMPLETE), ("P2", 1, ClosedBy.COMPLETE)]
    assert [passage.lane_kind for passage in lane.passages] == ["observation"] * 2


def test_further_reads_of_a_vehicle_are_told_in_one_revision() -> None:
    lane = Lane(POINT)
    lane.give(plate("粤B12345", 0), plate("琼A67890", 5), plate("粤B12345", 20, camera="rear"), plate("粤B12345", 70))
    assert len(lane.passages) == 2
    lane.wait_until(129)
    assert len(lane.passages) == 2
    lane.wait_until(130)
    last = lane.passages[-1]
    assert (last.passage_id, last.revision, sorted(last.late_plates)) == ("P1", 2, [1, 2])


def test_a_read_that_differs_in_a_character_is_the_same_vehicle_only_right_after() -> None:
    lane = Lane(POINT)
    lane.give(plate("粤B12345", 0), plate("粤812345", 1), plate("粤B12346", 10))
    assert [[p.text for p in passage.plates] for passage in lane.passages] == [["粤B12345"], ["粤B12346"]]


def test_two_vehicles_with_neighbouring_numbers_close_behind_each_other_are_two_passages() -> None:
    lane = Lane(POINT)
    lane.give(plate("粤B12345", 0), plate("粤B12346", 0.5), plate("琼B12346", 1))
    lane.wait_until(100)
    final = {passage.passage_id: [p.text for p in passage.plates] for passage in lane.passages}
    assert final == {"P1": ["粤B12345"], "P2": ["粤B12346", "琼B12346"]}, "a province is often misread"


def test_the_same_plate_an_hour_later_is_another_passage() -> None:
    lane = Lane(POINT)
    lane.give(plate("粤B12345", 0), plate("粤B12345", 3600))
    assert [passage.passage_id for passage in lane.passages] == ["P1", "P2"]


def test_a_vehicle_that_was_not_read_is_a_passage_of_its_own() -> None:
    lane = Lane(POINT)
    lane.give(plate("", 0), plate("", 1))
    assert [(p.closed_by, p.missing[0].kind) for p in lane.passages] == [(ClosedBy.GRACE_EXPIRED, "plate")] * 2


def test_what_is_no_plate_is_an_orphan() -> None:
    lane = Lane(POINT)
    lane.give(scan("S1", 0))
    assert lane.orphans[0].reason == "an observation point takes plates only"


def test_a_vehicle_that_parks_before_the_camera_makes_no_record_without_end() -> None:
    lane = Lane(POINT)
    lane.give(*(plate("粤B12345", i) for i in range(100)))
    assert len(lane.orphans) == 100 - MAX_READINGS
    lane.wait_until(1000)
    assert len(lane.passages) == 2


def test_no_more_vehicles_are_remembered_than_stand_in_view() -> None:
    lane = Lane(POINT)
    lane.give(
        *(plate(f"粤{letter}{ord(letter)}{ord(letter) * 9}", i) for i, letter in enumerate("ABCDEFGHJKLMNPQRSTUV"))
    )
    assert len(lane.state.recent) == MAX_RECENT
