"""The plan's verdicts are written down from the rule book's text; here the book itself is asked about every vehicle."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from edge_agent.simulate.declarations import Declaration
from edge_agent.simulate.frames import rounded
from edge_agent.simulate.plan import Action, Plan, VehiclePlan, Verdict, build_plan
from edge_agent.simulate.scenario import Lane, Scenario, demo_scenario
from gate_contract.rules import BookingIndex, Context, EarlierDecision, Policy, decide
from gate_contract.v1 import decision_pb2, declaration_pb2, passage_pb2

NOW = datetime(2025, 6, 1, 9, 40, tzinfo=timezone(timedelta(hours=8)))
DIRECTIONS = {"inbound": passage_pb2.DIRECTION_INBOUND, "outbound": passage_pb2.DIRECTION_OUTBOUND}
ACTIONS: dict[int, Action] = {
    decision_pb2.ACTION_RELEASE: "RELEASE",
    decision_pb2.ACTION_REVIEW: "REVIEW",
    decision_pb2.ACTION_INSPECT: "INSPECT",
    decision_pb2.ACTION_HOLD: "HOLD",
}


def nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000_000


def as_message(declaration: Declaration) -> declaration_pb2.Declaration:
    return declaration_pb2.Declaration(
        declaration_id=declaration.declaration_id,
        version=1,
        lodged_unix_ns=nanoseconds(declaration.lodged),
        site_id=declaration.site_id,
        direction=DIRECTIONS[declaration.direction],
        sailing_id=declaration.sailing_id,
        departure_unix_ns=nanoseconds(declaration.departure),
        vehicle_plate=declaration.vehicle_plate,
        trailer_plate=declaration.trailer_plate,
        vehicle_tare_kilograms=str(declaration.vehicle_tare_kilograms),
        box_tare_kilograms=str(declaration.box_tare_kilograms),
        persons=declaration.persons,
        cargo_kilograms=str(declaration.cargo_kilograms),
    )


def passage_of(vehicle: VehiclePlan, lane: Lane) -> passage_pb2.Passage:
    passage = passage_pb2.Passage(
        passage_id=str(vehicle.number),
        revision=1,
        lane_id=vehicle.lane_id,
        lane_kind=passage_pb2.LANE_KIND_VEHICLE,
        direction=DIRECTIONS[lane.direction],
    )
    for stamp in (passage.opened, passage.decided):
        stamp.wall_unix_ns = nanoseconds(NOW)
    passage.plates.add(device_id="plate-1", text=vehicle.read_as, confidence=vehicle.confidence / 100)
    shown = str(rounded(vehicle.gross_kilograms, lane.division_kilograms))
    passage.weighings.add(
        device_id="scale-1",
        kilograms=shown,
        device_weight=shown,
        device_unit="kg",
        stability=passage_pb2.STABILITY_INFERRED,
        uncertainty_kilograms="30",
        division_kilograms=str(lane.division_kilograms),
    )
    return passage


def judge(
    vehicle: VehiclePlan, lane: Lane, declarations: tuple[Declaration, ...], earlier: EarlierDecision | None = None
) -> Verdict:
    context = Context(
        now_unix_ns=nanoseconds(NOW),
        reference_age_s=5,
        goods="regulated" if lane.regulated_goods else "free",
        earlier=earlier,
        site_id=lane.site_id,
    )
    bookings = BookingIndex([as_message(each) for each in declarations])
    decision = decide(passage_of(vehicle, lane), bookings, context, Policy.default())
    return Verdict(ACTIONS[decision.action], frozenset(finding.code for finding in decision.findings))


@pytest.fixture(params=[20250601, 1, 2])
def plan(request: pytest.FixtureRequest) -> Plan:
    scenario = Scenario.model_validate({**demo_scenario().model_dump(), "seed": request.param})
    return build_plan(scenario, NOW)


def test_the_rule_book_gives_every_vehicle_the_verdict_due_when_it_passes(plan: Plan) -> None:
    for lane in plan.lanes:
        for vehicle in lane.vehicles:
            assert judge(vehicle, lane.lane, plan.declarations) == vehicle.truth.at_passage, vehicle


def test_a_late_declaration_leads_to_the_verdict_due_in_the_end(plan: Plan) -> None:
    known = plan.declarations + plan.late_declarations
    earlier = EarlierDecision("declaration received", decision_pb2.ACTION_HOLD, nanoseconds(NOW))
    late = [(vehicle, lane.lane) for lane in plan.lanes for vehicle in lane.vehicles if vehicle.declared_late]
    assert len(late) == 2
    for vehicle, lane in late:
        assert judge(vehicle, lane, known, earlier) == vehicle.truth.finally_, vehicle
