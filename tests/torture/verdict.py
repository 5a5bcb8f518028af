"""After the torture: is each event that a camera was told is captured at the collector, exactly once, in order?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from edge_agent.simulate.programs import ask, run_command
from edge_agent.status.snapshot import read_snapshot
from gate_contract.v1.record_pb2 import Record
from tests.torture.ends import CollectorEnd, End, GateEnd
from tests.torture.reader import Held, appearances, doubled_in_a_record, held_journals, missing_evidence

# What no program may ever write to its log.
_UGLY = re.compile(
    r"Traceback \(most recent call last\)|agent\.defect|met a fault|alarm:|database disk image is malformed"
)
_LOSSES = frozenset({"evidence-lost"})


def counted(gate: GateEnd, word: str) -> list[str]:
    """Plates in the counter's log after `word`: "offered" or "told", in order."""
    lines = gate.counted.read_text(encoding="utf-8").splitlines() if gate.counted.exists() else []
    return [line.split()[2] for line in lines if line.startswith(word + " ")]


def held_of(gate: GateEnd, collector: CollectorEnd) -> Held | None:
    """The gate's journal at the collector; None while there is none."""
    database = collector.state_dir / "collector.db"
    journals = held_journals(database) if database.exists() else []
    return next((held for held in journals if f"/agent/{gate.agent_id}/" in held.origin), None)


def missing(gate: GateEnd, collector: CollectorEnd) -> list[str]:
    """Told plates that are not at the collector yet, and evidence of told plates that is not."""
    held = held_of(gate, collector)
    if held is None:
        return ["the whole journal"]
    found = appearances(held)
    problems = [
        f"{plate} was told and is not at the collector" for plate in counted(gate, "told") if plate not in found
    ]
    for plate in counted(gate, "told"):
        for appearance in found.get(plate, ()):
            problems += missing_evidence(appearance.read, collector.state_dir / "evidence")
    return problems


def journal_of(gate: GateEnd) -> dict[str, Any]:
    """The journal's balance as the running agent says; empty while it says nothing."""
    snapshot = read_snapshot(gate.directory / "run")
    if snapshot is None or snapshot["pid"] != gate.pid:
        return {}
    journal: dict[str, Any] = snapshot["journal"]
    return journal


def judge_gate(gate: GateEnd, collector: CollectorEnd) -> list[str]:
    """Everything that is wrong with what became of one gate's events."""
    held = held_of(gate, collector)
    if held is None:
        return [f"{gate.name}: the collector has no journal of it"]
    problems = held.problems + doubled_in_a_record(held) + missing(gate, collector)
    found = appearances(held)
    offered = set(counted(gate, "offered"))
    for plate, places in found.items():
        if plate not in offered:
            problems.append(f"{plate} was never offered: {places[0].owner}")
        if len(places) > 1:
            problems.append(f"{plate} is there {len(places)} times: {[place.owner for place in places]}")
    if not gate.has_scale:  # a lane with a scale records a plate at once or waits for the weight
        problems += _out_of_order([(plate, found[plate][0].index) for plate in counted(gate, "told") if plate in found])
    problems += _said_lost(held)
    return [f"{gate.name}: {problem}" for problem in problems]


def _out_of_order(told: Sequence[tuple[str, int]]) -> list[str]:
    """The camera posts one event after another, so the records have their order."""
    return [
        f"{a} was told before {b} and is recorded after it ({i} > {k})" for (a, i), (b, k) in pairwise(told) if i > k
    ]


def _said_lost(held: Held) -> list[str]:
    """A kill loses nothing: nobody may record a loss."""
    problems: list[str] = []
    for index, body in enumerate(held.records):
        record = Record.FromString(body)
        if record.HasField("loss"):
            problems.append(f"record {index} says that something was lost: {record.loss.text}")
        if record.HasField("incident") and record.incident.code in _LOSSES:
            problems.append(f"record {index}: {record.incident.code}: {record.incident.text}")
    return problems


def judge_balance(gate: GateEnd, journal: dict[str, Any]) -> list[str]:
    """The balance of a journal that was drained: captured = acknowledged + pending + dead-lettered."""
    parts = journal["acknowledged"] + journal["pending"] + journal["dead_lettered"]
    if journal["captured"] != parts or journal["dead_lettered"]:
        return [f"{gate.name}: the balance does not hold, or something is dead: {journal}"]
    return []


def judge_collector(collector: CollectorEnd) -> list[str]:
    """The audit, and nothing refused."""
    stats = ask("gate-collector", "stats", "--config", collector.config)
    problems = [f"the collector has {stats[name]} {name}" for name in ("quarantined", "dead_lettered") if stats[name]]
    audit = run_command("gate-collector", "audit", "--config", collector.config, check=False)
    if audit.returncode:
        problems.append(
            f"gate-collector audit: exit code {audit.returncode}\n{audit.stdout[-2000:]}{audit.stderr[-2000:]}"
        )
    return problems


def judge_state(gate: GateEnd) -> list[str]:
    """`edge-agent fsck` on what the stopped agent left."""
    fsck = run_command("edge-agent", "fsck", "--config", gate.site_file, check=False)
    if fsck.returncode:
        return [
            f"{gate.name}: edge-agent fsck: exit code {fsck.returncode}\n{fsck.stdout[-2000:]}{fsck.stderr[-2000:]}"
        ]
    return []


def judge_log(end: End) -> list[str]:
    """What no program may write to its log."""
    text = end.log_text()
    found = _UGLY.search(text)
    return [] if found is None else [f"{end.name} wrote: …{text[max(0, found.start() - 300) : found.end() + 1500]}"]
