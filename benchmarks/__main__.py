"""`make bench`: everything that is measured, each by a command of its own, and written to RESULTS.md.

    python -m benchmarks [NAME ...]

Without names all of them run. With names only these do, and their parts of RESULTS.md are replaced. Each is a process
of its own (`python -m benchmarks.NAME`), so that none warms or burdens another. One that fails says so in its part.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.report import load, machine

RESULTS = Path(__file__).parent / "RESULTS.md"

PARTS = {
    "stages": "What each stage costs",
    "rules": "The rule book over one passage",
    "reconcile": "The centre's judge, with everything it looks at",
    "end_to_end": "End to end, and NATS JetStream beside it",
    "latency": "From capture to verdict",
    "barrier": "From the last reading to the barrier",
    "live": "A backlog: live before it, and how fast it drains",
    "journal_start": "A million records: start, memory, disk",
    "agent_memory": "The agent at work",
    "profiles": "Scales: frames a second",
    "devices": "Other devices: messages a second",
    "plates": "Plate cameras: events a second",
    "vision_models": "Vision: models",
    "vision_faces": "Vision: faces",
    "vision_plates": "Vision: plates",
    "vision_containers": "Vision: container numbers",
    "vision_video": "Vision: a lane's video",
}
"""Modules of this package with their titles, in the order of RESULTS.md."""

HEAD = """# Results

Made by `make bench`; each part with the command that makes it again, alone. The machine is shared with others: compare
figures of one part, which are of one run, rather than those of different parts. The load is the number of processes
that wanted a core in the minute before.
"""


def main(names: list[str]) -> int:
    """Measure, print and keep; exit code 1 when one of them failed."""
    if unknown := set(names) - set(PARTS):
        print(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    parts, failed = kept(), []
    for name in names or PARTS:
        before, begun = load(), time.monotonic()
        print(f"{name} …", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            failed.append(name)
        taken = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {time.monotonic() - begun:.0f} s"
        head = f"`python -m benchmarks.{name}`: {taken}, load {before:.1f} before; {machine()}."
        failure = [f"**It ended with exit code {done.returncode}.**"] if done.returncode else []
        parts[name] = "\n\n".join([f"## {PARTS[name]}", head, *failure, done.stdout.strip()]) + "\n"
        print(parts[name], flush=True)
        text = [f"<!-- {name} -->\n{parts[name]}" for name in PARTS if name in parts]
        RESULTS.write_text("\n".join([HEAD, *text]), encoding="utf-8")
    print(f"failed: {', '.join(failed)}" if failed else f"kept in {RESULTS}", file=sys.stderr)
    return 1 if failed else 0


def kept() -> dict[str, str]:
    """The parts of RESULTS.md as it is."""
    if not RESULTS.exists():
        return {}
    _head, *found = re.split(r"^<!-- (\w+) -->\n", RESULTS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(found[::2], (part.rstrip("\n") + "\n" for part in found[1::2]), strict=True))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
