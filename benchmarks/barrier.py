"""From the last reading to the barrier's command, with an idle uplink and while a backlog drains.

    python -m benchmarks.barrier [--vehicles 200] [--waiting 200000] [--limit 1400]

A real agent and a real collector; emulated are a scale, a plate camera and an input/output box on Modbus. Each vehicle
stands on the scale until its weight is known; then the camera posts its plate, which is the last reading a passage
needs. Measured is from the moment before that connection is opened until the whole Modbus request that switches the
barrier's coil on has arrived before the box: HTTP, evidence, inbox, passage, rules, record, desk and gateway, with
every write to the disk between them. What a barrier needs to move is not in it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.barrier_traffic import Traffic
from benchmarks.end_to_end import collector_in
from benchmarks.live import PASSAGE_EVERY, passage
from benchmarks.load import GROUP, records
from benchmarks.modbus_watch import Watch
from benchmarks.report import load, ms, table
from edge_agent.journal.journal import Journal
from edge_agent.keys import AgentKeys
from edge_agent.simulate.declarations import as_csv
from edge_agent.simulate.gate import Gate
from edge_agent.simulate.io_box import IoBox
from edge_agent.simulate.plan import LanePlan, VehiclePlan, build_plan
from edge_agent.simulate.ports import free_ports
from edge_agent.simulate.programs import run_command, running, wait_until
from edge_agent.simulate.scenario import parse_scenario
from edge_agent.status import reading
from gate_contract.v1.passage_pb2 import Passage
from gate_contract.v1.record_pb2 import Record
from gate_contract.v1.stamp_pb2 import Stamp

VEHICLES = 200
"""In each of the two runs."""

WAITING = 200_000
LIMIT = 1400
"""Records a second of the uplink while the backlog drains: so that it lasts as long as the vehicles come."""

REST_DRAINS_S = 300.0
KNOWN_SHARE = 0.95
"""So many vehicles at least must have been weighed before their plate was posted; the others are left out."""

SCENARIO = """
seed = 6

[[lane]]
site_id = "bench"
lane_id = "in-1"
direction = "inbound"
scale_device_id = "scale-1"
camera_device_id = "plate-1"
indicator = "yaohua-xk3190-a9-tf0"
division_kilograms = 20
rate_hertz = 50
regulated_goods = true
vehicles = {vehicles}
"""

QUICK_SCALE = 'stable_window = "100 ms"'
"""In the site file, so that many vehicles fit into a short time. The weight is known before the time begins."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run gave; all of the vehicles whose plate was the last reading, each list sorted, in seconds.

    Attributes:
        latencies: from the post to the barrier's command.
        kept: of that, from the camera's message to the decision: evidence, inbox, lane.
        let_go: of that, from there to the command: rules, record, desk, gateway, lamp.
        taken: records a second that the collector took meanwhile.
        load: processes that ran or waited for a core in the minute before its end.
    """

    latencies: Sequence[float]
    kept: Sequence[float]
    let_go: Sequence[float]
    taken: float
    load: float


def at(share: int, values: Sequence[float]) -> float:
    """What `share` percent of the sorted values do not exceed."""
    return values[min(len(values) * share // 100, len(values) - 1)]


def drive(traffic: Traffic, vehicles: Sequence[VehiclePlan], gate: Gate) -> Run:
    """All of them, one after another."""
    before, begun = _journal(gate), time.monotonic()
    latencies = traffic.run(vehicles)
    rate = (_journal(gate)["acknowledged"] - before["acknowledged"]) / (time.monotonic() - begun)
    told = recorded(gate, before["captured"], len(vehicles))
    known = [
        (latency, _seconds(passage.plates[0].at, passage.decided), _seconds(passage.decided, opened))
        for latency, (passage, opened) in zip(latencies, told, strict=True)
        if _seconds(passage.weighings[0].at, passage.plates[0].at) > 0
    ]
    if len(known) < len(vehicles) * KNOWN_SHARE:
        raise SystemExit(f"only {len(known)} weights stood still before the plate came: the machine is too busy")
    whole, kept, let_go = (sorted(values) for values in zip(*known, strict=True))
    return Run(whole, kept, let_go, rate, load())


def recorded(gate: Gate, first: int, vehicles: int) -> list[tuple[Passage, Stamp]]:
    """Each vehicle's passage, in order, with when its barrier was commanded; `first`: index of the first record."""
    found = [Record.FromString(body) for _, body in reading.records(gate.state_dir, first, 100 * vehicles)]
    passages = [each.passage for each in found if each.HasField("passage") and each.passage.revision == 1]
    opened = {
        each.actuation.passage_id: each.actuation.commanded
        for each in found
        if each.actuation.command == "open" and not each.actuation.outcome
    }
    if len(passages) != vehicles or len(opened) != vehicles:
        raise SystemExit(f"{vehicles} vehicles made {len(passages)} passages, and opened {len(opened)} times")
    return [(each, opened[each.passage_id]) for each in passages]


def _seconds(begin: Stamp, end: Stamp) -> float:
    return (end.monotonic_ns - begin.monotonic_ns) / 1e9


def preload(state_dir: Path, waiting: int) -> None:
    """Records that wait, one in PASSAGE_EVERY a passage: the collector has those to judge. None was ever let go."""
    journal = Journal(state_dir / "journal", AgentKeys.load(state_dir).signer)
    probes = records(GROUP)
    while journal.size < waiting:
        for offset in range(0, GROUP, PASSAGE_EVERY):
            probes[offset] = passage(f"old-{journal.size + offset}")
        journal.append(probes)
    journal.close()


def measure(vehicles: int, waiting: int, limit: int) -> tuple[Run, Run, int]:
    """While the backlog drains, and with an idle uplink, at the same gate; how many waited at the first one's end."""
    (plan,) = build_plan(parse_scenario(SCENARIO.format(vehicles=2 * vehicles), "bench"), datetime.now(UTC)).lanes
    http, io_port, box_port = free_ports(3)
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as temporary:
        directory = Path(temporary)
        collector, config = collector_in(directory)
        gate = Gate(directory / "gate", plan, http, "bench", io_port)
        site = gate.site_file.read_text(encoding="utf-8").replace('stable_window = "500 ms"', QUICK_SCALE)
        gate.site_file.write_text(f"{site}\n[collector]\nmax_records_per_s = {limit}\n", encoding="utf-8")
        with running(collector, gate.agent), IoBox(box_port) as box, Watch(io_port, box_port) as watch:
            collector.start()
            wait_until("the collector serves", lambda: "serving" in collector.log_tail())
            declare(directory, config, plan)
            gate.enrol(config)
            preload(gate.state_dir, waiting)
            traffic = Traffic(plan, gate, box, watch)
            with traffic.indicator:
                begin(gate, plan)
                draining = drive(traffic, plan.vehicles[:vehicles], gate)
                pending = _journal(gate)["pending"]
                gate.agent.stop()
                gate.site_file.write_text(site, encoding="utf-8")
                begin(gate, plan)
                wait_until("the rest has drained", lambda: _journal(gate)["pending"] == 0, REST_DRAINS_S)
                idle = drive(traffic, plan.vehicles[vehicles:], gate)
    return draining, idle, pending


def declare(directory: Path, config: Path, plan: LanePlan) -> None:
    """Every vehicle's declaration, so that every vehicle is released."""
    file = directory / "declarations.csv"
    file.write_text(as_csv(each.declaration for each in plan.vehicles if each.declaration), encoding="utf-8")
    run_command("gate-collector", "declarations", "import", file, "--config", config)


def begin(gate: Gate, plan: LanePlan) -> None:
    """The agent, with all declarations."""
    gate.agent.start()

    def ready() -> bool:
        snapshot = gate.snapshot()
        return snapshot is not None and snapshot["reference"]["declarations"] == len(plan.vehicles)

    wait_until("the gate has its declarations", ready)


def _journal(gate: Gate) -> dict[str, int]:
    counts: dict[str, int] = gate.status()["journal"]
    return counts


def main() -> None:
    """Both runs; prints a table."""
    parser = argparse.ArgumentParser(description="from the last reading to the barrier's command")
    parser.add_argument("--vehicles", type=int, default=VEHICLES, help="in each of the two runs")
    parser.add_argument("--waiting", type=int, default=WAITING, help="records that wait at the start")
    parser.add_argument("--limit", type=int, default=LIMIT, help="records a second of the uplink while they drain")
    asked = parser.parse_args()
    draining, idle, pending = measure(asked.vehicles, asked.waiting, asked.limit)
    print(f"{asked.vehicles} vehicles in each run, all released, one after another; {asked.waiting:,} records wait,")
    print(f"one in {PASSAGE_EVERY} a passage. When the last vehicle of the run beside the backlog had gone,")
    print(f"{pending:,} still waited. From the post of the plate, the last reading, to the barrier's coil on Modbus:\n")
    runs, shares = {"idle": idle, "draining": draining}, (50, 95, 99, 100)
    rows = [
        (
            name,
            len(run.latencies),
            f"{run.taken:,.0f}",
            *(ms(at(share, run.latencies)) for share in shares),
            f"{run.load:.1f}",
        )
        for name, run in runs.items()
    ]
    ratios = (f"{at(share, draining.latencies) / at(share, idle.latencies):.2f}" for share in shares)
    head = ("uplink", "vehicles", "records a second taken", "p50, ms", "p95, ms", "p99, ms", "most, ms", "load")
    print(table(head, [*rows, ("draining / idle", "", "", *ratios, "")]))
    print("\nOf that: keeping what the camera sent (pictures and message as evidence, the reading in the inbox), and")
    print(
        "letting go (rules, record, desk and gateway, each durable before the next, then the lamp and the barrier):\n"
    )
    print(
        table(
            ("uplink", "keeping p50, ms", "p99, ms", "letting go p50, ms", "p99, ms"),
            [
                (name, *(ms(at(share, values)) for values in (run.kept, run.let_go) for share in (50, 99)))
                for name, run in runs.items()
            ],
        )
    )
    if not pending:
        raise SystemExit("the backlog was gone before the last vehicle: give it more records or a lower limit")


if __name__ == "__main__":
    main()
