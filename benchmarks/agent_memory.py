"""Memory and processor time of an agent at work, and how it starts with records waiting.

    python -m benchmarks.agent_memory

At work: one lane, a 20 Hz scale, a truck every 2.5 seconds, for half a minute. Starting: the same agent, cut off.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.end_to_end import collector_in
from benchmarks.load import GROUP, records
from benchmarks.report import cpu_seconds, table
from edge_agent.journal.journal import Journal
from edge_agent.keys import AgentKeys
from edge_agent.simulate.gate import Gate
from edge_agent.simulate.plan import LanePlan, build_plan
from edge_agent.simulate.ports import free_port
from edge_agent.simulate.programs import Program, running
from edge_agent.simulate.scenario import demo_scenario
from edge_agent.simulate.site import LaneEmulator

SECONDS = 30
WAITING = (0, 100_000, 1_000_000)


def at_work() -> tuple[float, float]:
    """Peak resident memory, MB, and share of one core, of `edge-agent run` without vision."""
    with (
        tempfile.TemporaryDirectory(prefix="tidegate-bench-") as temporary,
        _enrolled(Path(temporary)) as (gate, lane, _),
    ):
        gate.agent.start_until("agent.started")
        with LaneEmulator(lane, gate.port_link, gate.camera_url, gate.may_go):
            before, begun = cpu_seconds(gate.agent.pid), time.monotonic()
            time.sleep(SECONDS)
            share = (cpu_seconds(gate.agent.pid) - before) / (time.monotonic() - begun)
        return _peak_mb(gate), share


def starting(waiting: int) -> tuple[float, float]:
    """Seconds until an agent with so many records waiting works, from the start of the process; its peak memory, MB."""
    with (
        tempfile.TemporaryDirectory(prefix="tidegate-bench-") as temporary,
        _enrolled(Path(temporary)) as (gate, _, collector),
    ):
        collector.stop()
        keys, batch = AgentKeys.load(gate.state_dir), records(GROUP)
        with closing(Journal(gate.state_dir / "journal", keys.signer)) as journal:
            while journal.size < waiting:
                journal.append(batch)
        begun = time.monotonic()
        gate.agent.start_until("agent.started")
        taken = time.monotonic() - begun
        time.sleep(3)
        return taken, _peak_mb(gate)


@contextmanager
def _enrolled(directory: Path) -> Iterator[tuple[Gate, LanePlan, Program]]:
    """A gate that has its keys, and its collector, which runs; what runs is ended."""
    lane = build_plan(demo_scenario(), datetime.now(UTC)).lanes[0]
    collector, config = collector_in(directory)
    gate = Gate(directory / "gate", lane, free_port(), "bench")
    with running(collector, gate.agent):
        collector.start_until("serving ")
        gate.enrol(config)
        yield gate, lane, collector


def _peak_mb(gate: Gate) -> float:
    status = Path(f"/proc/{gate.agent.pid}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1000


def main() -> None:
    """Prints a sentence and a table."""
    peak, share = at_work()
    print("One lane, a 20 Hz scale, a truck about every 2.5 s, without vision:")
    print(f"peak {peak:.0f} MB resident, {share:.1%} of one core.\n")
    rows = []
    for waiting in WAITING:
        seconds, most = starting(waiting)
        rows.append((f"{waiting:,}", f"{seconds:.1f}", f"{most:.0f}"))
    print(table(("records waiting at the start", "process start to work, s", "peak resident, MB"), rows))


if __name__ == "__main__":
    main()
