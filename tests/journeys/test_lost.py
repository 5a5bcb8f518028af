"""Records that a gate has no more: their place is kept, their loss is seen, and nothing else suffers."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate_contract.v1 import uplink_pb2 as uplink
from gate_contract.v1.record_pb2 import Record
from tests.journeys.collector_harness import (
    CollectorProcess,
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


def loss(first: int, count: int) -> bytes:
    """The record in which a gate tells of lost records."""
    record = Record(format=1, site_id="haikou")
    record.loss.records.first_index, record.loss.records.count = first, count
    record.loss.text = "the file was cut short; check the disk"
    record.loss.quarantined = "quarantine/2026-03-01T08-00-00Z-journal"
    record.loss.quarantined_sha256 = b"\xab" * 32
    record.loss.found.wall_unix_ns = 1_760_000_000_000_000_000
    return record.SerializeToString()


def test_lost_records_are_counted_told_and_hide_nothing(collector: CollectorProcess) -> None:
    gate = enrolled(collector, "gate-1")
    gate.write(*probes(5), passage("lost-one"), passage("kept"), loss(3, 3))
    with Stream(gate) as stream:
        stream.next()
        stream.send(gate.batch(0, lost=[3, 4, 5]))
        response = stream.next().receipt
        assert response.dead_lettered == 3
    with Stream(gate) as stream:
        welcome = stream.next().welcome
        assert (welcome.size, welcome.dead_lettered) == (8, 3)
        gate.write(passage("later"))
        stream.send(gate.batch(8))
        stream.until(9)
    stats = collector.json("stats")
    assert (stats["records"], stats["dead_lettered"], stats["lost"], stats["passages"]) == (9, 3, 3, 2)
    (told,) = collector.json("incidents", "--code", "records-lost")
    assert told["record"] == f"{gate.origin}#7"
    assert "records 3 to 5 lost: the file was cut short; check the disk" in told["text"]
    (alarm,) = collector.json("alarms")
    assert (alarm["kind"], alarm["origin"], alarm["record_index"]) == ("lost-records", gate.origin, 3)
    eventually(lambda: any(each["subject"] == gate.origin for each in collector.json("findings", "--code", "K03")))
    (finding,) = [each for each in collector.json("findings", "--code", "K03") if each["subject"] == gate.origin]
    assert "records 3 to 5 are lost at the gate" in finding["explanation"]
    assert "cannot be closed" in finding["explanation"]
    eventually(lambda: collector.json("stats")["to_judge"] == 0)
    # What stands beside a loss is as good as it was.
    assert all("K03" not in each["findings"] for each in collector.json("passages"))
    refused = collector.command("prove", f"{gate.origin}#4", "-o", "-")
    assert "the bytes of record 4" in refused.stderr
    assert "were lost at the gate" in refused.stderr
    kept = collector.directory / "kept.json"
    assert collector.command("prove", "kept", "-o", str(kept)).returncode == 0
    assert collector.json("audit")["holds"]


def test_lost_records_that_come_again_are_known(collector: CollectorProcess) -> None:
    gate = enrolled(collector, "gate-1")
    gate.write(*probes(6))
    with Stream(gate) as stream:
        stream.next()
        stream.send(gate.batch(0, lost=[2]))
        first = stream.receipt()
        stream.send(gate.batch(0, lost=[1, 2]))
        assert stream.receipt() == first
        gate.write(*probes(2, 6))
        stream.send(gate.batch(2, lost=[2, 7]))
        assert stream.receipt().checkpoint.size == 8
    assert collector.json("stats")["lost"] == 2
    assert collector.json("audit")["holds"]


def test_a_lost_record_whose_hash_was_changed_is_refused(collector: CollectorProcess) -> None:
    gate = enrolled(collector, "gate-1")
    gate.write(*probes(6))
    with Stream(gate) as stream:
        stream.next()
        batch = uplink.StreamRequest().batch
        changed = gate.batch(0, lost=[2]).replace(gate.batch(0, lost=[2])[-20:], b"x" * 20)
        assert batch != changed
        stream.send(changed)
        assert stream.refusal().code == uplink.REFUSAL_CODE_BAD_SEAL
    assert collector.json("stats")["records"] == 0
