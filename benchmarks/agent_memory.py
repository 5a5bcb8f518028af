"""Resident memory and processor time of an idle-to-busy agent: one lane, a 20 Hz scale, a truck every 2.5 seconds."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.end_to_end import collector_in
from benchmarks.report import cpu_seconds
from edge_agent.simulate.gate import Gate
from edge_agent.simulate.plan import build_plan
from edge_agent.simulate.ports import free_ports
from edge_agent.simulate.programs import running, wait_until
from edge_agent.simulate.scenario import demo_scenario
from edge_agent.simulate.site import LaneEmulator

SECONDS = 30


def measure() -> dict[str, float]:
    """Peak resident memory, MB, and share of one core, of `edge-agent run` without vision."""
    plan = build_plan(demo_scenario(), datetime.now(UTC))
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as temporary:
        directory = Path(temporary)
        collector, config = collector_in(directory)
        gate = Gate(directory / "gate", plan.lanes[0], free_ports(1)[0], "bench")
        with running(collector, gate.agent):
            collector.start()
            wait_until("the collector serves", lambda: "serving" in collector.log_tail())
            gate.enrol(config)
            gate.agent.start()
            wait_until("the agent runs", lambda: gate.snapshot() is not None)
            with LaneEmulator(plan.lanes[0], gate.port_link, gate.camera_url, gate.may_go):
                before, begun = cpu_seconds(gate.agent.pid), time.monotonic()
                time.sleep(SECONDS)
                share = (cpu_seconds(gate.agent.pid) - before) / (time.monotonic() - begun)
            status = Path(f"/proc/{gate.agent.pid}/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return {"peak_resident_mb": int(peak.split()[1]) / 1000, "share_of_one_core": share}


def main() -> None:
    """Prints a sentence."""
    found = measure()
    print(
        f"One lane, a 20 Hz scale, a truck about every 2.5 s, without vision: peak {found['peak_resident_mb']:.0f} MB"
    )
    print(f"resident, {found['share_of_one_core']:.1%} of one core.")


if __name__ == "__main__":
    main()
