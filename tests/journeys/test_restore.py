"""A collector that was put back to an old backup: it says so, and takes everything again."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.collector_harness import CollectorProcess, Stream, enrolled, eventually, passage, probes


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[CollectorProcess]:
    process = CollectorProcess(tmp_path / "collector")
    process.start()
    yield process
    process.stop(signal.SIGKILL)


def restored(collector: CollectorProcess, backup: Path) -> None:
    """Put the collector back to the backup."""
    assert collector.stop() == 0
    shutil.rmtree(collector.state)
    shutil.copytree(backup, collector.state)
    collector.start()


def test_a_collector_restored_from_an_old_backup_says_so_and_takes_everything_again(
    collector: CollectorProcess, tmp_path: Path
) -> None:
    gate = enrolled(collector, "gate-1")
    gate.write(*probes(20), passage("before"))
    with Stream(gate) as stream:
        stream.next()
        stream.send(gate.batch(0))
        stream.until(21)
    assert collector.stop() == 0
    shutil.copytree(collector.state, tmp_path / "backup")
    collector.start()
    gate.write(*probes(30, 100), passage("after"))
    with Stream(gate) as stream:
        stream.next()
        stream.send(gate.batch(21))
        receipt = stream.next().receipt.note
    restored(collector, tmp_path / "backup")
    for _ in range(2):
        with Stream(gate, receipt=receipt) as stream:
            assert stream.next().welcome.size == 21
    eventually(lambda: bool(collector.json("alarms")))  # kept beside the welcome, not before it
    (alarm,) = collector.json("alarms")
    assert (alarm["kind"], alarm["origin"], alarm["record_index"]) == ("restored-collector", gate.origin, 21)
    assert "gave a receipt for 52 records and holds 21" in alarm["detail"]
    assert len(collector.logged("restored from an old backup")) == 2
    assert "there are alarms" in collector.command("stats").stdout
    # The agent has pruned half of it upon that receipt.
    with Stream(gate, receipt=receipt) as stream:
        stream.next()
        stream.send(gate.batch(21, lost=range(21, 36)))
        stream.until(52)
    stats = collector.json("stats")
    assert (stats["records"], stats["lost"], stats["passages"]) == (52, 15, 2)
    assert collector.json("audit")["holds"]


def test_a_receipt_of_another_collector_is_an_alarm_and_nothing_else(collector: CollectorProcess) -> None:
    gate = enrolled(collector, "gate-1")
    gate.write(*probes(3))
    with Stream(gate, receipt=gate.note()) as stream:
        assert stream.next().welcome.size == 0
        stream.send(gate.batch(0))
        stream.until(3)
    eventually(lambda: bool(collector.json("alarms")))
    (alarm,) = collector.json("alarms")
    assert alarm["kind"] == "foreign-receipt"
