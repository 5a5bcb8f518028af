"""Passages over what nobody watched: restarts, silence, clocks that jump."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from edge_agent.assemble.core import MAX_READINGS
from edge_agent.model.moment import SECOND, MonoNs, WallNs
from edge_agent.model.passage import ClosedBy
from edge_agent.model.readings import PlateSeen, Reading, StableWeight, WeightSample
from tests.unit.edge_agent.assemble.lanes import Lane, plate, stable, weight


def after_a_restart(lane: Lane) -> None:
    """What the agent does with a lane's state when it begins again."""
    lane.state = replace(lane.state, unwatched=lane.state.on_scale)


def test_another_weight_after_the_scale_was_not_heard_is_another_vehicle(lane: Lane) -> None:
    lane.give(plate("粤B12345", 0), weight(20000, 1), stable(20000, 3), weight(20000, 3.5))
    lane.give(plate("琼A67890", 6), weight(9000, 6.5), stable(9000, 7.5))
    assert [(p.passage_id, p.revision, [w.kilograms for w in p.weighings]) for p in lane.passages] == [
        ("P1", 1, [Decimal(20000)]),
        ("P2", 1, [Decimal(9000)]),
    ]
    assert [p.text for p in lane.passages[1].plates] == ["琼A67890"]


def test_another_weight_after_a_restart_is_another_vehicle(lane: Lane) -> None:
    lane.give(plate("粤B12345", 0), weight(20000, 1), stable(20000, 3))
    after_a_restart(lane)
    lane.give(weight(9000, 3.5), stable(9000, 4.5), plate("琼A67890", 5))
    assert [(p.plates[0].text, [w.kilograms for w in p.weighings]) for p in lane.passages] == [
        ("粤B12345", [Decimal(20000)]),
        ("琼A67890", [Decimal(9000)]),
    ]


def test_the_same_weight_after_a_restart_is_the_same_vehicle(lane: Lane) -> None:
    lane.give(plate("粤B12345", 0), weight(20000, 1), stable(20000, 3))
    after_a_restart(lane)
    lane.give(weight(20020, 9), stable(20020, 10), weight(20020, 11), stable(21000, 12), weight(0, 13))
    assert [(p.passage_id, p.revision) for p in lane.passages] == [("P1", 1), ("P1", 2)]


def test_a_vehicle_that_changed_unseen_before_it_was_recorded_is_recorded_with_what_is_missing(lane: Lane) -> None:
    lane.give(weight(20000, 1), stable(20000, 3))
    after_a_restart(lane)
    lane.give(weight(9000, 4), stable(9000, 5), plate("琼A67890", 6))
    first, second = lane.passages
    assert (first.closed_by, [m.kind for m in first.missing]) == (ClosedBy.DEPARTED, ["plate"])
    assert ([w.kilograms for w in second.weighings], second.plates[0].text) == ([Decimal(9000)], "琼A67890")


def test_a_plate_read_when_the_vehicle_may_have_changed_is_not_put_on_the_weight_before(lane: Lane) -> None:
    lane.give(weight(20000, 1), stable(20000, 3))
    lane.wait_until(6)
    after_a_restart(lane)
    lane.give(plate("琼A67890", 8), weight(9000, 8), stable(9000, 9))
    assert [([p.text for p in passage.plates], passage.revision) for passage in lane.passages] == [
        ([], 1),
        (["琼A67890"], 1),
    ]


def test_a_plate_of_a_time_when_nobody_watched_the_scale_is_not_put_on_the_vehicle_before(lane: Lane) -> None:
    lane.give(weight(20000, 1), stable(20000, 3))
    lane.wait_until(6)
    after_a_restart(lane)
    lane.give(weight(0, 30), plate("琼A67890", 31, taken=25))
    assert [p.plates for p in lane.passages] == [()]
    assert lane.state.passage is not None
    assert lane.state.passage.plates[0].text == "琼A67890"


def test_a_camera_that_never_rests_makes_no_record_without_end(lane: Lane) -> None:
    lane.give(*[plate("", i / 10) for i in range(40)])
    assert len(lane.orphans) == 40 - MAX_READINGS
    lane.give(plate("粤B12345", 5), weight(20000, 6), stable(20000, 7))
    (passage,) = lane.passages
    assert [p.text for p in passage.plates if p.text] == ["粤B12345"], "the read that was missing is taken all the same"
    assert len(passage.plates) == MAX_READINGS + 1


def test_a_scale_that_never_rests_makes_no_record_without_end(lane: Lane) -> None:
    lane.give(weight(20000, 1))
    lane.give(*[stable(20000 + 1000 * i, 1 + i / 100) for i in range(40)])
    lane.give(plate("粤B12345", 2))
    (passage,) = lane.passages
    assert len(passage.weighings) == MAX_READINGS
    assert passage.weighings[-1].kilograms == 59000, "the last weighing counts"
    lane.give(*[stable(20000 + 1000 * i, 3 + i / 100) for i in range(40)])
    assert lane.passages == [passage]


def test_a_plate_that_is_delivered_when_the_next_vehicle_is_there_finds_its_own_passage(lane: Lane) -> None:
    lane.give(weight(20000, 1), stable(20000, 3), weight(0, 5), weight(9000, 6), stable(9000, 7))
    lane.give(plate("粤B12345", 8, taken=1), plate("琼A67890", 8.2, taken=6))
    assert [(p.passage_id, p.revision, [r.text for r in p.plates], sorted(p.late_plates)) for p in lane.passages] == [
        ("P1", 1, [], []),
        ("P1", 2, ["粤B12345"], [0]),
        ("P2", 1, ["琼A67890"], []),
    ]
    assert [w.kilograms for w in lane.passages[2].weighings] == [9000]


def test_a_plate_taken_behind_the_vehicle_on_the_scale_is_that_of_the_next_one(lane: Lane) -> None:
    lane.give(weight(20000, 1), stable(20000, 3), weight(0, 14), weight(9000, 15), stable(9000, 17))
    lane.give(plate("琼A67890", 17.5, taken=13))
    assert [(p.passage_id, [r.text for r in p.plates]) for p in lane.passages] == [("P1", []), ("P2", ["琼A67890"])]


def slept(reading: StableWeight | WeightSample | PlateSeen, hours: float) -> Reading:
    """The same reading after a suspension."""
    span = round(hours * 3600 * SECOND)
    return replace(
        reading, at=replace(reading.at, wall=WallNs(reading.at.wall + span), mono=MonoNs(reading.at.mono + span))
    )


def test_a_passage_under_way_over_which_the_machine_slept_is_recorded_once_with_what_is_missing(lane: Lane) -> None:
    lane.give(weight(9000, 1), stable(20000, 3))
    lane.wait_until(9 * 3600)
    (passage,) = lane.passages
    assert passage.closed_by is ClosedBy.GRACE_EXPIRED
    assert [missing.kind for missing in passage.missing] == ["plate"]
    lane.give(slept(weight(9000, 2), 9), slept(stable(9000, 4), 9))
    lane.wait_until(9 * 3600 + 60)
    first, second = lane.passages
    assert first.passage_id != second.passage_id
    assert second.weighings[0].kilograms == 9000, "another vehicle stands there"


@pytest.mark.parametrize("years", [-10, 10])
def test_a_wall_clock_that_jumps_under_a_passage_changes_nothing_of_it(lane: Lane, years: int) -> None:
    jump = years * 365 * 86_400 * SECOND
    late = plate("粤B12345", 4)
    lane.give(weight(9000, 1), stable(20000, 3))
    lane.give(replace(late, at=replace(late.at, wall=WallNs(late.at.wall + jump))))
    (passage,) = lane.passages
    assert (passage.closed_by, passage.revision) == (ClosedBy.COMPLETE, 1)


@pytest.mark.parametrize("years", [-10, 10])
def test_a_late_plate_whose_camera_lives_in_another_year_is_not_given_to_who_has_left(lane: Lane, years: int) -> None:
    lane.give(weight(9000, 1), stable(20000, 3))
    lane.wait_until(7)
    lane.give(weight(0, 9), plate("粤B12345", 20, taken=2 + years * 365 * 86_400))
    assert [passage.plates for passage in lane.passages] == [()]
    assert lane.state.passage is not None, "it is the next vehicle's"
