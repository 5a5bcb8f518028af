"""The demo: one collector, two gates, 40 trucks, an outage and a crash; then every verdict against the injected truth.

`make demo`. Real programs as separate processes, real bytes over ptys and HTTP, real gRPC with mutual TLS. Exit code 0
only if every verdict matches and nothing is missing or double.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from edge_agent.simulate.declarations import as_csv
from edge_agent.simulate.gate import Gate
from edge_agent.simulate.judgement import judge, seen_vehicles, show
from edge_agent.simulate.plan import Plan, build_plan
from edge_agent.simulate.ports import free_ports
from edge_agent.simulate.programs import Program, ProgramError, run_command, running, wait_until
from edge_agent.simulate.scenario import demo_scenario
from edge_agent.simulate.site import LaneEmulator

OUTAGE_S = 10.0
DOWN_S = 1.0
"""How long systemd leaves a crashed agent down (RestartSec of its unit)."""

CONSOLE = Console(highlight=False, width=None if sys.stdout.isatty() else 150)


class Demo:
    """Everything the story needs, in one directory."""

    def __init__(self, directory: Path, plan: Plan) -> None:
        """Writes configurations; starts nothing."""
        self.directory, self.plan = directory, plan
        uplink, enrolment, *http = free_ports(2 + len(plan.lanes))
        self.collector_config = directory / "collector.toml"
        sites = "".join(
            f'[sites.{lane.lane.site_id}]\ngoods = "{"regulated" if lane.lane.regulated_goods else "free"}"\n'
            for lane in plan.lanes
        )
        self.collector_config.write_text(
            f'deployment = "demo.example"\nstate_dir = "collector"\nlisten = "127.0.0.1:{uplink}"\n'
            f'enrol_listen = "127.0.0.1:{enrolment}"\nhostnames = ["127.0.0.1"]\n{sites}',
            encoding="utf-8",
        )
        self.collector = Program(
            directory / "collector.log", "gate-collector", "serve", "--config", self.collector_config
        )
        self.gates = [
            Gate(directory / f"gate-{number}", lane, port, f"gate-{number}")
            for number, (lane, port) in enumerate(zip(plan.lanes, http, strict=True), start=1)
        ]
        self._begun = time.monotonic()

    def tell(self, text: str) -> None:
        """One line of the story, with the second it happened in."""
        CONSOLE.print(f"[dim]{time.monotonic() - self._begun:5.1f} s[/]  {text}")

    def set_up(self) -> None:
        """Collector, enrolment, declarations, agents; until both gates know their declarations."""
        self.start_collector()
        self.tell(f"the collector serves, state in {self.directory / 'collector'}")
        for gate in self.gates:
            gate.enrol(self.collector_config)
        self.import_declarations("declarations.csv", late=False)
        for gate in self.gates:
            gate.agent.start()
        for gate, lane in zip(self.gates, self.plan.lanes, strict=True):
            expected = sum(v.declaration is not None and not v.declared_late for v in lane.vehicles)
            wait_until(f"{gate.agent_id} has its declarations", lambda g=gate, n=expected: _declarations(g) >= n)  # type: ignore[misc]
            self.tell(f"{gate.agent_id} is enrolled for {gate.site_id} and knows its {expected} declarations")

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
                        lane, gate.port_link, gate.camera_url, gate.may_go, on_crossed=lambda _crossing: half.release()
                    )
                )
                for gate, lane in zip(self.gates, self.plan.lanes, strict=True)
            ]
            for _ in range(len(self.plan.vehicles) // 4):
                half.acquire()
            self._break_things(half)
            for lane in lanes:
                if not lane.wait(120):
                    raise ProgramError("the trucks did not get through in time")
            self.tell(f"{len(self.plan.vehicles)} vehicles have passed")

    def settle(self) -> None:
        """Until every record is acknowledged and every passage is judged."""
        for gate in self.gates:
            wait_until(f"{gate.agent_id} has nothing pending", lambda g=gate: _pending(g) == 0)  # type: ignore[misc]
        wait_until("every passage is judged", self._all_judged)

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


def main() -> int:
    """Tell the story; the exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    plan = build_plan(demo_scenario(), datetime.now(UTC))
    with tempfile.TemporaryDirectory(prefix="tidegate-demo-") as temporary:
        demo = Demo(Path(temporary), plan)
        programs = [demo.collector, *(gate.agent for gate in demo.gates)]
        try:
            with running(*programs):
                demo.set_up()
                demo.run_traffic()
                demo.settle()
                demo.import_declarations("late.csv", late=True)
                judgement = judge(demo.plan, demo.collector_config, [gate.status for gate in demo.gates])
        except ProgramError as error:
            CONSOLE.print(f"[red]The demo failed:[/] {error}", markup=True)
            for program in programs:
                CONSOLE.print(program.log_tail(), markup=False)
            return 1
    show(CONSOLE, judgement)
    demo.tell("[bold green]all as it should be[/]" if judgement.good else "[bold red]something is wrong, see above[/]")
    return 0 if judgement.good else 1


def _declarations(gate: Gate) -> int:
    snapshot = gate.snapshot()
    return 0 if snapshot is None or not snapshot["uplink"]["connected"] else int(snapshot["reference"]["declarations"])


def _pending(gate: Gate) -> int:
    journal = gate.status()["journal"]
    return -1 if journal is None else int(journal["pending"])


if __name__ == "__main__":
    sys.exit(main())
