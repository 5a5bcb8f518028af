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
from decimal import Decimal
from http import HTTPStatus
from http.client import HTTPConnection
from itertools import zip_longest
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.end_to_end import collector_in
from benchmarks.live import PASSAGE_EVERY, passage
from benchmarks.load import GROUP, records
from benchmarks.modbus_watch import Watch
from benchmarks.report import load, ms, table
from edge_agent.journal.journal import Journal
from edge_agent.keys import AgentKeys
from edge_agent.simulate.anpr import CameraDetails, event_body, plate_event
from edge_agent.simulate.camera import CHINA, MULTIPART
from edge_agent.simulate.declarations import as_csv
from edge_agent.simulate.gate import Gate
from edge_agent.simulate.indicator import Indicator
from edge_agent.simulate.io_box import BARRIER, LOOP_OUT, IoBox
from edge_agent.simulate.plan import LanePlan, VehiclePlan, build_plan
from edge_agent.simulate.ports import free_ports
from edge_agent.simulate.programs import run_command, running, wait_until
from edge_agent.simulate.scenario import parse_scenario
from edge_agent.simulate.site import indicator_frames
from edge_agent.status import reading
from gate_contract.v1.record_pb2 import Record

VEHICLES = 200
"""In each of the two runs."""

WAITING = 200_000
LIMIT = 1400
"""Records a second of the uplink while the backlog drains: so that it lasts as long as the vehicles come."""

KNOWN_SHARE = 0.95
"""So many vehicles at least must have been weighed before their plate was posted; the others are left out."""

PATIENCE_S = 30.0
EMPTY_S = 0.1
STANDS_S = 0.3
"""A vehicle stands for so long before its plate is posted: three times what its weight takes to stand still."""

SHUTS_S = 1.0
"""So long after the loop is free the barrier is told to shut, or the loop was not seen."""

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


class Traffic:
    """One vehicle after another through the lane; the driver goes by the barrier alone."""

    def __init__(self, plan: LanePlan, gate: Gate, box: IoBox, watch: Watch) -> None:
        """`gate` runs or will run with the scale and camera that this emulates."""
        lane = plan.lane
        self._box, self._watch = box, watch
        self._url = urlsplit(gate.camera_url)
        self._camera = CameraDetails(f"EMULATED-{lane.camera_device_id}")
        self._kilograms, self._since = Decimal(0), time.monotonic()
        self.indicator = Indicator(indicator_frames(lane), gate.port_link, lambda: self._kilograms, lane.rate_hertz)

    def run(self, vehicles: Sequence[VehiclePlan]) -> list[float]:
        """For each, seconds from its last reading to the barrier's command.

        While one goes under the barrier the next drives onto the scale.
        """
        latencies = []
        self._load(vehicles[0].gross_kilograms)
        for vehicle, following in zip_longest(vehicles, vehicles[1:]):
            time.sleep(max(0.0, self._since + STANDS_S - time.monotonic()))
            begun, commanded = self._shown(vehicle)
            latencies.append(commanded - begun)
            self._load(Decimal(0))
            time.sleep(EMPTY_S)
            self._load(following.gross_kilograms if following else Decimal(0))
            self._go_under(commanded)
        return latencies

    def _load(self, kilograms: Decimal) -> None:
        self._kilograms, self._since = kilograms, time.monotonic()

    def _shown(self, vehicle: VehiclePlan) -> tuple[float, float]:
        """When the plate began to be posted, and when the barrier was told to open."""
        event = plate_event(self._camera, vehicle.number, datetime.now(CHINA), vehicle.read_as, vehicle.colour)
        body = event_body(self._camera, event, 1)
        begun = time.monotonic()
        self._post(body)
        commanded = self._watch.written(BARRIER, on=True, after=begun)
        if commanded is None:
            raise SystemExit(f"the barrier stayed down for {PATIENCE_S:g} s before vehicle {vehicle.number}")
        return begun, commanded

    def _go_under(self, commanded: float) -> None:
        """Over the loop, until the barrier comes down; again, should the agent have looked away."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            self._box.set_input(LOOP_OUT, active=True)
            self._watch.polled()
            self._box.set_input(LOOP_OUT, active=False)
            if self._watch.written(BARRIER, on=False, after=commanded, within_s=SHUTS_S) is not None:
                return
        raise SystemExit(f"the barrier stayed up for {PATIENCE_S:g} s behind a vehicle")

    def _post(self, body: bytes) -> None:
        """On a connection of its own, as these cameras do it."""
        connection = HTTPConnection(self._url.hostname or "", self._url.port, timeout=PATIENCE_S)
        connection.request("POST", self._url.path, body, {"Content-Type": MULTIPART, "Connection": "close"})
        status = connection.getresponse().status
        connection.close()
        if status != HTTPStatus.OK:
            raise SystemExit(f"a plate was answered with {status}")


@dataclass(frozen=True, slots=True)
class Run:
    """What one run gave.

    Attributes:
        latencies: seconds, sorted; of the vehicles whose plate was the last reading.
        drained: records a second that the collector took meanwhile.
        load: processes that ran or waited for a core in the minute before its end.
    """

    latencies: Sequence[float]
    drained: float
    load: float

    def at(self, share: int) -> float:
        """The latency that `share` percent do not exceed."""
        return self.latencies[min(len(self.latencies) * share // 100, len(self.latencies) - 1)]


def drive(traffic: Traffic, vehicles: Sequence[VehiclePlan], gate: Gate) -> Run:
    """All of them, one after another."""
    before, begun = _journal(gate), time.monotonic()
    latencies = traffic.run(vehicles)
    taken = _journal(gate)["acknowledged"] - before["acknowledged"]
    late = weighed_late(gate, before["captured"], len(vehicles))
    known = sorted(latency for latency, is_late in zip(latencies, late, strict=True) if not is_late)
    if len(known) < len(vehicles) * KNOWN_SHARE:
        raise SystemExit(f"only {len(known)} weights stood still before the plate came: the machine is too busy")
    return Run(known, taken / (time.monotonic() - begun), load())


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
                wait_until("the rest has drained", lambda: _journal(gate)["pending"] == 0, 120)
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


def weighed_late(gate: Gate, first: int, vehicles: int) -> list[bool]:
    """For each vehicle in order, whether its weight was the last reading; `first` is the index of the first record."""
    found = [Record.FromString(body) for _, body in reading.records(gate.state_dir, first, 100 * vehicles)]
    passages = [each.passage for each in found if each.HasField("passage") and each.passage.revision == 1]
    if len(passages) != vehicles:
        raise SystemExit(f"{vehicles} vehicles made {len(passages)} passages")
    return [each.weighings[0].at.monotonic_ns > each.plates[0].at.monotonic_ns for each in passages]


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
    rows = [
        (
            name,
            len(run.latencies),
            f"{run.drained:,.0f}",
            *(ms(run.at(share)) for share in (50, 95, 99, 100)),
            f"{run.load:.1f}",
        )
        for name, run in (("idle", idle), ("draining", draining))
    ]
    ratios = (f"{draining.at(share) / idle.at(share):.2f}" for share in (50, 95, 99, 100))
    head = ("uplink", "vehicles", "records a second taken", "p50, ms", "p95, ms", "p99, ms", "most, ms", "load")
    print(table(head, [*rows, ("draining / idle", "", "", *ratios, "")]))
    if not pending:
        raise SystemExit("the backlog was gone before the last vehicle: give it more records or a lower limit")


if __name__ == "__main__":
    main()
