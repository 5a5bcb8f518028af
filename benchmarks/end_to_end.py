"""Signed, verified, durable at both ends: from an agent's journal to the collector's receipt over mutual TLS."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import jetstream
from benchmarks.load import RECORD_BYTES
from benchmarks.report import cpu_seconds, table
from edge_agent.simulate.ports import free_ports
from edge_agent.simulate.programs import Program, ask, run_command, running, wait_until

COUNT = 300_032  # a multiple of the load's commit
RUNS = 3


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
            before = cpu_seconds(collector.pid)
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.load", str(state), str(count)],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise SystemExit(f"the load failed: {done.stderr}\n{collector.log_tail()}")
            result: dict[str, Any] = json.loads(done.stdout)
            result["collector_cpu_seconds"] = cpu_seconds(collector.pid) - before
            stats = ask("gate-collector", "stats", "--config", config)
            if stats["records"] != count or result["acknowledged"] != count:
                raise SystemExit(f"not everything arrived: {stats}")
    result["records_per_second"] = count / result["seconds"]
    result["agent_us_a_record"] = result["agent_cpu_seconds"] / count * 1e6
    result["collector_us_a_record"] = result["collector_cpu_seconds"] / count * 1e6
    return result


def main() -> None:
    """Prints a table: ours three times, JetStream once with a record a message and once with a commit a message."""
    runs = sorted((measure() for _ in range(RUNS)), key=lambda run: float(run["records_per_second"]))
    print(f"{COUNT:,} records of {RECORD_BYTES} bytes. Ours: signed, verified, durable at both ends, synchronous=FULL,")
    print("by mutual TLS over loopback, agent and collector as two processes; from the first append to the receipt")
    print("that covers the last record, in the agent's hands.\n")
    named = zip(("worst", "median", "best"), (runs[0], runs[len(runs) // 2], runs[-1]), strict=True)
    rows = [_row(name, run, "agent", "collector") for name, run in named]
    if jetstream.available():
        for in_a_message, count in ((1, COUNT // 3), (jetstream.COMMIT, COUNT)):
            peer = jetstream.measure(count, in_a_message)
            rows.append(_row(f"JetStream, records in a message: {in_a_message}", peer, "clients", "server"))
    print(table(("run", "records a second", "clients, µs of processor a record", "server, µs"), rows))
    print()
    if jetstream.available():
        print("JetStream with file storage as Debian ships it acknowledges before it syncs (every two minutes), and")
        print("signs and encrypts nothing: it is what a user would pick instead, not the same promise.")
    else:
        print("JetStream was not measured: nats-server is not installed (Debian: apt-get install nats-server).")


def _row(name: str, run: dict[str, Any], *ends: str) -> tuple[str, ...]:
    return (name, f"{run['records_per_second']:,.0f}", *(f"{run[f'{end}_us_a_record']:.1f}" for end in ends))


if __name__ == "__main__":
    main()
