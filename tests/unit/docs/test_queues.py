"""docs/queues.md names bounds that are in the code, with their values."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

MANUAL = Path(__file__).parents[3] / "docs" / "queues.md"
UNITS = {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
NAMED = re.findall(
    r"`((?:edge_agent|collector|gate_contract)\.[\w.]+)` = ([\d,]+)(?: (KiB|MiB|GiB))?", MANUAL.read_text("utf-8")
)


def value_of(name: str) -> object:
    """The constant that a dotted name stands for: of a module, or a default of a class in it."""
    module = name
    rest: list[str] = []
    while True:
        module, _, last = module.rpartition(".")
        rest.insert(0, last)
        try:
            found: object = import_module(module)
        except ModuleNotFoundError:
            continue
        for each in rest:
            fields = getattr(found, "__dataclass_fields__", {})
            found = fields[each].default if each in fields else getattr(found, each)
        return found


@pytest.mark.parametrize(("name", "number", "unit"), NAMED, ids=[name for name, _, _ in NAMED])
def test_a_bound_is_what_the_manual_says(name: str, number: str, unit: str) -> None:
    assert value_of(name) == int(number.replace(",", "")) * UNITS.get(unit, 1)


def test_every_row_says_what_bounds_it_and_what_happens() -> None:
    lines = MANUAL.read_text("utf-8").splitlines()
    rows = [line.strip("| ").split(" | ", 3) for line in lines if line.startswith("| ")]
    rows = [row for row in rows if row[0] != "queue"]
    assert len(rows) > 40
    for row in rows:
        assert len(row) >= 2, row
        assert row[1].strip(), row


SOURCES = Path(__file__).parents[3]
QUEUES = re.compile(r"\b(?:queue\.)?(?:Queue|SimpleQueue|LifoQueue|PriorityQueue)\(|\bdeque\(|\bFairQueue\(\)")
BOUNDED_OTHERWISE = {
    "edge_agent/uplink/evidence.py": "one piece of a blob",
    "edge_agent/uplink/window.py": "the window's bytes, each batch counted",
    "collector/ingest/verifying.py": "one piece of work a stream",
    "collector/ingest/writer.py": "MAX_JOBS and the room",
    "collector/ingest/session.py": "the room's bytes, each message counted",
}
"""Queues made without a length, and what bounds them instead."""


def test_no_queue_is_made_without_a_bound_unless_it_is_known_here_why() -> None:
    found: dict[str, list[str]] = {}
    for path in (*SOURCES.glob("edge_agent/**/*.py"), *SOURCES.glob("collector/**/*.py")):
        name = path.relative_to(SOURCES).as_posix()
        if name.startswith("edge_agent/simulate/"):
            continue
        for line in path.read_text("utf-8").splitlines():
            made = QUEUES.search(line)
            if made and not re.search(r"maxlen=|Queue\([A-Z_]", line[made.start() :]):
                found.setdefault(name, []).append(line.strip())
    assert {name: lines for name, lines in found.items() if name not in BOUNDED_OTHERWISE} == {}
