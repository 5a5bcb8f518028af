"""From the capture of a passage to the collector's verdict at different rates, with nothing waiting.

    python -m benchmarks.latency

Capture is when the passage was due; the verdict counts when another process can read it from the collector's database.
"""

from __future__ import annotations

from benchmarks.live import measure
from benchmarks.report import ms, table

LOADS = ((1, 0, 30), (10, 0, 300), (100, 0, 2000), (50, 19, 1000), (1000, 0, 10_000))
"""Passages a second, records of other kinds with each, passages in all."""


def main() -> None:
    """Prints a table."""
    print("Agent and collector as two processes, mutual TLS over loopback, a passage with a plate and a weight")
    print("that the collector judges. What is due while the disk syncs shares a commit.\n")
    rows = []
    for rate, others, count in LOADS:
        found = measure(0, 0, count, 1 / rate, others)
        latencies = (ms(found[f"p{share}"]) for share in (50, 95, 99))
        rows.append((f"{rate * (others + 1):,}", f"{rate:,}", f"{count:,}", *latencies))
    print(table(("records a second", "of them passages", "passages in all", "p50, ms", "p95, ms", "p99, ms"), rows))


if __name__ == "__main__":
    main()
