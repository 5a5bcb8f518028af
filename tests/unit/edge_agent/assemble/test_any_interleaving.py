"""Whatever comes in whatever order: what must hold of every kind of lane."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.app.memory import recall, remember
from edge_agent.assemble.core import MAX_READINGS, MAX_WAITING
from edge_agent.assemble.observation_point import MAX_RECENT
from edge_agent.assemble.state import LaneSettings
from edge_agent.model.observation import LaneReading, Observation
from edge_agent.model.passage import Passage
from edge_agent.model.readings import PlateSeen
from gate_contract.v1.reading_pb2 import AxleWeights, SealSeen
from tests.unit.edge_agent.assemble.lanes import (
    BARRIER,
    CURTAINS,
    EMPTIES,
    PERSONS,
    POINT,
    SETTINGS,
    TRUCKS,
    Lane,
    container,
    distance,
    document,
    entry,
    face,
    leaving,
    loop,
    observed,
    plate,
    radiation,
    scan,
    silent,
    stable,
    weight,
)

KINDS = {
    "scale and camera": SETTINGS,
    "truck lane": TRUCKS,
    "entry loop only": replace(TRUCKS, loop_out=""),
    "car lane": BARRIER,
    "car lane, entry loop only": replace(BARRIER, loop_out=""),
    "empty containers": EMPTIES,
    "distance as a loop": replace(EMPTIES, scales=(), expects=("container",), loop_in="echo-1"),
    "passengers": PERSONS,
    "passengers, curtains": CURTAINS,
    "passengers, exit only": replace(CURTAINS, loop_in=""),
    "observation": POINT,
}

TICK_S = 5.0
PLATES = ("", "粤B12345", "粤812345", "琼A67890", "粤B123挂", "琼A678挂")
NUMBERS = ("CSQU3054383", "MSKU6011672", "TCNU7353290", "XXXX0000000")

plates = st.tuples(st.just("plate"), st.sampled_from(PLATES))
weights = st.tuples(st.just("weight"), st.sampled_from([0, 180, 400, 8000, 20000]))
stables = st.tuples(st.just("stable"), st.sampled_from([0, 8000, 20000, 30000]))
containers = st.tuples(st.just("container"), st.sampled_from(NUMBERS))
scans = st.tuples(st.just("scan"), st.sampled_from(["", "S1", "S2"]))
persons = st.tuples(st.sampled_from(["document", "visa", "face", "stranger"]), st.sampled_from(["", "A", "B"]))
plain = st.tuples(st.sampled_from(["radiation", "axles", "seal"]), st.just(""))
loops = st.tuples(st.sampled_from(["loop-in", "loop-out", "near", "first"]), st.booleans())
faults = st.tuples(st.just("silent"), st.sampled_from(["io-1", "camera-1", "xray-1"]))
waits = st.tuples(st.just("wait"), st.sampled_from([0.1, 2.0, 4.0, 15.0, 40.0, 90.0]))
late = st.tuples(
    st.just("late"), st.tuples(st.one_of(containers, scans, persons, plain), st.sampled_from([1.03, 9.07, 61.01]))
)
restarts = st.tuples(st.just("restart"), st.sampled_from([0.5, 70.0, 400.0]))
steps = st.tuples(st.just("clock"), st.sampled_from([-7200.0, -5.0, 5.0, 31_536_000.0]))
events = st.one_of(
    plates, weights, stables, containers, scans, persons, plain, late, loops, loops, faults, waits, restarts, steps
)
vehicles = st.one_of(plates, weights, stables, containers, scans, late, loops, loops, loops, waits, restarts)
walkers = st.one_of(persons, persons, loops, loops, waits, restarts)


READINGS: dict[str, Callable[[Any, float], LaneReading]] = {
    "plate": lambda text, now: plate(text, now, taken=now - 1, sure=0.5 + now % 0.5),
    "weight": weight,
    "stable": stable,
    "container": container,
    "scan": scan,
    "document": document,
    "visa": lambda person, now: document(person, now, "MRV-A"),
    "face": face,
    "stranger": lambda person, now: face(person, now, matched=False),
    "radiation": lambda _, now: radiation(now),
    "axles": lambda _, now: observed(now, "scale-1", axles=AxleWeights(axle_kilograms=["7000", "9000"])),
    "seal": lambda _, now: observed(now, "desk", seal=SealSeen(state="whole")),
    "near": lambda occupied, now: distance(now, occupied=occupied),
    "first": lambda active, now: loop("loop-in", now, active=active, initial=True),
    "loop-in": lambda active, now: entry(now, active=active),
    "loop-out": lambda active, now: leaving(now, active=active),
    "silent": silent,
}

Script = list[tuple[str, Any]]


def played(settings: LaneSettings, script: Script) -> tuple[Lane, list[LaneReading]]:
    """The lane after the script and after all waiting is over, looked at after each step."""
    lane, now, told = Lane(settings), 1000.0, list[LaneReading]()
    for kind, value in script:
        now += 0.1
        if kind == "wait":
            until = now + float(value)
            while now < until:
                now = min(until, now + TICK_S)
                lane.wait_until(now)
        elif kind == "restart":
            now += float(value)
            lane.restart(now)
        elif kind == "clock":
            lane.stepped_s += float(value)
        else:
            (what, content), lag = value if kind == "late" else ((kind, value), 0.0)
            told.append(READINGS[what](content, now - lag))
            lane.tell(told[-1], now)
        assert len(lane.state.queued) <= MAX_WAITING
        assert len(lane.state.recent) <= MAX_RECENT
        if remembered := remember(lane.state):
            assert recall(remembered) == replace(lane.state, faults=(), unwatched=False, resumed=None)
    for _ in range(400):
        now += TICK_S
        lane.wait_until(now)
    return lane, told


def held(passage: Passage) -> list[PlateSeen | Observation]:
    return [*passage.plates, *passage.readings]


def assert_all_is_well(lane: Lane, told: list[LaneReading]) -> None:
    assert (lane.state.passage, lane.state.queued, lane.state.recent) == (None, (), ()), "time closes everything"
    final: dict[str, Passage] = {}
    for passage in lane.passages:
        before = final.get(passage.passage_id)
        assert passage.revision == (before.revision + 1 if before else 1)
        assert bool(before) == bool(passage.revision_reason)
        if before is None and not lane.restarted:
            assert passage.decided.seconds_since(passage.opened) <= lane.settings.bound_s + TICK_S
        elif before is not None:
            scans = [each for each in held(before) if isinstance(each, Observation) and each.kind == "scan"]
            assert all(each in held(passage) for each in held(before) if each not in scans), "nothing is taken back"
        counts = Counter(each.kind for each in passage.readings)
        assert max(counts.values(), default=0) <= MAX_READINGS + 1
        assert len(passage.plates) <= MAX_READINGS + 2
        final[passage.passage_id] = passage
    where = Counter(each for passage in final.values() for each in held(passage))
    where.update(orphan.reading for orphan in lane.orphans)
    assert all(orphan.reason for orphan in lane.orphans)
    given_readings = [each for each in told if isinstance(each, (PlateSeen, Observation))]
    assert set(where) <= set(given_readings)
    for each in given_readings:
        assert where[each] == 1 or (where[each] == 0 and is_completed(each, given_readings)), each


def is_completed(first: PlateSeen | Observation, told: list[PlateSeen | Observation]) -> bool:
    """Whether it is a scan that was told again."""
    if not (isinstance(first, Observation) and first.kind == "scan" and first.name):
        return False
    later = told[told.index(first) + 1 :]
    return any(isinstance(each, Observation) and each.kind == "scan" and each.name == first.name for each in later)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20, deadline=None)
@given(script=st.lists(events, max_size=40))
def test_every_reading_ends_in_exactly_one_passage_or_as_an_orphan(kind: str, script: Script) -> None:
    assert_all_is_well(*played(KINDS[kind], script))


@pytest.mark.parametrize("kind", ["truck lane", "car lane", "entry loop only"])
@settings(max_examples=20, deadline=None)
@given(script=st.lists(vehicles, min_size=10, max_size=50))
def test_every_reading_of_vehicles_ends_in_exactly_one_passage_or_as_an_orphan(kind: str, script: Script) -> None:
    assert_all_is_well(*played(KINDS[kind], script))


@pytest.mark.parametrize("kind", ["passengers", "passengers, curtains"])
@settings(max_examples=20, deadline=None)
@given(script=st.lists(walkers, min_size=10, max_size=50))
def test_every_reading_of_persons_ends_in_exactly_one_passage_or_as_an_orphan(kind: str, script: Script) -> None:
    assert_all_is_well(*played(KINDS[kind], script))
