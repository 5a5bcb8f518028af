"""A collector and one gate, both real programs, for whole trips."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge_agent.simulate.declarations import as_csv
from edge_agent.simulate.gate import Gate
from edge_agent.simulate.judgement import Seen, seen_vehicles
from edge_agent.simulate.plan import Plan, build_plan
from edge_agent.simulate.ports import free_ports
from edge_agent.simulate.programs import Program, ask, run_command, wait_until
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
        self.collector.start_until("serving ")

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
