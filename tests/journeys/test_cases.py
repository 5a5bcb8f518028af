"""From a truck that is too heavy to its declarant's credit, through a running collector that is killed on the way."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from collector.registers.officer_keys import as_text
from gate_contract.v1.passage_pb2 import (
    DIRECTION_OUTBOUND,
    LANE_KIND_VEHICLE,
    STABILITY_DEVICE,
    WEIGHT_KIND_GROSS,
)
from gate_contract.v1.record_pb2 import Record
from gate_contract.v1.stamp_pb2 import CLOCK_STATE_SYNCHRONISED
from tests.journeys.collector_harness import CollectorProcess, Gate, Stream, enrolled, eventually

pytestmark = pytest.mark.timeout(180)

COLUMNS = (
    "declaration_id,lodged,site_id,direction,departure,vehicle_plate,vehicle_tare_kilograms,persons,cargo_kilograms,"
    "declarant_id"
)
PLATE = "琼A12345"


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[CollectorProcess]:
    made = CollectorProcess(tmp_path / "collector")
    made.start()
    yield made
    made.stop()


def done(collector: CollectorProcess, *arguments: str) -> str:
    ended = collector.command(*arguments)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def appoint(collector: CollectorProcess) -> None:
    for officer in ("O-1", "O-2"):
        key = as_text(Ed25519PrivateKey.generate().public_key().public_bytes_raw())
        done(collector, "officers", "add", officer, "--authority", "customs", "--public-key", key)


def declare(collector: CollectorProcess, directory: Path, declaration_id: str) -> None:
    now = datetime.now(UTC)
    file = directory / f"{declaration_id}.csv"
    times = [(now + timedelta(hours=hours)).isoformat(timespec="seconds") for hours in (-3, 2)]
    row = [declaration_id, times[0], "haikou", "outbound", times[1], PLATE, "12000", "2", "13000", "ACME"]
    file.write_text(f"{COLUMNS}\n{','.join(row)}\n", encoding="utf-8")
    done(collector, "declarations", "import", str(file))


def heavy_truck(passage_id: str) -> bytes:
    """12 t of truck, 13 t declared, 29 t on the scale."""
    record = Record(format=1, site_id="haikou")
    passage = record.passage
    passage.passage_id, passage.revision, passage.lane_id = passage_id, 1, "lane-1"
    passage.lane_kind, passage.direction = LANE_KIND_VEHICLE, DIRECTION_OUTBOUND
    for stamp in (passage.opened, passage.decided):
        stamp.wall_unix_ns, stamp.clock = time.time_ns(), CLOCK_STATE_SYNCHRONISED
    passage.plates.add(device_id="camera-1", text=PLATE, confidence=0.95, at=passage.opened)
    passage.weighings.add(
        device_id="scale-1",
        kilograms="29000",
        device_weight="29000",
        device_unit="kg",
        kind=WEIGHT_KIND_GROSS,
        stability=STABILITY_DEVICE,
        uncertainty_kilograms="20",
        sample_count=12,
        span_ms=1200,
        at=passage.opened,
    )
    return record.SerializeToString()


def sent(gate: Gate, record: bytes) -> None:
    gate.write(record)
    with Stream(gate) as stream:
        assert stream.next().WhichOneof("body") == "welcome"
        stream.send(gate.batch(len(gate.records) - 1))
        stream.until(len(gate.records))


def selection(collector: CollectorProcess, declaration_id: str) -> dict[str, Any] | None:
    listed = collector.json("draws", "list")
    return next((each for each in listed if each["declaration_id"] == declaration_id), None)


def test_a_truck_that_is_too_heavy_changes_how_its_declarants_next_goods_are_released(
    collector: CollectorProcess, tmp_path: Path
) -> None:
    appoint(collector)
    declare(collector, tmp_path, "D-1")
    eventually(lambda: selection(collector, "D-1") is not None)
    first = selection(collector, "D-1")
    assert first is not None
    assert (first["credit_class"], first["mode"], first["roster"]) == (None, "by sampling", ["O-1", "O-2"])

    sent(enrolled(collector, "gate-1"), heavy_truck("P-1"))
    eventually(lambda: bool(collector.json("cases", "list", "--open")))
    [case] = collector.json("cases", "list", "--open")
    assert case["subject"] == "P-1"
    shown = collector.json("cases", "show", "P-1")
    assert "W01" in [each["code"] for each in shown["findings"]]

    collector.stop(signal.SIGKILL)
    collector.start()
    done(collector, "cases", "draw", "P-1", "--as", "O-1")
    officer = collector.json("cases", "show", "P-1")["assignee"]
    assert officer in {"O-1", "O-2"}
    done(collector, "cases", "comment", "P-1", "4 t of fruit behind the pallets", "--as", officer)
    told = done(collector, "cases", "decide", "P-1", "violation", "--reason", "not declared", "--as", officer)
    assert "noted in the credit record of ACME" in told
    [record] = collector.json("credit", "show", "ACME")
    assert record["credit_class"] == "warned"
    assert case["case_id"] in record["reason"]

    declare(collector, tmp_path, "D-2")
    eventually(lambda: selection(collector, "D-2") is not None)
    second = selection(collector, "D-2")
    assert second is not None
    assert second["credit_class"] == "warned"
    assert second["rate"] > first["rate"]
    assert len(collector.json("draws", "list")) == 2  # nothing was drawn again after the kill
    assert collector.json("audit")["holds"]
    database = b"".join(path.read_bytes() for path in collector.state.rglob("*") if path.is_file())
    assert b"behind the pallets" not in database
    assert b"behind the pallets" not in collector.log.read_bytes()
