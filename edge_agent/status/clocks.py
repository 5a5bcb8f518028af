"""This moment by the machine's clocks. Standard library only."""

from __future__ import annotations

import time
from pathlib import Path

from edge_agent.status.health import Now


def clocks_now() -> Now:
    """All clocks at once."""
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip().replace("-", "")
    return Now(time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME), time.monotonic_ns(), boot_id)
