"""How long a journal takes to open, and the memory it takes, with a long backlog.

    python -m benchmarks.journal_start [RECORDS ...]

Records that wait: 1,000, 100,000 and 1,000,000. Opened in a process of its own, sound and with a flipped bit.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.report import table
from edge_agent.journal.journal import Journal
from gate_contract.checkpoint import Signer

GROUP = 512
SIGNER = Signer("bench/agent/a/0011", Ed25519PrivateKey.from_private_bytes(bytes(32)))


def fill(directory: Path, count: int, group: int) -> None:
    """Append `count` records of 300 bytes, `group` in a commit."""
    from benchmarks.load import records  # noqa: PLC0415 - the process that only opens must not load gRPC

    batch = records(group)
    with closing(Journal(directory, SIGNER)) as journal:
        while journal.size < count:
            journal.append(batch)


def open_it(directory: Path) -> None:
    """Open, read once as the uplink does, and print what it took."""
    before = most_mb()
    begun = time.perf_counter()
    with closing(Journal(directory, SIGNER)) as journal:
        opened = time.perf_counter() - begun
        journal.stretch(journal.counts().acknowledged, 8192, 4 << 20)
        after = most_mb()
        print(
            json.dumps(
                {
                    "records": journal.size,
                    "segments": journal.segments,
                    "open_seconds": round(opened, 3),
                    "rss_mb": after,
                    "rss_before_mb": before,
                    "losses": len(journal.losses),
                }
            )
        )


def most_mb() -> int:
    """The most memory this process has had, MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) >> 10 for line in lines if line.startswith("VmHWM"))


def measured(directory: Path) -> dict[str, float]:
    """`open_it` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.journal_start", "--open", str(directory)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main(counts: list[int], group: int) -> None:
    """Fill, then open: as it was closed, and with a bit of the active segment flipped. Prints a table."""
    rows = [row for count in counts for row in _rows(count, group)]
    print(
        f"Records of 300 bytes, {group} in a commit; opened in a process of its own, and read once as the uplink does."
    )
    print()
    head = (
        "records waiting",
        "the journal",
        "on the disk, MiB",
        "open, s",
        "most resident, MiB",
        "before opening, MiB",
    )
    print(table(head, rows))


def _rows(count: int, group: int) -> list[tuple[object, ...]]:
    room = Path(tempfile.mkdtemp(prefix="tidegate-bench-"))
    try:
        directory = room / "state" / "journal"
        directory.parent.mkdir()
        fill(directory, count, group)
        size = sum(path.stat().st_size for path in directory.iterdir()) >> 20
        sound = measured(directory)
        active = max(directory.glob("*.db"))
        data = bytearray(active.read_bytes())
        data[len(data) // 2] ^= 4
        active.write_bytes(data)
        damaged = measured(directory)
    finally:
        shutil.rmtree(room)
    figures = ("open_seconds", "rss_mb", "rss_before_mb")
    return [
        (f"{count:,}", name, size, *(found[figure] for figure in figures))
        for name, found in (("sound", sound), ("a bit flipped", damaged))
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--open"]:
        open_it(Path(sys.argv[2]))
    else:
        main([int(each) for each in sys.argv[1:]] or [1_000, 100_000, 1_000_000], GROUP)
