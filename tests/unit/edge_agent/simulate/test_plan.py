from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import combinations

import pytest

from edge_agent.errors import ConfigError
from edge_agent.simulate import plates
from edge_agent.simulate.frames import rounded
from edge_agent.simulate.plan import OFF_WHOLE_DIVISION, Plan, VehiclePlan, build_plan
from edge_agent.simulate.scenario import Scenario, demo_scenario

NOW = datetime(2025, 6, 1, 9, 40, tzinfo=timezone(timedelta(hours=8)))
SEEDS = range(5)


def a_plan(seed: int = 20250601, now: datetime = NOW) -> Plan:
    return build_plan(Scenario.model_validate({**demo_scenario().model_dump(), "seed": seed}), now)


@pytest.fixture(params=SEEDS)
def plan(request: pytest.FixtureRequest) -> Plan:
    return a_plan(request.param)


def plates_of(vehicle: VehiclePlan) -> set[str]:
    booked = {vehicle.declaration.vehicle_plate} if vehicle.declaration else set()
    return booked | {vehicle.plate, vehicle.read_as}


def test_the_same_scenario_and_hour_give_the_same_plan() -> None:
    assert a_plan() == a_plan()
    assert a_plan(now=NOW + timedelta(minutes=10)) == a_plan()


def test_another_seed_gives_other_vehicles_and_another_hour_only_other_times() -> None:
    one, other_seed, other_hour = a_plan(1), a_plan(2), a_plan(1, NOW + timedelta(hours=5))
    assert not {v.plate for v in one.vehicles} & {v.plate for v in other_seed.vehicles}
    assert [v.plate for v in one.vehicles] == [v.plate for v in other_hour.vehicles]
    assert [v.gross_kilograms for v in one.vehicles] == [v.gross_kilograms for v in other_hour.vehicles]


def test_vehicles_are_numbered_through_and_the_lanes_have_their_injections(plan: Plan) -> None:
    assert [vehicle.number for vehicle in plan.vehicles] == list(range(1, 41))
    for lane in plan.lanes:
        assert sorted(v.injection for v in lane.vehicles) == sorted(lane.lane.labels())
        assert sum(v.times == 2 for v in lane.vehicles) == lane.lane.repeats
        assert {(v.site_id, v.lane_id) for v in lane.vehicles} == {(lane.lane.site_id, lane.lane.lane_id)}


def test_plates_of_different_vehicles_cannot_be_taken_for_each_other(plan: Plan) -> None:
    for one, other in combinations(plan.vehicles, 2):
        for plate in plates_of(one):
            assert plates.fewest_edits(plate, plates_of(other)) > 2, (plate, other)


def test_every_plate_is_valid_as_booked_as_borne_and_as_read(plan: Plan) -> None:
    for vehicle in plan.vehicles:
        assert all(plates.valid(plate, vehicle.colour) for plate in plates_of(vehicle))
    assert {vehicle.colour for vehicle in plan.vehicles} == set(plates.SHAPES)


def test_only_what_is_injected_is_wrong_with_a_plate(plan: Plan) -> None:
    for vehicle in plan.vehicles:
        booked = vehicle.declaration.vehicle_plate if vehicle.declaration else vehicle.plate
        assert (vehicle.plate != booked) == (vehicle.injection == "wrong-plate")
        assert (vehicle.read_as != vehicle.plate) == (vehicle.injection == "ocr-confusable")
        expected = 2 if vehicle.injection == "wrong-plate" else 0
        assert plates.edits_apart(vehicle.read_as, booked) == expected


def test_only_an_overweight_vehicle_is_far_from_its_declaration(plan: Plan) -> None:
    for vehicle in plan.vehicles:
        if vehicle.declaration is None:
            continue
        beyond = vehicle.gross_kilograms - vehicle.declaration.gross_kilograms
        if vehicle.injection == "overweight":
            tolerance = min(vehicle.declaration.cargo_kilograms * 5 / 100, Decimal(1000))
            assert beyond > 2 * tolerance
            assert beyond > 1000
        else:
            assert abs(beyond) <= 60
        assert vehicle.gross_kilograms < 49_000


def test_no_true_mass_lies_where_a_trembling_scale_would_flicker(plan: Plan) -> None:
    for lane in plan.lanes:
        division = lane.lane.division_kilograms
        for vehicle in lane.vehicles:
            off = abs(vehicle.gross_kilograms - rounded(vehicle.gross_kilograms, division))
            assert off <= OFF_WHOLE_DIVISION * division


def test_declarations_are_known_before_late_or_never(plan: Plan) -> None:
    assert len(plan.declarations) == 36
    assert len(plan.late_declarations) == 2
    assert {v.injection for v in plan.vehicles if v.declaration is None} == {"undeclared"}
    late = {v.declaration for v in plan.vehicles if v.declared_late}
    assert late == set(plan.late_declarations)
    ids = [declaration.declaration_id for declaration in (*plan.declarations, *plan.late_declarations)]
    assert len(set(ids)) == 38


def test_declarations_were_lodged_before_and_sail_afterwards(plan: Plan) -> None:
    for declaration in (*plan.declarations, *plan.late_declarations):
        assert NOW - timedelta(hours=36) < declaration.lodged < NOW - timedelta(hours=1)
        assert NOW + timedelta(hours=2) < declaration.departure < NOW + timedelta(hours=12)


def test_goods_add_up_to_the_cargo(plan: Plan) -> None:
    for declaration in plan.declarations:
        assert sum(line.gross_kilograms for line in declaration.goods) == declaration.cargo_kilograms
        assert bool(declaration.goods) == (declaration.cargo_kilograms > 0)
        assert bool(declaration.containers) == (declaration.box_tare_kilograms > 0)


def test_more_vehicles_than_there_are_distinct_plates_is_an_error_and_not_an_endless_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edge_agent.simulate.plan.EDITS_BETWEEN_VEHICLES", 9)
    monkeypatch.setattr("edge_agent.simulate.plan.MOST_DRAWS", 50)
    with pytest.raises(ConfigError, match="Plan fewer vehicles"):
        a_plan()


def test_the_camera_sees_a_truck_within_its_window(plan: Plan) -> None:
    for lane in plan.lanes:
        for vehicle in lane.vehicles:
            assert lane.timing.plate_earliest_s <= vehicle.plate_after_s <= lane.timing.plate_latest_s
    assert any(vehicle.plate_after_s < 0 for vehicle in a_plan().vehicles)


def test_the_verdicts_due_are_those_of_the_rule_books_text() -> None:
    due = {v.injection: (str(v.truth.at_passage), str(v.truth.finally_)) for v in a_plan().vehicles}
    assert due == {
        "clean": ("RELEASE", "RELEASE"),
        "ocr-confusable": ("RELEASE V01", "RELEASE V01"),
        "wrong-plate": ("HOLD V01", "HOLD V01"),
        "overweight": ("INSPECT W01", "INSPECT W01"),
        "undeclared": ("HOLD D02", "HOLD D02"),
        "late-declaration": ("HOLD D02", "REVIEW K02"),
    }
