"""What must hold when the demo's story has ended."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from edge_agent.simulate.demo_site import CONSOLE, Demo
from edge_agent.simulate.judgement import Check, Line
from edge_agent.simulate.programs import ask, run_command, wait_until
from edge_agent.simulate.story.judging import confusion, is_right
from edge_agent.simulate.story.result import due_of_scenario, playing_checks, show_confusion, story_checks


def long_alone(demo: Demo) -> Check:
    """A gate that nobody has reached for 13 hours says so in its own decisions (K05)."""
    wait_until("the passenger gate has nothing pending", demo.stage.people.delivered, 120)
    demo.collector.stop()
    demo.stage.grow_old()
    demo.stage.people.start()
    codes = demo.stage.shown_old()
    demo.start_collector()
    old = sum("K05" in each for each in codes)
    return Check("a gate that was long alone says so (K05)", old == len(codes) > 1, f"{old} of {len(codes)}")


def story(demo: Demo, lines: Iterable[Line]) -> list[Check]:
    """Everybody: waits until sailings are judged, too, and shows the table. `lines` are the scenario's trucks."""
    due = [*due_of_scenario(lines), *demo.stage.due()]
    subjects = {each.subject for each in due}
    end = time.monotonic() + 60
    while True:
        found = demo.stage.found()
        rows = confusion(due, found)
        if all(row.caught == row.subjects for row in rows) or time.monotonic() > end:
            break
        time.sleep(1)
    show_confusion(CONSOLE, rows)
    for each in due:
        if not is_right(each, found.get(each.subject)):
            CONSOLE.print(f"[red]{each.subject}[/] ({each.injected}): {found.get(each.subject)}", markup=True)
    told: dict[str, Any] = ask("gate-collector", "rules", "list", "--config", demo.collector_config)
    rules = frozenset(each["code"] for each in told["rules"]) - {"K05"}
    checks = story_checks(due, found, rules)
    checks.append(Check("everybody who came was judged", subjects <= found.keys(), f"{len(subjects)} subjects"))
    playing = demo.stage.playing
    openings = sum(gate.openings for gate in playing.gates)
    return [*checks, *playing_checks(playing.crossed, openings, found, playing.lane_ids)]


def books(demo: Demo) -> list[Check]:
    """What must hold of the barriers, the cases, and the past."""
    free = {crossing.vehicle.number for crossing in demo.crossings if crossing.through}
    let_go = {v.number for v in demo.plan.vehicles if v.truth.at_passage.action == "RELEASE"}
    opened = sum(len(box.rises(0)) for box in demo.boxes)
    # The vehicle that stood there when the agent was killed may have found the barrier down again.
    barrier = free <= let_go and len(let_go - free) <= 1 and opened <= len(let_go)
    replay = run_command(
        "gate-collector", "replay", "--from", "1h", "--json", "--config", demo.collector_config, check=False
    )
    cases: list[dict[str, Any]] = ask("gate-collector", "cases", "list", "--config", demo.collector_config)
    words = replay.stderr.strip().splitlines()
    return [
        Check("barriers opened for those who were let go", barrier, f"{len(free)} of {len(let_go)}, {opened} openings"),
        Check("judged again, every decision is the same", replay.returncode == 0, words[-1] if words else "no changes"),
        Check("whatever needs a person has a case", len(cases) > 0, f"{len(cases)} cases"),
    ]
