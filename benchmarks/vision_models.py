"""Models: how long a build takes, how long until all are loaded, how much memory that needs, and what one run costs.

Run with `python -m benchmarks.vision_models [DIR]`: with the models of DIR, or with ones that it builds for itself.
Each table comes from a process of its own. A run's time is the best of 15, since the machine is shared. The target is
700 MB with all models loaded.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TARGET = 700  # MB
REPEATS = 15

# What a gate has loaded: every session, then every reader after one picture, 1280 x 720.
_LOADED = """
import json, sys, time
began = time.perf_counter()
from pathlib import Path
import numpy as np
from edge_agent.vision.models import ModelDirectory
def resident():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
def peak():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
directory, threads = ModelDirectory(Path(sys.argv[1])), int(sys.argv[2])
for task in directory.tasks():
    directory.session(task, threads)
sessions = {"seconds": time.perf_counter() - began, "resident": resident()}
from edge_agent.vision.see import eye
eyes = [eye(subject, directory, threads) for subject in ("plate", "face", "container")]
readers = {"seconds": time.perf_counter() - began, "resident": resident()}
from edge_agent.vision.models.build.probes import shapes
picture = np.ascontiguousarray(shapes(720, 1280))
for look in eyes:
    look(picture)
print(json.dumps({"every session": sessions, "every reader": readers,
                  "after one picture each": {"seconds": time.perf_counter() - began, "resident": resident()},
                  "peak": {"seconds": None, "resident": peak()}}))
"""

_RUNS = """
import json, sys, time
from pathlib import Path
import numpy as np
from edge_agent.vision.models import ModelDirectory
from edge_agent.vision.models.build.probes import shapes
from edge_agent.vision.models.contract import prepare
directory, threads, repeats = ModelDirectory(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
sizes = {"face-detector": (288, 480), "plate-detector": (384, 640), "text-detector": (480, 640),
         "text-reader": (48, 320)}
rows = {}
for task in directory.tasks():
    model = directory.model(task)
    began = time.perf_counter()
    session = directory.session(task, threads)
    loaded = time.perf_counter() - began
    blob = prepare(np.ascontiguousarray(shapes(480, 640)), model.manifest.input, *sizes.get(str(task), (320, 320)))
    took = []
    for _ in range(repeats):
        began = time.perf_counter()
        session.run(None, {model.manifest.input.name: blob})
        took.append(time.perf_counter() - began)
    rows[str(task)] = {"size": "x".join(map(str, blob.shape[2:])), "load": loaded, "run": min(took),
                       "bytes": len(model.read(model.manifest.model))}
print(json.dumps(rows))
"""


def _in_a_process(program: str, *arguments: object) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _build(directory: Path) -> float:
    began = time.perf_counter()
    program = "from edge_agent.cli import main; main()"
    command = [sys.executable, "-c", program, "models", "build", "--dir", str(directory)]
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - began


def _tables(directory: Path) -> None:
    one, two = (_in_a_process(_RUNS, directory, threads, REPEATS) for threads in (1, 2))
    print("\n| model | file | input | load | one run, 1 thread | 2 threads |\n|---|---:|---|---:|---:|---:|")
    for task, row in one.items():
        print(
            f"| {task} | {row['bytes'] / 1e6:.1f} MB | {row['size']} | {row['load'] * 1e3:.0f} ms "
            f"| {row['run'] * 1e3:.1f} ms | {two[task]['run'] * 1e3:.1f} ms |"
        )
    loaded = _in_a_process(_LOADED, directory, 1)
    print(f"\n| in one process | since its start | memory (target {TARGET} MB) |\n|---|---:|---:|")
    for what, row in loaded.items():
        since = "" if row["seconds"] is None else f"{row['seconds']:.1f} s"
        print(f"| {what} | {since} | {row['resident']:.0f} MB |")


def main() -> None:
    """Print the tables."""
    if len(sys.argv) > 1:
        _tables(Path(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place) / "models"
        print(f"building the default models: {_build(directory):.1f} s; again: {_build(directory):.1f} s")
        _tables(directory)


if __name__ == "__main__":
    main()
