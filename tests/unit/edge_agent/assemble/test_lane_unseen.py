"""Passages over what nobody watched: restarts, silence, clocks that jump."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from edge_agent.assemble.core import MAX_READINGS
from edge_agent.model.moment import SECOND, MonoNs, WallNs
from edge_agent.model.observation_wire import message_of
from edge_agent.model.passage import ClosedBy
from edge_agent.model.readings import PlateSeen, Reading, StableWeight, WeightSample
from tests.unit.edge_agent.assemble.lanes import Lane, at, plate, stable, weight


def after_a_restart(lane: Lane, seconds: float = 0) -> None:
    """What the agent does with a lane's state when it begins again; `seconds`: when, if time passes then."""
    lane.state = lane.state.again_at(at(seconds))


def test_another_weight_after_the_scale_was_not_heard_is_another_vehicle(lane: Lane) -> None:
    lane.give(plate("粤B12345", 0), weight(20000, 1), stable(20000, 3), weight(20000, 3.5))
    lane.give(plate("琼A67890", 6), weight(9000, 6.5), stable(9000, 7.5))
    assert [(p.passage_id, p.revision, [w.kilograms for w in p.weighings]) for p in lane.passages] == [
        ("P1", 1, [Decimal(20000)]),
        ("P2", 1, [Decimal(9000)]),
    ]
    assert [p.text for p in lane.passages[1].plates] == ["琼A67890"]


def ticket(axles: list[int], seconds: float, *, goes_on: bool) -> list[Reading]:
    """What a scale that prints says for a group of axles: the vehicle so far."""
    axle_weights = tuple(map(Decimal, axles))
    told = replace(stable(sum(axles), seconds), axles=axle_weights, goes_on=goes_on)
    return [weight(sum(axles), seconds), told]


def test_the_groups_of_axles_of_a_long_vehicle_are_one_passage_with_all_its_axles(lane: Lane) -> None:
    lane.give(plate("粤B12345", 0), *ticket([6000, 10000], 3, goes_on=False))
    lane.give(*ticket([6000, 10000, 9000, 9000], 23, goes_on=True))
    assert [(p.passage_id, p.revision) for p in lane.passages] == [("P1", 1), ("P1", 2)]
    last = lane.passages[-1]
    assert "a further group of axles was weighed, at 34000 kg" in last.revision_reason
    assert last.late_weighings == last.late_readings == {1}
    told = [message_of(reading).axles for reading in last.readings]
    assert [list(axles.axle_kilograms) for axles in told] == [["6000", "10000"], ["6000", "10000", "9000", "9000"]]
    assert [axles.total_kilograms for axles in told] == ["16000", "34000"]


def test_the_axles_of_the_next_vehicle_are_its_own_though_the_scale_never_said_that_it_was_empty(lane: Lane) -> None:
    lane.give(plate("粤B12345", 0), *ticket([6000, 10000], 3, goes_on=False))
    lane.give(*ticket([5000, 4000], 33, goes_on=False), plate("琼A67890", 34))
    one, another = lane.passages
    assert [each.passage_id for each in (one, another)] == ["P1", "P2"]
    assert [list(message_of(reading).axles.axle_kilograms) for reading in another.readings] == [["5000", "4000"]]
    assert len(one.readings) == 1


def test_another_weight_after_a_restart_is_another_vehicle(lane: Lane) -> None:
    lane.give(plate("粤B12345", 0), weight(20000, 1), stable(20000, 3))
    after_a_restart(lane)
    lane.give(weight(9000, 3.5), stable(9000, 4.5), plate("琼A67890", 5))
    assert [(p.plates[0].text, [w.kilograms for w in p.weighings]) for p in lane.passages] == [
        ("粤B12345", [Decimal(20000)]),
        ("琼A67890", [Decimal(9000)]),
    ]


@pytest.mark.parametrize("away", [1, 70, 3600])
def test_a_decided_vehicle_that_stands_on_the_scale_over_a_restart_is_one_passage(lane: Lane, away: int) -> None:
    lane.give(plate("粤B12345", 0), weight(20000, 1), stable(20000, 3))
    after_a_restart(lane, 3 + away)
    for tick in range(50):  # the port is opened again only after a while
        lane.wait_until(3 + away + tick / 10)
    lane.give(weight(20000, 9 + away), stable(20000, 10 + away))
    assert [(p.passage_id, p.revision) for p in lane.passages] == [("P1", 1)]
    lane.wait_until(100 + away)
    assert lane.state.passage is None, "a scale that is silent from then on holds nobody"


def test_an_undecided_passage_waits_a_moment_for_what_is_said_again_after_a_restart(lane: Lane) -> None:
    lane.give(weight(20000, 1), stable(20000, 3))
    after_a_restart(lane, 60)
    lane.wait_until(62.9)
    assert lane.passages == []
    lane.wait_until(63)
    assert [m.kind for m in lane.passages[0].missing] == ["plate"]


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
