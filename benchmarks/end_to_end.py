"""Signed, verified, durable at both ends: from an agent's journal to the collector's receipt over mutual TLS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from edge_agent.simulate.ports import free_ports
from edge_agent.simulate.programs import Program, ask, run_command, running, wait_until

COUNT = 300_032  # a multiple of the load's commit


def collector_in(directory: Path) -> tuple[Program, Path]:
    """A collector with a fresh state directory, and its configuration file."""
    uplink, enrolment = free_ports(2)
    config = directory / "collector.toml"
    config.write_text(
        f'deployment = "bench.example"\nstate_dir = "collector"\nlisten = "127.0.0.1:{uplink}"\n'
        f'enrol_listen = "127.0.0.1:{enrolment}"\nhostnames = ["127.0.0.1"]\n',
        encoding="utf-8",
    )
    return Program(directory / "collector.log", "gate-collector", "serve", "--config", config), config


def enrolled_agent(directory: Path, config: Path) -> Path:
    """State directory of an enrolled agent."""
    invitation, state = directory / "invitation.json", directory / "agent"
    run_command("gate-collector", "agents", "invite", "bench", "--site", "bench", "-o", invitation, "--config", config)
    run_command("edge-agent", "enrol", "--invite", invitation, "--state-dir", state)
    return state


def measure(count: int = COUNT) -> dict[str, Any]:
    """One run; rates in records a second."""
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as temporary:
        directory = Path(temporary)
        collector, config = collector_in(directory)
        with running(collector):
            collector.start()
            wait_until("the collector serves", lambda: "serving" in collector.log_tail())
            state = enrolled_agent(directory, config)
            before = _cpu_seconds(collector)
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.load", str(state), str(count)],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise SystemExit(f"the load failed: {done.stderr}\n{collector.log_tail()}")
            result: dict[str, Any] = json.loads(done.stdout)
            result["collector_cpu_seconds"] = _cpu_seconds(collector) - before
            stats = ask("gate-collector", "stats", "--config", config)
            if stats["records"] != count or result["acknowledged"] != count:
                raise SystemExit(f"not everything arrived: {stats}")
    result["records_per_second"] = count / result["seconds"]
    result["agent_us_a_record"] = result["agent_cpu_seconds"] / count * 1e6
    result["collector_us_a_record"] = result["collector_cpu_seconds"] / count * 1e6
    return result


def _cpu_seconds(program: Program) -> float:
    fields = Path(f"/proc/{program.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
