"""Inputs: debounced changes. Recorded states are replayed here, too: tests/captures/io."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.io.driver import InputDriver
from edge_agent.drivers.io.schema import IoProfile
from edge_agent.profiles import load_profile
from tests.unit.edge_agent.drivers.moments import moment

CAPTURES = Path(__file__).resolve().parents[4] / "captures" / "io"


def samples(model: str) -> list[Any]:
    lines = (CAPTURES / model / "expected.jsonl").read_text("utf-8").splitlines()
    return [pytest.param(model, sample, id=f"{model}-{sample['id']}") for sample in map(json.loads, lines)]


@pytest.mark.parametrize(("model", "sample"), [*samples("modbus"), *samples("gpio")])
def test_recorded_states_become_the_changes_expected(model: str, sample: dict[str, Any]) -> None:
    profile = load_profile(f"io/{model}", of=IoProfile)
    driver = InputDriver(0 if profile.link.protocol == "gpio" else profile.debounce_milliseconds / 1000)
    found = []
    for line in (CAPTURES / model / sample["file"]).read_text("utf-8").splitlines():
        polled = json.loads(line)
        if polled["states"] is None:
            driver.interrupt()
            continue
        changes = driver.feed(polled["states"], moment(polled["at_ms"] / 1000))
        found += [[polled["at_ms"], change.name, change.active, change.initial] for change in changes]

    assert found == sample["expected"]


@given(st.lists(st.booleans(), max_size=60))
def test_changes_always_alternate_and_the_first_is_initial(states: list[bool]) -> None:
    driver = InputDriver(0.05)
    changes = [change for at, state in enumerate(states) for change in driver.feed({"loop": state}, moment(at * 0.02))]

    assert [change.initial for change in changes] == [True, *[False] * (len(changes) - 1)][: len(changes)]
    assert all(a.active != b.active for a, b in pairwise(changes))
