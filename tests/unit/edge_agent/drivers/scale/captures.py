"""Captures of scales and what must come out of them; not a test itself."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.scale.driver import Read, ScaleDriver
from edge_agent.drivers.schema import Profile
from edge_agent.profiles import load_profile, profile_names

REPOSITORY = Path(__file__).resolve().parents[5]
OWN = REPOSITORY / "tests" / "captures"
SCALES = [name for name in profile_names() if name.startswith("scale/")]


def samples(directory: Path) -> list[dict[str, Any]]:
    """The records of a directory's `expected.jsonl`."""
    return [json.loads(line) for line in (directory / "expected.jsonl").read_text().splitlines()]


def own_data(name: str) -> list[bytes]:
    """The bytes of every own capture of a profile."""
    return [(OWN / name / sample["file"]).read_bytes() for sample in samples(OWN / name)]


@cache
def _loaded(name: str) -> Profile:
    return load_profile(name)


def replay(name: str, data: bytes, step: int, variant: str | None = None) -> list[Read | Garbled]:
    """What a profile makes of some bytes that arrive in chunks of `step`."""
    driver = ScaleDriver(_loaded(name), variant=variant)
    items = [item for start in range(0, len(data), step) for item in driver.feed(data[start : start + step])]
    return items + driver.flush()
