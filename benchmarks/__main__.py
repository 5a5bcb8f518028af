"""`make bench`: what each stage costs, end to end throughput, the agent's memory. Prints and writes RESULTS.md."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import agent_memory, end_to_end, stages

RESULTS = Path(__file__).parent / "RESULTS.md"
END_TO_END_RUNS = 3


def main() -> int:
    """Measure everything and write it down."""
    print("stages …", file=sys.stderr)
    costs = stages.costs()
    print("end to end …", file=sys.stderr)
    runs = sorted((end_to_end.measure() for _ in range(END_TO_END_RUNS)), key=lambda run: run["records_per_second"])
    print("memory …", file=sys.stderr)
    memory = agent_memory.measure()
    text = _report(costs, runs, memory)
    print(text)
    RESULTS.write_text(text, encoding="utf-8")
    return 0


def _report(costs: list[stages.Cost], runs: list[dict[str, float]], memory: dict[str, float]) -> str:
    unit = next(cost.microseconds for cost in costs if cost.stage.startswith("SHA-256"))
    best, median, worst = runs[-1], runs[len(runs) // 2], runs[0]
    lines = [
        "# Results",
        "",
        f"Made by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {stages.machine()}. Medians; the machine is shared, so",
        "compare the ratios, which are of one run, rather than the microseconds.",
        "",
        "## Each stage",
        "",
        "| stage | µs an item | in SHA-256 leaf hashes |",
        "|---|---:|---:|",
        *(f"| {cost.stage} | {cost.microseconds:,.2f} | {cost.microseconds / unit:,.1f} |" for cost in costs),
        "",
        "## End to end",
        "",
        f"{int(median['records']):,} records of 300 bytes, signed, verified, durable at both ends (synchronous=FULL),",
        "mutual TLS over loopback, agent and collector as two processes. From the first append to the receipt that",
        "covers the last record, in the agent's hands.",
        "",
        "| | records a second | agent, µs of processor a record | collector, µs of processor a record |",
        "|---|---:|---:|---:|",
        *(
            f"| {name} of {len(runs)} | {run['records_per_second']:,.0f} | {run['agent_us_a_record']:.1f} "
            f"| {run['collector_us_a_record']:.1f} |"
            for name, run in (("worst", worst), ("median", median), ("best", best))
        ),
        "",
        "## The agent at work",
        "",
        f"One lane, a 20 Hz scale, a truck about every 2.5 s, without vision: peak {memory['peak_resident_mb']:.0f} MB",
        f"resident, {memory['share_of_one_core']:.1%} of one core.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
