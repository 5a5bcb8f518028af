"""The demo: one collector, lanes of four kinds, 200 vehicles and 200 travellers, an outage, a crash, every verdict.

`make demo`. Real programs as separate processes, real bytes over ptys, HTTP and Modbus, real gRPC with mutual TLS. What
needs photographs, hours or another clock is told: written as a lane would have recorded it (see `story`). Exit code
0 only if every verdict matches and nothing is missing or double.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from edge_agent.simulate.demo_judging import books, long_alone, story
from edge_agent.simulate.demo_site import CONSOLE, Demo
from edge_agent.simulate.judgement import Judgement, judge, show, show_checks
from edge_agent.simulate.plan import build_plan
from edge_agent.simulate.programs import ProgramError, running
from edge_agent.simulate.scenario import demo_scenario


def run(demo: Demo) -> bool:
    """Tell the story; whether everything was as it should be."""
    with ExitStack() as stack:
        ferries = demo.set_up(stack)
        with ThreadPoolExecutor(3) as pool:
            beside = [
                pool.submit(demo.board, ferries),
                pool.submit(demo.stage.tell_vehicles),
                pool.submit(demo.stage.play_vehicles),
            ]
            demo.run_traffic()
            demo.ask_the_desk()
            for each in beside:
                each.result()
        demo.settle()
        demo.import_declarations("late.csv", late=True)
        demo.stage.come_afterwards()
        alone = long_alone(demo)
        demo.settle()
        statuses = [gate.status for gate in demo.everybody]
        judgement = judge(demo.plan, demo.collector_config, statuses)
        show(CONSOLE, judgement)
        checks = [*story(demo, judgement.lines), alone, *books(demo)]
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


if __name__ == "__main__":
    sys.exit(main())
