"""The collector on PostgreSQL: the same trip, a real server."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.collector_harness import CollectorProcess, Stream, enrolled, eventually, incident, passage, probes
from tests.unit.collector.postgres import running_postgres


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[CollectorProcess]:
    with running_postgres() as server, server.database() as url:
        process = CollectorProcess(tmp_path)
        with process.config.open("a") as config:
            config.write(f'storage_url = "{url}"\n')
        process.start()
        yield process
        process.stop(signal.SIGKILL)


def test_records_live_and_late_lost_and_killed_for_are_all_there(collector: CollectorProcess) -> None:
    gate = enrolled(collector, "gate-1")
    gate.write(*probes(300), passage("early"), b"\xff\xff", incident("i1"))
    with Stream(gate) as stream:
        stream.next()
        stream.send(gate.batch(0, 200))
        stream.until(200)
        gate.write(passage("live"))
        stream.send_live(gate.live(303))
        assert stream.taken() == [303]
        collector.stop(signal.SIGKILL)
    collector.start()
    with Stream(gate) as stream:
        assert stream.next().welcome.size == 200
        stream.send(gate.batch(200, lost=[250]))
        stream.until(304)
    eventually(lambda: collector.json("stats")["to_judge"] == 0)
    stats = collector.json("stats")
    assert (stats["records"], stats["dead_lettered"], stats["lost"], stats["live_ahead"]) == (304, 2, 1, 0)
    assert {each["passage_id"] for each in collector.json("passages") if each["action"]} == {"early", "live"}
    assert collector.json("audit")["holds"]
    for number in range(3):
        gate.write(*probes(100, 1000 + 100 * number))
        with Stream(gate) as stream:
            start = stream.next().welcome.size
            stream.send(gate.batch(start))
            collector.stop(signal.SIGKILL)
        collector.start()
    with Stream(gate) as stream:
        start = stream.next().welcome.size
        if start < len(gate.records):
            stream.send(gate.batch(start))
            stream.until(604)
    assert collector.json("stats")["records"] == 604
    assert collector.json("audit")["holds"]
