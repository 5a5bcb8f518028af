"""The demo: one collector, lanes of four kinds, 200 vehicles and 200 travellers, an outage, a crash, every verdict.

`make demo`. Real programs as separate processes, real bytes over ptys, HTTP and Modbus, real gRPC with mutual TLS. What
needs photographs, scanners or weeks of time is told: written as a lane would have recorded it (see `story`). Exit code
0 only if every verdict matches and nothing is missing or double.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console

from edge_agent.simulate.declarations import as_csv
from edge_agent.simulate.gate import Gate
from edge_agent.simulate.io_box import IoBox
from edge_agent.simulate.judgement import Check, Judgement, judge, seen_vehicles, show, show_checks
from edge_agent.simulate.plan import Plan, build_plan
from edge_agent.simulate.ports import free_ports
from edge_agent.simulate.programs import Program, ProgramError, ask, run_command, running, wait_until
from edge_agent.simulate.scenario import demo_scenario
from edge_agent.simulate.site import Crossing, LaneEmulator
from edge_agent.simulate.story.judging import confusion, is_right
from edge_agent.simulate.story.officers import INSPECTOR
from edge_agent.simulate.story.stage import SITE, Stage, Timetable
from edge_agent.simulate.story.telling_result import show_confusion, story_checks
from edge_agent.simulate.story.vehicles import OTHER_SITE

OUTAGE_S = 10.0
DOWN_S = 1.0
"""How long systemd leaves a crashed agent down (RestartSec of its unit)."""

FERRIES_AFTER_S = (75, 95)
"""When the two ferries leave, from the start."""

CONSOLE = Console(highlight=False, width=None if sys.stdout.isatty() else 150)


class AnyGate(Protocol):
    """What every gate of the demo has."""

    agent_id: str

    def status(self) -> dict[str, Any]:
        """`gatectl status --json`."""


class Demo:
    """Everything the story needs, in one directory."""

    def __init__(self, directory: Path, plan: Plan) -> None:
        """Writes configurations; starts nothing."""
        self.directory, self.plan = directory, plan
        count = len(plan.lanes)
        uplink, enrolment, first, second, *ports = free_ports(4 + 2 * count)
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
        self.stage = Stage(directory / "stage", self.collector_config, (first, second), self.tell)
        self.crossings: list[Crossing] = []

    @property
    def everybody(self) -> list[AnyGate]:
        """All gates, the told ones too."""
        return [*self.gates, self.stage.people, self.stage.main, self.stage.other]

    def tell(self, text: str) -> None:
        """One line of the story, with the second it happened in."""
        CONSOLE.print(f"[dim]{time.monotonic() - self._begun:5.1f} s[/]  {text}")

    def set_up(self) -> Timetable:
        """Collector, enrolment, everything known beforehand, agents; until the gates know their declarations."""
        self.start_collector()
        self.tell(f"the collector serves, state in {self.directory / 'collector'}")
        now = datetime.now(UTC)
        ferries = Timetable(*(now + timedelta(seconds=after) for after in FERRIES_AFTER_S))
        self.stage.set_up([], ferries)
        with ThreadPoolExecutor(len(self.gates)) as pool:
            list(pool.map(lambda gate: gate.enrol(self.collector_config), self.gates))
        self.import_declarations("declarations.csv", late=False)
        self.stage.people.start()
        for gate in self.gates:
            gate.agent.start()
        for gate, lane in zip(self.gates, self.plan.lanes, strict=True):
            expected = sum(v.declaration is not None and not v.declared_late for v in lane.vehicles)
            wait_until(f"{gate.agent_id} has its declarations", lambda g=gate, n=expected: _declarations(g) >= n)  # type: ignore[misc]
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
                if not lane.wait(180):
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

    def long_alone(self) -> Check:
        """A gate that nobody has reached for 13 hours says so in its own decisions (K05)."""
        wait_until("the passenger gate has nothing pending", lambda: _pending(self.stage.people) == 0)
        self.collector.stop()
        self.stage.grow_old()
        self.stage.people.start()
        codes = self.stage.shown_old()
        self.start_collector()
        old = sum("K05" in each for each in codes)
        return Check("a gate that was long alone says so (K05)", old == len(codes) > 1, f"{old} of {len(codes)}")

    def settle(self) -> None:
        """Until every record is acknowledged and every passage is judged."""
        for gate in self.everybody:
            wait_until(f"{gate.agent_id} has nothing pending", lambda g=gate: _pending(g) == 0)  # type: ignore[misc]
        wait_until("every passage is judged", self._all_judged)

    def story(self) -> list[Check]:
        """The told and the travellers: waits until sailings are judged, too, and shows the table."""
        due = self.stage.due()
        subjects = {each.subject for each in due}
        end = time.monotonic() + 60
        while True:
            found = self.stage.found()
            rows = confusion(due, found)
            if all(row.caught == row.subjects for row in rows) or time.monotonic() > end:
                break
            time.sleep(1)
        show_confusion(CONSOLE, rows)
        for each in due:
            if not is_right(each, found.get(each.subject)):
                CONSOLE.print(f"[red]{each.subject}[/] ({each.injected}): {found.get(each.subject)}", markup=True)
        told: dict[str, Any] = ask("gate-collector", "rules", "list", "--config", self.collector_config)
        rules = frozenset(each["code"] for each in told["rules"]) - {"K05"}
        checks = story_checks(due, found, rules)
        checks.append(
            Check("nobody was judged who did not come", subjects <= found.keys(), f"{len(subjects)} subjects")
        )
        return checks

    def books(self) -> list[Check]:
        """What must hold of the barriers, the cases, and the past."""
        free = {crossing.vehicle.number for crossing in self.crossings if crossing.through}
        let_go = {v.number for v in self.plan.vehicles if v.truth.at_passage.action == "RELEASE"}
        opened = sum(len(box.rises(0)) for box in self.boxes)
        # The vehicle that stood there when the agent was killed may have found the barrier down again.
        barrier = free <= let_go and len(let_go - free) <= 1 and opened <= len(let_go)
        replay = run_command(
            "gate-collector", "replay", "--from", "1h", "--json", "--config", self.collector_config, check=False
        )
        cases: list[dict[str, Any]] = ask("gate-collector", "cases", "list", "--config", self.collector_config)
        words = replay.stderr.strip().splitlines()
        return [
            Check(
                "barriers opened for those who were let go", barrier, f"{len(free)} of {len(let_go)}, {opened} openings"
            ),
            Check(
                "judged again, every decision is the same", replay.returncode == 0, words[-1] if words else "no changes"
            ),
            Check("whatever needs a person has a case", len(cases) > 0, f"{len(cases)} cases"),
        ]

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


def run(demo: Demo) -> bool:
    """Tell the story; whether everything was as it should be."""
    with ExitStack() as stack:
        for box in demo.boxes:
            stack.enter_context(box)
        ferries = demo.set_up()
        demo.stage.tell_vehicles()
        with ThreadPoolExecutor(1) as pool:
            boarding = pool.submit(demo.board, ferries)
            demo.run_traffic()
            demo.ask_the_desk()
            boarding.result()
        demo.settle()
        demo.import_declarations("late.csv", late=True)
        alone = demo.long_alone()
        demo.settle()
        statuses = [gate.status for gate in demo.everybody]
        judgement = judge(demo.plan, demo.collector_config, statuses)
        show(CONSOLE, judgement)
        checks = [*demo.story(), alone, *demo.books()]
    show_checks(CONSOLE, checks)
    return Judgement(judgement.lines, (*judgement.checks, *checks)).good


def main() -> int:
    """Run it; the exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    plan = build_plan(demo_scenario(), datetime.now(UTC))
    with tempfile.TemporaryDirectory(prefix="tidegate-demo-") as temporary:
        demo = Demo(Path(temporary), plan)
        programs = [demo.collector, *(gate.agent for gate in demo.gates), *demo.stage.programs]
        try:
            with running(*programs):
                good = run(demo)
        except ProgramError as error:
            CONSOLE.print(f"[red]The demo failed:[/] {error}", markup=True)
            for program in programs:
                CONSOLE.print(program.log_tail(), markup=False)
            return 1
    demo.tell("[bold green]all as it should be[/]" if good else "[bold red]something is wrong, see above[/]")
    return 0 if good else 1


def _went(crossing: Crossing) -> bool:
    return bool(crossing.through)


def _declarations(gate: Gate) -> int:
    snapshot = gate.snapshot()
    return 0 if snapshot is None or not snapshot["uplink"]["connected"] else int(snapshot["reference"]["declarations"])


def _pending(gate: AnyGate) -> int:
    journal = gate.status()["journal"]
    return -1 if journal is None else int(journal["pending"])


if __name__ == "__main__":
    sys.exit(main())
