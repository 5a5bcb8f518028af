"""Frames a second on one core for every profile of a scale: `python -m benchmarks.profiles`.

The stream is the profile's own captures that hold nothing but frames, again and again, in chunks as a port gives them.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.scale.driver import Read, ScaleDriver
from edge_agent.drivers.schema import Profile
from edge_agent.profiles import load_profile, profile_names

CAPTURES = Path(__file__).resolve().parents[1] / "tests" / "captures"
CHUNK = 512
FRAMES = 1_000
REPEATS = 15
"""The best counts: others use the machine, too, and a short run is likelier to have it to itself."""
PROMISED = 20_000
"""Frames a second that every profile must reach."""


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast one capture of a profile is read."""

    profile: str
    capture: str
    frame_bytes: float
    frames_a_second: float


def speeds() -> list[Speed]:
    """The slowest capture of each profile."""
    return [slowest(name) for name in profile_names() if name.startswith("scale/")]


def slowest(name: str) -> Speed:
    """Of a profile's captures without garbage, the one that is read slowest."""
    profile = load_profile(name)
    samples = [json.loads(line) for line in (CAPTURES / name / "expected.jsonl").read_text().splitlines()]
    found = [
        _measured(profile, sample["id"], (CAPTURES / name / sample["file"]).read_bytes())
        for sample in samples
        if "garbled" not in sample["expected"]
    ]
    return min(found, key=lambda speed: speed.frames_a_second)


def _measured(profile: Profile, capture: str, once: bytes) -> Speed:
    frames = len({item.frame.offset for item in _read(profile, once) if not isinstance(item, Garbled)})
    stream = once * max(1, FRAMES // frames)
    best = 0.0
    for _ in range(REPEATS):
        begun = time.process_time()
        _read(profile, stream)
        taken = time.process_time() - begun
        best = max(best, frames * (len(stream) // len(once)) / taken)
    return Speed(profile.name, capture, len(once) / frames, best)


def _read(profile: Profile, stream: bytes) -> list[Read | Garbled]:
    driver = ScaleDriver(profile)
    items: list[Read | Garbled] = []
    for start in range(0, len(stream), CHUNK):
        items += driver.feed(stream[start : start + CHUNK])
    return [*items, *driver.flush()]


def main() -> None:
    """Prints a table; exit code 1 if a profile is too slow."""
    found = speeds()
    print("| profile | slowest capture | bytes a frame | frames a second, one core |")
    print("|---|---|---:|---:|")
    for speed in found:
        print(f"| {speed.profile} | {speed.capture} | {speed.frame_bytes:.0f} | {speed.frames_a_second:,.0f} |")
    sys.exit(1 if any(speed.frames_a_second < PROMISED for speed in found) else 0)


if __name__ == "__main__":
    main()
