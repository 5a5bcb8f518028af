"""The demo's site: collector, gates, traffic, and what goes wrong in the middle."""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from edge_agent.simulate.declarations import as_csv
from edge_agent.simulate.gate import Gate
from edge_agent.simulate.io_box import IoBox
from edge_agent.simulate.judgement import seen_vehicles
from edge_agent.simulate.machine import Machine
from edge_agent.simulate.plan import Plan
from edge_agent.simulate.ports import free_ports
from edge_agent.simulate.programs import Program, ProgramError, ask, run_command, wait_until
from edge_agent.simulate.site import Crossing, LaneEmulator
from edge_agent.simulate.story.officers import INSPECTOR
from edge_agent.simulate.story.stage import ASK_EVERY_S, PORTS, SITE, Stage, Timetable, declarations
from edge_agent.simulate.story.telling import OTHER_SITE

OUTAGE_S = 10.0
DOWN_S = 1.0
"""How long systemd leaves a crashed agent down (RestartSec of its unit)."""

FERRIES_AFTER_S = (75, 95)
"""When the two ferries leave, from the start."""

CONSOLE = Console(highlight=False, width=None if sys.stdout.isatty() else 150)


class Demo:
    """Everything the story needs, in one directory."""

    def __init__(self, directory: Path, plan: Plan) -> None:
        """Writes configurations; starts nothing."""
        self.directory, self.plan = directory, plan
        count = len(plan.lanes)
        uplink, enrolment, *ports = free_ports(2 + 2 * count + PORTS)
        story_ports, ports = ports[:PORTS], ports[PORTS:]
        self.collector_config = directory / "collector.toml"
        sites = "".join(
            f'[sites.{lane.lane.site_id}]\ngoods = "{"regulated" if lane.lane.regulated_goods else "free"}"\n'
            for lane in plan.lanes
        )
        self.collector_config.write_text(
            f'deployment = "demo.example"\nstate_dir = "collector"\nlisten = "127.0.0.1:{uplink}"\n'
            f'enrol_listen = "127.0.0.1:{enrolment}"\nhostnames = ["127.0.0.1"]\n{sites}'
            f'[sites.{SITE}]\ngoods = "regulated"\n[sites.{OTHER_SITE}]\ngoods = "free"\n',
            encoding="utf-8",
        )
        self.collector = Program(
            directory / "collector.log", "gate-collector", "serve", "--config", self.collector_config
        )
        self.boxes = [IoBox(port) for port in ports[count:]]
        self.gates = [
            Gate(directory / f"gate-{number}", lane, port, f"gate-{number}", io_port)
            for number, (lane, port, io_port) in enumerate(
                zip(plan.lanes, ports[:count], ports[count:], strict=True), start=1
            )
        ]
        self._begun = time.monotonic()
        self.stage = Stage(directory / "stage", self.collector_config, story_ports, self.tell)
        self.crossings: list[Crossing] = []

    @property
    def everybody(self) -> list[Machine]:
        """All gates, the told ones too."""
        return [*self.gates, *self.stage.gates]

    def tell(self, text: str) -> None:
        """One line of the story, with the second it happened in."""
        CONSOLE.print(f"[dim]{time.monotonic() - self._begun:5.1f} s[/]  {text}")

    def set_up(self, stack: ExitStack) -> Timetable:
        """Collector, enrolment, everything known beforehand, agents; until the gates know their declarations.

        Devices are plugged in until `stack` is left.
        """
        self.start_collector()
        self.tell(f"the collector serves, state in {self.directory / 'collector'}")
        now = datetime.now(UTC)
        ferries = Timetable(*(now + timedelta(seconds=after) for after in FERRIES_AFTER_S))
        self.stage.set_up(ferries)
        with ThreadPoolExecutor(len(self.gates)) as pool:
            list(pool.map(lambda gate: gate.enrol(self.collector_config), self.gates))
        self.import_declarations("declarations.csv", late=False)
        self.stage.people.start()
        for box in self.boxes:
            stack.enter_context(box)
        for gate in self.gates:
            gate.agent.start()
        self.stage.plug_in(stack)
        for gate, lane in zip(self.gates, self.plan.lanes, strict=True):
            expected = sum(v.declaration is not None and not v.declared_late for v in lane.vehicles)
            wait_until(f"{gate.agent_id} has its declarations", lambda g=gate, n=expected: declarations(g) >= n)  # type: ignore[misc]  # mypy infers no lambda with defaults
            self.tell(f"{gate.agent_id} is enrolled for {gate.site_id} and knows its {expected} declarations")
        return ferries

    def start_collector(self) -> None:
        """Until it serves."""
        before = self.collector.log_tail(1 << 20).count("serving ")
        self.collector.start()
        wait_until("the collector serves", lambda: self.collector.log_tail(1 << 20).count("serving ") > before)

    def import_declarations(self, name: str, *, late: bool) -> None:
        """Through the collector's own command, like an operator."""
        file = self.directory / name
        declarations = self.plan.late_declarations if late else self.plan.declarations
        file.write_text(as_csv(declarations), encoding="utf-8")
        run_command("gate-collector", "declarations", "import", file, "--config", self.collector_config)
        self.tell(f"{len(declarations)} {'late ' if late else ''}declarations imported")

    def run_traffic(self) -> None:
        """All vehicles through their lanes, with an outage of the collector and a crash of an agent in the middle."""
        half = threading.Semaphore(0)
        with ExitStack() as stack:
            lanes = [
                stack.enter_context(
                    LaneEmulator(
                        lane,
                        gate.port_link,
                        gate.camera_url,
                        gate.may_go,
                        on_crossed=lambda _crossing: half.release(),
                        box=box,
                    )
                )
                for gate, lane, box in zip(self.gates, self.plan.lanes, self.boxes, strict=True)
            ]
            for _ in range(len(self.plan.vehicles) // 4):
                half.acquire()
            self._break_things(half)
            for lane in lanes:
                if not lane.wait(600):
                    raise ProgramError("the trucks did not get through in time")
            self.crossings = [crossing for lane in lanes for crossing in lane.crossings]
            self.tell(
                f"{len(self.plan.vehicles)} vehicles have passed, {sum(map(_went, self.crossings))} of them freely"
            )

    def board(self, ferries: Timetable) -> None:
        """Both ferries' travellers through the passenger gate."""
        for boarding, departure in zip(self.stage.boardings, (ferries.first, ferries.second), strict=True):
            self.stage.board(boarding, departure)

    def ask_the_desk(self) -> None:
        """Why a truck is stopped, as field staff read it; and an officer lifts it."""
        for gate in self.gates:
            kept: list[dict[str, Any]] = ask("gatectl", "--config", gate.site_file, "passages")["passages"]
            held = [each for each in kept if not each["released"] and "V01" in {hold["code"] for hold in each["holds"]}]
            if held:
                said = run_command("gatectl", "--config", gate.site_file, "--lang", "zh", "why", held[0]["passage"])
                CONSOLE.print(said.stdout.rstrip(), markup=False)
                lifted = run_command(
                    "gatectl", "--config", gate.site_file, "lift", held[0]["passage"], "--as", INSPECTOR, "--key",
                    self.stage.setting.officers.key_file(INSPECTOR), "--reason", "plate read from the picture",
                )  # fmt: skip
                CONSOLE.print(lifted.stdout.rstrip(), markup=False)
                return

    def settle(self) -> None:
        """Until every record is acknowledged and every passage is judged."""
        for gate in self.everybody:
            wait_until(f"{gate.agent_id} has nothing pending", gate.delivered, 120)
        wait_until("every passage is judged", self._all_judged, 120, ASK_EVERY_S)

    def _break_things(self, crossed: threading.Semaphore) -> None:
        self.collector.stop()
        self.tell(f"[yellow]the collector is stopped for {OUTAGE_S:g} s; the gates go on[/]")
        time.sleep(OUTAGE_S)
        self.start_collector()
        self.tell("[yellow]the collector is back[/]")
        for _ in range(4):
            crossed.acquire()
        victim = self.gates[0]
        time.sleep(1.2)  # somewhere in the middle of a vehicle
        victim.agent.kill()
        self.tell(f"[yellow]{victim.agent_id}'s agent is killed with SIGKILL[/]")
        time.sleep(DOWN_S)
        victim.agent.start()
        self.tell(f"[yellow]{victim.agent_id}'s agent is started again[/]")

    def _all_judged(self) -> bool:
        seen = seen_vehicles(self.collector_config)
        return len(seen) >= len(self.plan.vehicles) and all(vehicle.action for vehicle in seen)


def _went(crossing: Crossing) -> bool:
    return bool(crossing.through)
