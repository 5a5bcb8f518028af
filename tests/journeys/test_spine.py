"""Whole trips: bytes on a pty and a camera's push -> passage -> journal -> collector -> verdict. Real programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.simulate.gate import Gate
from edge_agent.simulate.judgement import Seen
from edge_agent.simulate.plan import VehiclePlan
from edge_agent.simulate.programs import ask, run_command, running, wait_until
from edge_agent.simulate.site import LaneEmulator
from tests.journeys.world import World, plan_of

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    made = World(tmp_path, plan_of(**getattr(request, "param", {"vehicles": 1})))
    with running(made.collector, made.gate.agent):
        made.start()
        yield made


def said(seen: Seen) -> str:
    return " ".join([(seen.action or "").upper(), *sorted(seen.codes)])


def weight_fits(seen: Seen, vehicle: VehiclePlan) -> bool:
    return seen.kilograms is not None and abs(seen.kilograms - vehicle.gross_kilograms) <= 20


@pytest.mark.parametrize(
    "world", [{"vehicles": 1}, {"vehicles": 1, "indicator": "mettler-toledo-continuous"}], indirect=True
)
def test_one_truck_goes_from_a_scales_bytes_to_a_proved_verdict(world: World, tmp_path: Path) -> None:
    with world.traffic() as lane:
        assert lane.wait(30)
    (seen,) = world.settle()
    (vehicle,) = world.plan.vehicles
    assert said(seen) == "RELEASE"
    assert seen.gate_action == "release"
    assert seen.plate == vehicle.plate
    assert weight_fits(seen, vehicle)
    world.assert_nothing_missing_or_double()

    explained = ask("gate-collector", "explain", seen.passage_id, "--config", world.config)
    assert vehicle.plate in str(explained)

    bundle, trust = tmp_path / "bundle.json", tmp_path / "trust.txt"
    run_command("gate-collector", "prove", seen.passage_id, "-o", bundle, "--config", world.config)
    trust.write_text(run_command("gate-collector", "keys", "--config", world.config).stdout, encoding="utf-8")
    run_command("gate-collector", "verify-bundle", bundle, "--trust", trust)
    bundle.write_bytes(bundle.read_bytes().replace(b'"index"', b'"indey"', 1))
    assert run_command("gate-collector", "verify-bundle", bundle, "--trust", trust, check=False).returncode == 1


@pytest.mark.parametrize(
    "world", [{"vehicles": 4, "repeats": 2, "injections": "wrong-plate = 1\noverweight = 1\nundeclared = 1"}],
    indirect=True,
)  # fmt: skip
def test_discrepancies_are_found_and_a_camera_that_repeats_itself_doubles_nothing(world: World) -> None:
    with world.traffic() as lane:
        assert lane.wait(40)
    seen = {each.plate: each for each in world.settle()}
    assert {vehicle.read_as: str(vehicle.truth.finally_) for vehicle in world.plan.vehicles} == {
        plate: said(each) for plate, each in seen.items()
    }
    world.assert_nothing_missing_or_double()


@pytest.mark.parametrize("world", [{"vehicles": 3}], indirect=True)
def test_an_agent_killed_under_a_vehicle_goes_on_with_the_same_passage(world: World) -> None:
    with world.traffic() as lane:
        wait_until("a vehicle is at the gate", lambda: _passage(world.gate) is not None)
        world.gate.agent.kill()
        world.start_agent()
        wait_until("the first vehicle has passed", lambda: len(lane.crossings) >= 1)
        wait_until("a vehicle has been decided", lambda: _recorded(world.gate))
        world.gate.agent.kill()
        world.start_agent()
        assert lane.wait(60)
    seen = world.settle()
    assert sorted(each.plate for each in seen) == sorted(vehicle.plate for vehicle in world.plan.vehicles)
    assert {said(each) for each in seen} == {"RELEASE"}
    world.assert_nothing_missing_or_double()


@pytest.mark.parametrize("world", [{"vehicles": 3}], indirect=True)
def test_a_gate_decides_alone_while_the_collector_is_away_and_delivers_afterwards(world: World) -> None:
    world.collector.stop()
    with world.traffic() as lane:
        assert lane.wait(40)
    assert world.journal()["pending"] >= 3
    status = world.gate.status()
    assert status["level"] == "degraded"
    assert "uplink-down" in [reason["code"] for reason in status["reasons"]]
    world.start_collector()
    seen = world.settle()
    assert {said(each) for each in seen} == {"RELEASE"}
    assert len(seen) == 3
    world.assert_nothing_missing_or_double()


def test_a_plate_that_comes_late_gives_a_second_revision_and_a_verdict_that_says_so(world: World) -> None:
    vehicle = world.plan.vehicles[0]
    unread = LaneEmulator(world.plan.lanes[0], world.gate.port_link, "http://127.0.0.1:9/", world.gate.may_go)
    with unread as lane:
        wait_until("the passage was decided without a plate", lambda: _recorded(world.gate))
        with world.traffic().camera as camera:
            assert camera.see(vehicle.plate, vehicle.colour, confidence=95).result(10).accepted
        assert lane.wait(40)
    (seen,) = world.settle()
    assert seen.revision == 2
    assert seen.plate == vehicle.plate
    assert said(seen) == "REVIEW K02"
    world.assert_nothing_missing_or_double()


def _passage(gate: Gate) -> str | None:
    snapshot = gate.snapshot()
    return None if snapshot is None else snapshot["lanes"][0]["passage"]


def _recorded(gate: Gate) -> bool:
    snapshot = gate.snapshot()
    return (
        snapshot is not None and bool(snapshot["lanes"][0]["recorded"]) and snapshot["lanes"][0]["passage"] is not None
    )
