"""Whole trips: bytes on a pty and a camera's push -> passage -> journal -> collector -> verdict. Real programs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge_agent.simulate.declarations import as_csv
from edge_agent.simulate.gate import Gate
from edge_agent.simulate.judgement import Seen, seen_vehicles
from edge_agent.simulate.plan import Plan, VehiclePlan, build_plan
from edge_agent.simulate.programs import Program, ask, free_ports, run_command, running, wait_until
from edge_agent.simulate.scenario import parse_scenario
from edge_agent.simulate.site import LaneEmulator

SCENARIO = """
seed = 7

[timing]
ramp_s = 0.4
settle_s = 0.3
dwell_s = 1.0
roll_off_s = 0.4
gap_s = 0.4
plate_earliest_s = -0.1
plate_latest_s = 0.3
max_wait_s = 20

[[lane]]
site_id = "haikou"
lane_id = "in-1"
direction = "inbound"
scale_device_id = "scale-1"
camera_device_id = "plate-1"
indicator = "{indicator}"
division_kilograms = 20
rate_hertz = 20
regulated_goods = true
vehicles = {vehicles}
repeats = {repeats}

[lane.injections]
{injections}
"""

pytestmark = pytest.mark.timeout(120)


class World:
    """A collector and one gate."""

    def __init__(self, directory: Path, plan: Plan) -> None:
        self.plan = plan
        uplink, enrolment, http = free_ports(3)
        self.config = directory / "collector.toml"
        self.config.write_text(
            f'deployment = "test.example"\nstate_dir = "collector"\nlisten = "127.0.0.1:{uplink}"\n'
            f'enrol_listen = "127.0.0.1:{enrolment}"\nhostnames = ["127.0.0.1"]\n',
            encoding="utf-8",
        )
        self.collector = Program(directory / "collector.log", "gate-collector", "serve", "--config", self.config)
        self.gate = Gate(directory / "gate", plan.lanes[0], http, "gate-1")
        self.directory = directory

    def start(self) -> None:
        self.start_collector()
        self.gate.enrol(self.config)
        file = self.directory / "declarations.csv"
        file.write_text(as_csv(self.plan.declarations), encoding="utf-8")
        run_command("gate-collector", "declarations", "import", file, "--config", self.config)
        self.start_agent()
        wait_until("the gate has its declarations", lambda: self.known() == len(self.plan.declarations))

    def start_collector(self) -> None:
        before = self.collector.log_tail(1 << 20).count("serving ")
        self.collector.start()
        wait_until("the collector serves", lambda: self.collector.log_tail(1 << 20).count("serving ") > before)

    def start_agent(self) -> None:
        self.gate.agent.start()
        wait_until("the agent runs", lambda: self.gate.snapshot() is not None)

    def known(self) -> int:
        snapshot = self.gate.snapshot()
        return -1 if snapshot is None else int(snapshot["reference"]["declarations"])

    def traffic(self) -> LaneEmulator:
        return LaneEmulator(self.plan.lanes[0], self.gate.port_link, self.gate.camera_url, self.gate.may_go)

    def settle(self) -> list[Seen]:
        """Everything acknowledged, everything judged."""
        wait_until("nothing is pending", lambda: self.journal()["pending"] == 0)
        wait_until("all is judged", lambda: all(each.action for each in seen_vehicles(self.config)))
        return seen_vehicles(self.config)

    def journal(self) -> dict[str, Any]:
        journal: dict[str, Any] = self.gate.status()["journal"]
        assert journal["captured"] == journal["acknowledged"] + journal["pending"] + journal["dead_lettered"]
        return journal

    def assert_nothing_missing_or_double(self) -> None:
        stats = ask("gate-collector", "stats", "--config", self.config)
        assert stats["records"] == self.journal()["captured"]
        assert stats["quarantined"] == 0
        run_command("gate-collector", "audit", "--config", self.config)


def plan_of(vehicles: int, *, indicator: str = "yaohua-xk3190-a9-tf0", repeats: int = 0, injections: str = "") -> Plan:
    text = SCENARIO.format(vehicles=vehicles, indicator=indicator, repeats=repeats, injections=injections)
    return build_plan(parse_scenario(text, "test"), datetime.now(UTC))


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
