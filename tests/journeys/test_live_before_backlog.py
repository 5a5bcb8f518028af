"""After an outage: new passages are judged while the backlog still drains, and nothing is doubled when they meet."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.simulate.programs import running
from tests.journeys.network_harness import Collector, Gate, plate, until

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("live")]

WAITING = 12_000
RATE = 1_000


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    made = Collector(tmp_path / "collector")
    with running(made.program):
        made.start()
        yield made


@pytest.fixture
def gate(tmp_path: Path, collector: Collector) -> Iterator[Gate]:
    """With a backlog and a limited uplink; not started."""
    made = Gate(tmp_path / "gate", collector, collector.address, max_records_per_s=RATE)
    made.fill(WAITING, commit=100)
    with running(made.agent):
        yield made


def verdicts(gate: Gate) -> dict[str, int]:
    """How many verdicts each plate's passage has."""
    database = gate.collector.directory / "collector" / "collector.db"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        query = "SELECT p.plate, count(*) FROM passages p JOIN verdicts v USING (passage_id) GROUP BY p.plate"
        return dict(connection.execute(query).fetchall())


def drained(gate: Gate, records: int) -> None:
    until(f"{records} records have gone up", lambda: gate.collector.held(gate.origin) >= records)


def assert_all_once(gate: Gate, plates: set[str]) -> None:
    gate.settle()
    until("all are judged", lambda: verdicts(gate) == dict.fromkeys(plates, 1))
    stats = gate.collector.stats()
    assert (stats["quarantined"], stats["passages"], stats["live_ahead"]) == (0, len(plates), 0)
    gate.collector.audit()


@pytest.mark.slow
def test_new_passages_are_judged_while_the_backlog_drains(gate: Gate) -> None:
    gate.start()
    drained(gate, 1)
    plates = {plate(number) for number in range(5)}
    for each in sorted(plates):
        gate.judged_after(each)
    assert gate.collector.held(gate.origin) < WAITING, "the backlog was over before it could be in the way"
    gate.agent.stop()
    gate.limit(None)  # the rest goes as fast as it can
    gate.start()
    assert_all_once(gate, plates)


@pytest.mark.slow
def test_whoever_is_killed_meanwhile_nothing_is_missing_and_nothing_doubled(gate: Gate) -> None:
    collector = gate.collector
    gate.start()
    drained(gate, 1)
    gate.judged_after(plate(1))
    collector.program.kill()
    gate.push(plate(2))
    collector.start()
    until("it goes ahead on the next connection", lambda: plate(2) in collector.judged(gate.origin))
    gate.judged_after(plate(3))
    assert collector.held(gate.origin) < WAITING, "the backlog was over before it could be in the way"
    gate.agent.kill()
    gate.start()
    gate.judged_after(plate(4))
    gate.agent.kill()
    collector.program.kill()
    collector.start()
    gate.limit(None)
    gate.start()
    assert_all_once(gate, {plate(number) for number in range(1, 5)})
