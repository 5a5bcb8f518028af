"""Declarations meet passages while the collector runs: imported by another process, judged by the server, over gRPC."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from collector.cli import cli
from gate_contract.v1.passage_pb2 import DIRECTION_OUTBOUND, STABILITY_INFERRED, WEIGHT_KIND_GROSS, Passage
from gate_contract.v1.record_pb2 import Record
from gate_contract.v1.stamp_pb2 import CLOCK_STATE_SYNCHRONISED, Stamp
from tests.journeys.collector_harness import CollectorProcess, Gate, Stream, eventually

SITE = "haikou"
OPENED = 1_772_337_600_000_000_000
"""2026-03-01T12:00:00+08:00."""


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[CollectorProcess]:
    running = CollectorProcess(tmp_path / "collector")
    running.start()
    yield running
    assert running.stop() == 0


def a_row(number: int, plate: str, **changed: object) -> dict[str, object]:
    return {
        "declaration_id": f"D-{number}",
        "lodged": "2026-03-01T08:00:00+08:00",
        "site_id": SITE,
        "direction": "outbound",
        "sailing_id": "haikou-20260301-1400",
        "departure": "2026-03-01T14:00:00+08:00",
        "vehicle_plate": plate,
        "vehicle_tare_kilograms": 12000,
        "persons": 1,
        "cargo_kilograms": "13000",
        **changed,
    }


def declare(collector: CollectorProcess, *rows: dict[str, object]) -> dict[str, Any]:
    file = collector.directory / "declarations.json"
    file.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    report: dict[str, Any] = collector.json("declarations", "import", str(file))
    return report


def pass_through(gate: Gate, *trucks: tuple[str, str, str]) -> None:
    """Send (passage id, plate, kilograms) up in one batch and wait for the receipt."""
    start = len(gate.records)
    for passage_id, plate, kilograms in trucks:
        stamp = Stamp(wall_unix_ns=OPENED, clock=CLOCK_STATE_SYNCHRONISED)
        passage = Passage(
            passage_id=passage_id,
            revision=1,
            lane_id="lane-1",
            direction=DIRECTION_OUTBOUND,
            opened=stamp,
            decided=stamp,
        )
        passage.plates.add(device_id="camera-1", text=plate, confidence=0.97, at=stamp)
        passage.weighings.add(
            device_id="scale-1",
            kilograms=kilograms,
            uncertainty_kilograms="20",
            kind=WEIGHT_KIND_GROSS,
            stability=STABILITY_INFERRED,
            at=stamp,
        )
        gate.write(Record(format=1, captured=stamp, site_id=SITE, passage=passage).SerializeToString())
    with Stream(gate) as stream:
        assert stream.next().WhichOneof("body") == "welcome"
        stream.send(gate.batch(start))
        stream.until(len(gate.records))


def ask(collector: CollectorProcess, *arguments: str) -> Any:
    """What a reading command says, without the cost of a process: it is asked again and again."""
    done = CliRunner().invoke(cli, [*arguments, "--json", "--config", str(collector.config)])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def verdicts(collector: CollectorProcess) -> dict[str, tuple[str | None, list[str]]]:
    return {each["passage_id"]: (each["action"], each["findings"]) for each in ask(collector, "passages")}


def test_a_declaration_that_comes_after_its_truck_turns_the_verdict_while_the_collector_runs(
    collector: CollectorProcess,
) -> None:
    assert declare(collector, a_row(1, "琼A12345"), a_row(2, "琼B67890"))["new"] == 2
    gate = Gate(collector, "gate-1")
    gate.enrol()
    pass_through(gate, ("P-1", "琼A12345", "25080"), ("P-2", "琼B67890", "29000"), ("P-3", "粤C11111", "25075"))
    eventually(lambda: None not in [action for action, _ in verdicts(collector).values()])
    assert verdicts(collector) == {"P-1": ("release", []), "P-2": ("inspect", ["W01"]), "P-3": ("hold", ["D02"])}

    assert declare(collector, a_row(1, "琼A12345"), a_row(3, "粤C11111"))["unchanged"] == 1
    eventually(lambda: verdicts(collector)["P-3"] == ("review", ["K02"]))

    assert declare(collector, a_row(2, "琼B67890", cargo_kilograms="16900"))["changed"] == 1
    eventually(lambda: verdicts(collector)["P-2"] == ("review", ["K02"]))
    history = ask(collector, "explain", "P-2")["history"]
    assert [(each["action"], each["declarations"][0]["version"]) for each in history] == [("inspect", 1), ("review", 2)]
    assert verdicts(collector)["P-1"] == ("release", [])
    assert [each["subject"] for each in ask(collector, "findings", "--code", "K02")].count("P-1") == 0


def test_a_file_with_one_bad_row_is_refused_whole_and_ends_with_1(collector: CollectorProcess) -> None:
    file = collector.directory / "declarations.csv"
    file.write_text(
        "declaration_id,lodged,site_id,direction,vehicle_plate,cargo_kilograms\n"
        'D-1,2026-03-01T08:00:00+08:00,haikou,outbound,琼A12345,"12,000"\n'
        "D-2,2026-03-01T08:00:00+08:00,haikou,outbound,琼B67890,12000\n",
        encoding="utf-8",
    )
    done = collector.command("declarations", "import", str(file))
    assert done.returncode == 1
    assert "row 2: cargo_kilograms '12,000': contains a comma" in done.stdout
    assert done.stderr == ""
    assert ask(collector, "declarations", "list") == []
    assert collector.command("declarations", "import", str(file), "--partial").returncode == 1
    assert [each["declaration_id"] for each in ask(collector, "declarations", "list")] == ["D-2"]
    file.write_bytes(b"\xff\xfe" + "declaration_id\n".encode("utf-16-le"))
    refused = collector.command("declarations", "import", str(file))
    assert refused.returncode == 1
    assert refused.stderr.startswith("gate-collector: The file is not in UTF-8. it is UTF-16")
    assert collector.command("declarations", "import", "nowhere.csv").returncode == 2
