"""Was everything as it should be? What the collector says, held against what was injected."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from edge_agent.simulate.plan import Plan, VehiclePlan
from edge_agent.simulate.programs import ask, run_command

ALL = "100000"


@dataclass(frozen=True, slots=True)
class Seen:
    """A passage as the collector lists it; `action` is None until it is judged."""

    passage_id: str
    lane_id: str
    plate: str
    kilograms: Decimal | None
    action: str | None
    codes: frozenset[str]
    gate_action: str | None
    revision: int


@dataclass(frozen=True, slots=True)
class Line:
    """One vehicle: the truth beside what was seen of it; `wrong` says what does not fit."""

    vehicle: VehiclePlan
    seen: Seen | None
    wrong: str


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold, with what was found."""

    name: str
    holds: bool
    found: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """The demo's result."""

    lines: tuple[Line, ...]
    checks: tuple[Check, ...]

    @property
    def good(self) -> bool:
        """Whether every vehicle and every check is as it should be."""
        return all(not line.wrong for line in self.lines) and all(check.holds for check in self.checks)


def seen_vehicles(collector_config: Path) -> list[Seen]:
    """All passages at the collector."""
    listed: list[dict[str, Any]] = ask("gate-collector", "passages", "--limit", ALL, "--config", collector_config)
    return [
        Seen(
            passage_id=each["passage_id"],
            lane_id=each["lane_id"],
            plate=each["plate"],
            kilograms=Decimal(each["kilograms"]) if each["kilograms"] else None,
            action=each["action"],
            codes=frozenset(each["findings"]),
            gate_action=each["gate_action"],
            revision=each["revision"],
        )
        for each in listed
    ]


def judge(plan: Plan, collector_config: Path, statuses: Iterable[Callable[[], dict[str, Any]]]) -> Judgement:
    """Ask the collector and the gates, and compare."""
    lanes = {lane.lane.lane_id for lane in plan.lanes}
    seen = [each for each in _judged(plan, collector_config) if each.lane_id in lanes]
    lines = [
        _line(vehicle, [each for each in seen if _is(each, vehicle)], lane.lane.division_kilograms)
        for lane in plan.lanes
        for vehicle in lane.vehicles
    ]
    known = [each for each in seen if any(_is(each, vehicle) for vehicle in plan.vehicles)]
    checks = [
        Check("every vehicle is one passage", len(seen) == len(plan.vehicles), f"{len(seen)} passages"),
        Check("no passage of no vehicle", len(known) == len(seen), f"{len(seen) - len(known)} strangers"),
    ]
    audit = run_command("gate-collector", "audit", "--config", collector_config, check=False)
    last_words = (audit.stdout.strip() or audit.stderr.strip()).splitlines()
    checks.append(Check("the ledger is audited", audit.returncode == 0, last_words[-1] if last_words else ""))
    checks += _balances(collector_config, [status() for status in statuses])
    return Judgement(tuple(lines), tuple(checks))


def show(console: Console, judgement: Judgement) -> None:
    """The tables."""
    table = Table(title="Declared against measured", title_justify="left", box=None, pad_edge=False)
    for name in ("#", "lane", "plate", "read as", "declared kg", "measured kg", "injected", "expected", "verdict", ""):
        table.add_column(name, justify="right" if name.endswith("kg") or name == "#" else "left", no_wrap=True)
    for line in judgement.lines:
        vehicle, seen = line.vehicle, line.seen
        declared = vehicle.declaration.gross_kilograms if vehicle.declaration else None
        table.add_row(
            str(vehicle.number),
            vehicle.lane_id,
            vehicle.plate,
            seen.plate if seen else "-",
            f"{declared:,f}" if declared is not None else "-",
            f"{seen.kilograms:,f}" if seen and seen.kilograms is not None else "-",
            vehicle.injection,
            str(vehicle.truth.finally_),
            _said(seen),
            f"[red]{line.wrong}[/]" if line.wrong else "[green]✓[/]",
        )
    console.print(table)
    show_checks(console, judgement.checks)


def show_checks(console: Console, checks: Iterable[Check]) -> None:
    """A line each."""
    for check in checks:
        mark = "[green]✓[/]" if check.holds else "[red]✗[/]"
        console.print(f"{mark} {check.name}: {check.found}", highlight=False)


def _judged(plan: Plan, collector_config: Path) -> list[Seen]:
    """Passages once those with a late declaration have been judged again (or the time for it is over)."""
    late = [vehicle for vehicle in plan.vehicles if vehicle.declared_late]
    end = time.monotonic() + 15
    while True:
        seen = seen_vehicles(collector_config)
        again = [each for each in seen if "K02" in each.codes and any(_is(each, vehicle) for vehicle in late)]
        if len(again) >= len(late) or time.monotonic() > end:
            return seen
        time.sleep(0.3)


def _is(seen: Seen, vehicle: VehiclePlan) -> bool:
    return seen.lane_id == vehicle.lane_id and seen.plate == vehicle.read_as


def _line(vehicle: VehiclePlan, seen: list[Seen], division: Decimal) -> Line:
    if len(seen) != 1:
        return Line(vehicle, seen[0] if seen else None, "missing" if not seen else f"{len(seen)} times")
    (one,) = seen
    wrong = []
    if _said(one) != str(vehicle.truth.finally_):
        wrong.append("verdict")
    if one.gate_action is None or one.gate_action.upper() != vehicle.truth.at_passage.action:
        wrong.append(f"the gate said {one.gate_action}")
    if one.kilograms is None or abs(one.kilograms - vehicle.gross_kilograms) > division:
        wrong.append("weight")
    return Line(vehicle, one, ", ".join(wrong))


def _said(seen: Seen | None) -> str:
    return "-" if seen is None else " ".join([(seen.action or "").upper(), *sorted(seen.codes)])


def _balances(collector_config: Path, statuses: list[dict[str, Any]]) -> list[Check]:
    stats = ask("gate-collector", "stats", "--config", collector_config)
    checks = []
    captured = 0
    for status in statuses:
        journal = status["journal"]
        captured += journal["captured"]
        parts = [journal[name] for name in ("acknowledged", "pending", "dead_lettered")]
        lanes = ", ".join(lane["id"] for lane in status["lanes"])
        checks.append(
            Check(
                f"{lanes}: captured = acknowledged + pending + dead-lettered",
                journal["captured"] == sum(parts) and parts[1] == 0,
                f"{journal['captured']} = {' + '.join(map(str, parts))}",
            )
        )
    checks.append(
        Check(
            "every record is at the collector once",
            stats["records"] == captured,
            f"{stats['records']} of {captured}",
        )
    )
    clean = stats["dead_lettered"] == 0 and stats["quarantined"] == 0
    found = f"{stats['dead_lettered']} dead letters, {stats['quarantined']} quarantined"
    checks.append(Check("nothing was refused", clean, found))
    return checks
