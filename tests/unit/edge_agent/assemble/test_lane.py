"""A vehicle lane's passages."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.assemble.state import LaneSettings, LaneState
from edge_agent.model.passage import ClosedBy, OpenedBy
from tests.unit.edge_agent.assemble.lanes import SETTINGS, Lane, at, plate, stable, weight


def test_a_plate_and_a_stable_weight_make_a_complete_passage_at_once(lane: Lane) -> None:
    lane.give(plate("粤B12345", 0), weight(9000, 1), weight(20000, 2), stable(20000, 3))
    (passage,) = lane.passages
    assert passage.closed_by is ClosedBy.COMPLETE
    assert passage.opened_by is OpenedBy.PLATE
    assert passage.revision == 1
    assert passage.missing == ()
    assert passage.decided == at(3)
    assert [p.text for p in passage.plates] == ["粤B12345"]
    assert [w.kilograms for w in passage.weighings] == [20000]


def test_a_plate_that_comes_after_the_weight_completes_the_passage(lane: Lane) -> None:
    lane.give(weight(9000, 1), stable(20000, 3), plate("粤B12345", 4))
    (passage,) = lane.passages
    assert passage.closed_by is ClosedBy.COMPLETE
    assert passage.opened_by is OpenedBy.WEIGHT


def test_a_vehicle_that_stays_on_the_scale_is_one_passage(lane: Lane) -> None:
    lane.give(plate("粤B12345", 0), weight(20000, 1), stable(20000, 3))
    lane.give(*[weight(20000, 4 + i / 10) for i in range(100)])
    lane.give(weight(0, 20))
    lane.wait_until(100)
    assert len(lane.passages) == 1
    assert lane.state.passage is None


def test_two_vehicles_are_two_passages(lane: Lane) -> None:
    lane.give(plate("粤B12345", 0), weight(20000, 1), stable(20000, 3), weight(0, 5))
    lane.give(plate("琼A67890", 6), weight(30000, 7), stable(30000, 9))
    assert [(p.passage_id, p.plates[0].text, p.weighings[0].kilograms) for p in lane.passages] == [
        ("P1", "粤B12345", Decimal(20000)),
        ("P2", "琼A67890", Decimal(30000)),
    ]


def test_a_missing_plate_is_waited_for_and_then_said_to_be_missing(lane: Lane) -> None:
    lane.give(weight(20000, 1), stable(20000, 3))
    lane.wait_until(5.9)
    assert lane.passages == []
    lane.wait_until(6)
    (passage,) = lane.passages
    assert passage.closed_by is ClosedBy.GRACE_EXPIRED
    assert [(m.device_id, m.kind) for m in passage.missing] == [("camera-1", "plate")]


def test_a_late_plate_is_added_as_a_revision_marked_late(lane: Lane) -> None:
    lane.give(weight(20000, 1), stable(20000, 3))
    lane.wait_until(6)
    lane.give(plate("粤B12345", 8))
    first, second = lane.passages
    assert (first.revision, second.revision) == (1, 2)
    assert second.passage_id == first.passage_id
    assert second.late_plates == {0}
    assert second.missing == ()
    assert "plate came after" in second.revision_reason


def test_a_plate_taken_before_the_vehicle_left_still_finds_its_passage_afterwards(lane: Lane) -> None:
    lane.give(weight(20000, 1), stable(20000, 3))
    lane.wait_until(6)
    lane.give(weight(0, 10), plate("粤B12345", 30, taken=2))
    assert [p.revision for p in lane.passages] == [1, 2]
    assert lane.passages[1].late_plates == {0}
    assert lane.state.passage is None


@pytest.mark.parametrize("taken", [None, 29])
def test_a_plate_not_known_to_be_of_the_vehicle_that_left_is_the_next_ones(lane: Lane, taken: float | None) -> None:
    lane.give(weight(20000, 1), stable(20000, 3))
    lane.wait_until(6)
    lane.give(weight(0, 10), plate("粤B12345", 30, taken=taken), weight(30000, 31), stable(30000, 33))
    assert [(p.passage_id, p.revision) for p in lane.passages] == [("P1", 1), ("P2", 1)]
    assert lane.passages[1].plates[0].text == "粤B12345"


def test_a_vehicle_that_leaves_before_it_stood_still_is_recorded_without_weight(lane: Lane) -> None:
    lane.give(plate("粤B12345", 0), weight(20000, 1), weight(0, 2))
    lane.wait_until(4.9)
    assert lane.passages == []
    lane.wait_until(5)
    (passage,) = lane.passages
    assert passage.closed_by is ClosedBy.DEPARTED
    assert passage.missing[0].kind == "weight"
    assert "left before" in passage.missing[0].reason


def test_a_weight_that_never_stands_still_is_given_up(lane: Lane) -> None:
    lane.give(plate("粤B12345", 0), weight(20000, 1))
    lane.wait_until(20)
    (passage,) = lane.passages
    assert passage.closed_by is ClosedBy.GRACE_EXPIRED
    lane.give(stable(20000, 25))
    assert lane.passages[1].revision == 2
    assert lane.passages[1].missing == ()
    assert lane.passages[1].late_weighings == {0}


def test_a_vehicle_that_is_read_and_never_weighed_is_recorded(lane: Lane) -> None:
    lane.give(plate("粤B12345", 0))
    lane.wait_until(30)
    (passage,) = lane.passages
    assert "never drove onto the scale" in passage.missing[0].reason
    assert lane.state.passage is None


def test_a_truck_that_pauses_with_one_axle_on_is_revised_when_it_stands_whole(lane: Lane) -> None:
    lane.give(plate("粤B12345", 0), weight(8000, 1), stable(8000, 3), weight(30000, 5), stable(30000, 7))
    first, second = lane.passages
    assert first.weighings[-1].kilograms == 8000
    assert second.revision == 2
    assert second.weighings[-1].kilograms == 30000
    assert second.late_weighings == {1}


def test_a_second_plateau_within_three_divisions_changes_nothing(lane: Lane) -> None:
    lane.give(plate("粤B12345", 0), weight(3000, 1), stable(3000, 3), stable(3060, 7))
    assert len(lane.passages) == 1


def test_the_next_vehicles_plate_waits_while_this_one_stands_on_the_scale(lane: Lane) -> None:
    lane.give(plate("粤B12345", 0), weight(20000, 1), stable(20000, 3), plate("琼A67890", 4), plate("琼A67890", 4.5))
    lane.give(weight(0, 6), weight(30000, 8), stable(30000, 10))
    assert [(p.plates[0].text, p.weighings[0].kilograms) for p in lane.passages] == [
        ("粤B12345", Decimal(20000)),
        ("琼A67890", Decimal(30000)),
    ]
    assert len(lane.passages[1].plates) == 2


def test_a_vehicle_that_turns_away_before_the_scale_ends_when_the_next_is_read(lane: Lane) -> None:
    lane.give(plate("粤B12345", 0), plate("琼A67890", 4), weight(30000, 8), stable(30000, 10))
    first, second = lane.passages
    assert first.closed_by is ClosedBy.SUPERSEDED
    assert first.missing[0].kind == "weight"
    assert second.plates[0].text == "琼A67890"


def test_two_reads_that_differ_in_one_character_are_one_vehicle(lane: Lane) -> None:
    lane.give(plate("粤B12345", 0), plate("粤812345", 1), weight(20000, 2), stable(20000, 4))
    (passage,) = lane.passages
    assert [p.text for p in passage.plates] == ["粤B12345", "粤812345"]


@pytest.mark.parametrize(
    ("booked", "text", "after_s", "queued"),
    [
        (("琼A10001", "琼A10002"), "琼A10002", 3, True),
        (("琼A10001", "琼A10002"), "琼A10002", 2, False),
        (("琼A10001",), "琼A10002", 3, False),
        (("琼A10002",), "琼A10002", 3, False),
        (("琼A10001", "琼A1000I"), "琼A1000I", 3, False),
    ],
)
def test_without_a_loop_two_declared_neighbours_not_read_at_once_are_two_vehicles(
    booked: tuple[str, ...], text: str, after_s: float, queued: bool
) -> None:
    lane = Lane(booked=booked)
    lane.give(plate("琼A10001", 0), weight(20000, 1), plate(text, after_s), stable(20000, 4), weight(0, 6))
    vehicles = [each for each in (lane.passages[0], lane.state.passage) if each is not None]
    plates = [[read.text for read in each.plates] for each in vehicles]
    assert plates == ([["琼A10001"], [text]] if queued else [["琼A10001", text]])


def test_an_unread_vehicle_says_that_its_plate_could_not_be_read(lane: Lane) -> None:
    lane.give(plate("", 0), weight(20000, 2), stable(20000, 4))
    lane.wait_until(7)
    (passage,) = lane.passages
    assert passage.missing[0].kind == "plate"
    assert "could not read" in passage.missing[0].reason


def test_a_further_read_of_a_decided_vehicle_is_an_orphan_with_its_reason(lane: Lane) -> None:
    lane.give(plate("粤B12345", 0), weight(20000, 1), stable(20000, 3), plate("粤B12345", 4))
    (orphan,) = lane.orphans
    assert "decided" in orphan.reason


def test_a_surer_read_after_the_decision_is_a_late_reading_of_its_passage(lane: Lane) -> None:
    lane.give(plate("粤B1234S", 0, sure=0.6), weight(20000, 1), stable(20000, 3), plate("粤B12345", 4, sure=0.9))
    first, second = lane.passages
    assert (second.passage_id, second.revision, set(second.late_plates)) == (first.passage_id, 2, {1})
    assert "surer" in second.revision_reason
    lane.give(weight(0, 5), plate("粤B1Z345", 6, taken=4, sure=0.95))
    assert [read.text for read in lane.passages[-1].plates] == ["粤B1234S", "粤B12345", "粤B1Z345"]
    assert lane.orphans == []


@pytest.mark.parametrize(
    ("text", "sure"),
    [("粤B1234S", 0.99), ("粤B12345", 0.5), ("粤B12345", 0.6), ("粤B12345", None), ("粤B12346", 0.99)],
)
def test_a_read_after_the_decision_that_says_the_same_is_no_surer_or_a_neighbours_is_an_orphan(
    lane: Lane, text: str, sure: float | None
) -> None:
    lane.give(plate("粤B1234S", 0, sure=0.6), weight(20000, 1), stable(20000, 3), plate(text, 4, sure=sure))
    assert len(lane.passages) == 1
    assert lane.orphans[0].reason == "a further read of a vehicle that had been decided"


def test_a_surer_read_of_another_plate_by_another_camera_is_put_on_nobody(lane: Lane) -> None:
    lane.give(plate("粤B12345", 0, sure=0.6), weight(20000, 1), stable(20000, 3))
    lane.give(plate("琼A67890", 4, camera="rear", sure=0.99))
    assert (len(lane.passages), len(lane.orphans)) == (1, 1)


def test_a_surer_read_of_who_has_just_left_is_a_late_reading_of_that_passage() -> None:
    lane = Lane(replace(SETTINGS, scales=()))
    lane.give(plate("粤B1234S", 0, sure=0.6), plate("粤B12345", 2, sure=0.9))
    assert [(each.passage_id, each.revision) for each in lane.passages] == [("P1", 1), ("P1", 2)]
    assert (lane.state.passage, lane.orphans) == (None, [])


def test_more_waiting_plates_than_vehicles_fit_are_orphans(lane: Lane) -> None:
    lane.give(plate("粤B12345", 0), weight(20000, 1), stable(20000, 3))
    waiting = ["琼A00000", "琼B11111", "琼C22222", "琼D33333", "琼E44444"]
    lane.give(*[plate(text, 4 + i) for i, text in enumerate(waiting)])
    assert [read.text for read in lane.orphaned_plates] == ["琼E44444"]


def test_the_empty_scale_standing_still_is_no_passage(lane: Lane) -> None:
    lane.give(weight(0, 0), stable(0, 1), weight(180, 2), stable(180, 3))
    assert lane.passages == []
    assert lane.state == LaneState()


def test_a_lane_without_a_scale_is_free_again_as_soon_as_a_plate_is_read() -> None:
    lane = Lane(LaneSettings("L2", None, (), ("camera-1",), Decimal(500), Decimal(200), 3, 20, 30, 60))
    lane.give(plate("粤B12345", 0), plate("琼A67890", 1))
    assert [p.plates[0].text for p in lane.passages] == ["粤B12345", "琼A67890"]


def test_a_scale_that_falls_silent_under_a_decided_vehicle_does_not_block_the_lane(lane: Lane) -> None:
    lane.give(plate("粤B12345", 0), weight(20000, 1), stable(20000, 3))
    lane.wait_until(70)
    assert lane.state.passage is None


plates = st.sampled_from(["", "粤B12345", "琼A67890", "湘C24680", "粤812345"])


events = st.one_of(
    st.tuples(st.just("weight"), st.sampled_from([0, 100, 180, 400, 600, 8000, 20000, 30000])),
    st.tuples(st.just("stable"), st.sampled_from([0, 180, 8000, 20000, 20020, 30000])),
    st.tuples(st.just("plate"), plates),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 2.0, 5.0, 40.0])),
)


@given(st.lists(events, max_size=60))
def test_every_plate_ends_in_exactly_one_passage_or_as_an_orphan(script: list[tuple[str, str | int | float]]) -> None:
    lane, now, given_ids = Lane(), 0.0, []
    for kind, value in script:
        now += float(value) if kind == "wait" else 0.1
        if kind == "weight":
            lane.give(weight(int(value), now))
        elif kind == "stable":
            lane.give(stable(int(value), now))
        elif kind == "plate":
            seen = plate(str(value), now)
            given_ids.append(seen.event_id)
            lane.give(seen)
        else:
            lane.wait_until(now)
    lane.give(weight(0, now + 1))
    for step in range(1, 40):
        lane.wait_until(now + 1 + 40 * step)
    final = {passage.passage_id: passage for passage in lane.passages}
    ended = [p.event_id for passage in final.values() for p in passage.plates]
    ended += [read.event_id for read in lane.orphaned_plates]
    assert sorted(ended) == sorted(given_ids)
    assert lane.state.passage is None
    assert lane.state.queued == ()
    revisions = [(p.passage_id, p.revision) for p in lane.passages]
    assert len(set(revisions)) == len(revisions)
