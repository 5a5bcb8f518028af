"""Live records against a real collector: ahead of the backlog, judged at once, merged when the backlog comes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gate_contract.v1 import uplink_pb2 as uplink
from tests.journeys.collector_harness import (
    CollectorProcess,
    Gate,
    Stream,
    enrolled,
    eventually,
    passage,
    probes,
)


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[CollectorProcess]:
    process = CollectorProcess(tmp_path)
    process.start()
    yield process
    process.stop(signal.SIGKILL)


def passages(collector: CollectorProcess) -> dict[str, Any]:
    return {each["passage_id"]: each for each in collector.json("passages", "--limit", "10000")}


def judged(collector: CollectorProcess, *ids: str) -> bool:
    found = passages(collector)
    return all(each in found and found[each]["action"] for each in ids)


def with_backlog(collector: CollectorProcess, records: int = 100) -> Gate:
    gate = enrolled(collector, "gate-1")
    gate.write(*probes(records))
    return gate


def test_a_live_passage_is_judged_before_the_backlog_comes_and_is_not_doubled_by_it(
    collector: CollectorProcess,
) -> None:
    gate = with_backlog(collector)
    with Stream(gate) as stream:
        assert stream.next().welcome.takes_live
        gate.write(passage("live-1"))
        stream.send_live(gate.live(100))
        assert stream.taken() == [100]
        eventually(lambda: judged(collector, "live-1"))
        stats = collector.json("stats")
        assert (stats["records"], stats["live_ahead"], stats["passages"]) == (0, 1, 1)
        assert "came ahead of the gate's backlog" in collector.command("prove", "live-1", "-o", "-").stderr
        stream.send(gate.batch(0, 60))
        stream.until(60)
        stream.send(gate.batch(60))
        stream.until(101)
    stats = collector.json("stats")
    assert (stats["records"], stats["live_ahead"], stats["passages"], stats["verdicts"]) == (101, 0, 1, 1)
    assert collector.json("audit")["holds"]
    bundle = collector.directory / "bundle.json"
    assert collector.command("prove", "live-1", "-o", str(bundle)).returncode == 0


def test_live_records_sent_again_are_taken_again_and_kept_once(collector: CollectorProcess) -> None:
    gate = with_backlog(collector)
    gate.write(passage("live-1"), passage("live-2"))
    for _ in range(2):
        with Stream(gate) as stream:
            stream.next()
            stream.send_live(gate.live(100, 101))
            assert stream.taken() == [100, 101]
    collector.stop(signal.SIGKILL)
    collector.start()
    with Stream(gate) as stream:
        stream.next()
        stream.send_live(gate.live(101))
        assert stream.taken() == [101]
        assert collector.json("stats")["live_ahead"] == 2
        assert collector.json("audit")["holds"]
        stream.send(gate.batch(0))
        stream.until(102)
        stream.send_live(gate.live(100, 101))
        assert stream.taken() == [100, 101]
    stats = collector.json("stats")
    assert (stats["records"], stats["live_ahead"], stats["passages"]) == (102, 0, 2)
    assert collector.json("audit")["holds"]


def test_a_revision_that_comes_live_counts_although_the_first_one_waits_in_the_backlog(
    collector: CollectorProcess,
) -> None:
    gate = with_backlog(collector, 10)
    gate.write(passage("late"), *probes(5, 50), passage("late", 2, kilograms="22340"))
    with Stream(gate) as stream:
        stream.next()
        stream.send_live(gate.live(16))
        stream.taken()
        eventually(lambda: judged(collector, "late"))
        stream.send(gate.batch(0))
        stream.until(17)
    eventually(lambda: collector.json("stats")["to_judge"] == 0)
    (found,) = passages(collector).values()
    assert (found["revision"], found["kilograms"], found["verdict_sequence"]) == (2, "22340", 1)
    assert collector.json("audit")["holds"]


def test_a_record_that_is_lost_in_the_backlog_and_known_as_a_live_one_is_not_lost(collector: CollectorProcess) -> None:
    gate = with_backlog(collector)
    gate.write(passage("saved"), *probes(1, 900))
    with Stream(gate) as stream:
        stream.next()
        stream.send_live(gate.live(100))
        stream.taken()
        stream.send(gate.batch(0, lost=[100]))
        stream.until(102)
    stats = collector.json("stats")
    assert (stats["records"], stats["dead_lettered"], stats["lost"], stats["passages"]) == (102, 0, 0, 1)
    assert collector.json("audit")["holds"]


def backlog_with_another_record(gate: Gate) -> bytes:
    gate.records[100] = passage("other")
    return gate.batch(0)


def backlog_with_another_past(gate: Gate) -> bytes:
    gate.records[7] = b"another past"
    return gate.batch(0, 101)


@pytest.mark.parametrize("backlog", [backlog_with_another_record, backlog_with_another_past])
def test_a_backlog_that_does_not_fit_what_came_live_is_a_fork(collector: CollectorProcess, backlog: Any) -> None:
    gate = with_backlog(collector)
    gate.write(passage("live-1"))
    with Stream(gate) as stream:
        stream.next()
        stream.send_live(gate.live(100))
        stream.taken()
        stream.send(backlog(gate))
        answer = stream.refusal()
    assert (answer.code, answer.size) == (uplink.REFUSAL_CODE_FORK, 0)
    assert "two histories under one key" in answer.text
    assert collector.json("stats")["quarantined"] == 1
    (alarm,) = collector.logged("quarantined")
    assert (alarm["level"], alarm["kind"], alarm["origin"]) == ("error", "fork", gate.origin)
    eventually(lambda: any(each["subject"] == gate.origin for each in collector.json("findings", "--code", "K03")))
    assert collector.json("audit")["holds"]


def test_a_live_record_that_does_not_fit_what_is_durable_is_a_fork(collector: CollectorProcess) -> None:
    gate = with_backlog(collector, 10)
    honest = list(gate.records)
    for size, index in ((10, 4), (10, 3), (12, 4)):
        gate.records = [*honest, *probes(2, 90)]
        with Stream(gate) as stream:
            if stream.next().welcome.size == 0:
                stream.send(gate.batch(0, 10))
                stream.until(10)
            gate.records[4] = b"another"
            stream.send_live(gate.live(index, size=size))
            assert stream.refusal().code == uplink.REFUSAL_CODE_FORK
    assert collector.json("stats")["quarantined"] == 3


def test_two_live_checkpoints_of_one_size_and_two_roots_are_a_fork(collector: CollectorProcess) -> None:
    gate = with_backlog(collector)
    gate.write(passage("live-1"), passage("live-2"))
    with Stream(gate) as stream:
        stream.next()
        stream.send_live(gate.live(100))
        stream.taken()
        gate.records[3] = b"another"
        stream.send_live(gate.live(101))
        assert stream.refusal().code == uplink.REFUSAL_CODE_FORK


def test_a_live_record_without_its_proof_is_quarantined(collector: CollectorProcess) -> None:
    gate = with_backlog(collector)
    gate.write(passage("live-1"))
    message = gate.live(100)
    message.records[0].body = passage("live-2")
    with Stream(gate) as stream:
        stream.next()
        stream.send_live(message)
        answer = stream.refusal()
    assert answer.code == uplink.REFUSAL_CODE_BAD_PROOF
    stats = collector.json("stats")
    assert (stats["quarantined"], stats["passages"], stats["live_ahead"]) == (1, 0, 0)


def test_passages_of_a_backlog_wait_for_those_that_come_live(collector: CollectorProcess) -> None:
    gate = enrolled(collector, "gate-1")
    gate.write(*(passage(f"backlog-{number:04}") for number in range(1500)), passage("live"))
    with Stream(gate) as stream:
        stream.next()
        stream.send(gate.batch(0, 1500))
        stream.send_live(gate.live(1500))
        while stream.next().WhichOneof("body") != "live":
            pass
        eventually(lambda: judged(collector, "live"))
    eventually(lambda: collector.json("stats")["to_judge"] == 0)
    found = passages(collector)
    before = sum(each["decided_unix_ns"] < found["live"]["decided_unix_ns"] for each in found.values())
    # Those that were judged together when it came, and no more.
    assert before <= 1000
