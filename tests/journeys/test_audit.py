"""What the collector holds, checked from outside: audit, bundles, counts."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.collector_harness import (
    GATE_COLLECTOR,
    CollectorProcess,
    Gate,
    Stream,
    eventually,
    incident,
    passage,
    probes,
)

RECORDS = 304


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CollectorProcess]:
    """A collector that holds a judged passage among other records, and goes on serving."""
    process = CollectorProcess(tmp_path_factory.mktemp("collector"))
    process.start()
    gate = Gate(process, "gate-1")
    gate.enrol()
    gate.write(*probes(300), passage("p1"), incident("i1"), b"\xff\xff", probes(1, 300)[0])
    with Stream(gate) as stream:
        stream.next()
        stream.send(gate.batch(0))
        stream.until(RECORDS)
    eventually(lambda: process.json("stats")["verdicts"] == 1)
    yield process
    assert process.stop() == 0


@pytest.fixture
def copy(collector: CollectorProcess, tmp_path: Path) -> CollectorProcess:
    """The same state, on another machine, to be tampered with."""
    other = CollectorProcess(tmp_path / "copy")
    shutil.copytree(collector.state, other.state, ignore=shutil.ignore_patterns("collector.db*"))
    with sqlite3.connect(collector.state / "collector.db") as source:
        target = sqlite3.connect(other.state / "collector.db")
        source.backup(target)
        target.close()
    source.close()
    return other


def test_the_audit_of_a_serving_collector_holds(collector: CollectorProcess) -> None:
    done = collector.command("audit")
    assert done.returncode == 0, done.stdout
    assert f"checked {RECORDS} records of 1 journals" in done.stdout
    assert "everything holds" in done.stdout
    assert done.stderr == ""
    report = collector.json("audit")
    assert (report["holds"], report["records"], report["verdicts"], report["problems"]) == (True, RECORDS, 1, [])


def test_the_numbers_of_the_state_balance(collector: CollectorProcess) -> None:
    stats = collector.json("stats")
    (journal,) = stats.pop("by_journal")
    assert stats.pop("ledger") >= 3  # and what the service enters by itself: commitments to seeds, a case
    assert stats == {
        "records": RECORDS,
        "journals": 1,
        "dead_lettered": 1,
        "quarantined": 0,
        "lost": 0,
        "live_ahead": 0,
        "alarms": 0,
        "passages": 1,
        "verdicts": 1,
        "to_judge": 0,
        "declarations": 0,
        "register_items": 0,
        "evidence": 0,
        "evidence_bytes": 0,
    }
    assert (journal["agent_id"], journal["records"], journal["revoked"]) == ("gate-1", RECORDS, False)
    shown = collector.command("stats").stdout
    assert "gate-1/" in shown
    assert "enrolled" in shown


def test_an_altered_record_makes_the_audit_fail_and_name_it(copy: CollectorProcess) -> None:
    with sqlite3.connect(copy.state / "collector.db") as database:
        ((body,),) = database.execute("SELECT body FROM batches").fetchall()
        altered = body.replace("琼A12345".encode(), "琼A12346".encode())
        database.execute("UPDATE batches SET body = ?", (altered,))
    database.close()
    done = copy.command("audit")
    assert done.returncode == 1
    assert "problems; the first: record test.example/agent/gate-1/" in done.stdout
    assert "#300" in done.stdout.splitlines()[0]
    assert copy.json("audit")["holds"] is False
    # Nor is a bundle of it handed out.
    done = copy.command("prove", "p1")
    assert done.returncode == 1
    assert "p1 cannot be proved. the record is not under the checkpoint" in done.stderr
    assert done.stdout == ""


def test_a_database_that_cannot_be_read_says_so(copy: CollectorProcess) -> None:
    database = copy.state / "collector.db"
    database.write_bytes(b"not a database " * 1000)
    done = copy.command("audit")
    assert done.returncode == 1
    assert "file is not a database" in done.stderr
    assert "Traceback" not in done.stderr


def test_commands_that_look_make_no_state(tmp_path: Path) -> None:
    empty = CollectorProcess(tmp_path)
    for command in (["audit"], ["stats"], ["prove", "p1"]):
        done = empty.command(*command)
        assert done.returncode == 1
        assert "gate-collector serve" in done.stderr
    assert not empty.state.exists()


@pytest.fixture
def elsewhere(collector: CollectorProcess, tmp_path: Path) -> Path:
    """A directory with a bundle of the passage and the collector's public keys, and nothing else."""
    directory = tmp_path / "elsewhere"
    directory.mkdir()
    (directory / "keys").write_text(collector.command("keys").stdout)
    done = collector.command("prove", "p1", "-o", str(directory / "p1.json"))
    assert done.returncode == 0, done.stderr
    return directory


def verify(directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [*GATE_COLLECTOR, "verify-bundle", "p1.json", "--trust", "keys", *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE")}
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


def test_a_bundle_is_checked_on_another_machine_step_by_step(elsewhere: Path) -> None:
    done = verify(elsewhere)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert [line.split(".")[0].strip() for line in lines[:10]] == [str(number) for number in range(1, 11)]
    assert "Proved: agent gate-1 of site haikou signed this record as number 300" in done.stdout
    assert "琼A12345" in done.stdout
    assert "Verdict 1, " in done.stdout
    result = json.loads(verify(elsewhere, "--json").stdout)
    assert result["holds"] is True
    assert result["record"]["decoded"]["passage"]["passage_id"] == "p1"
    assert result["verdicts"][0]["decision"]["action"] == "ACTION_HOLD"


def test_an_altered_bundle_proves_nothing(elsewhere: Path) -> None:
    bundle = elsewhere / "p1.json"
    bundle.write_text(bundle.read_text().replace('"index": 300', '"index": 301'))
    done = verify(elsewhere)
    assert done.returncode == 1
    assert "FAILED: the record is not under the checkpoint" in done.stdout
    assert "This file proves nothing." in done.stdout
    result = json.loads(verify(elsewhere, "--json").stdout)
    assert (result["holds"], result["failed"]["number"]) == (False, 9)


def test_keys_that_cannot_be_read_are_named(elsewhere: Path) -> None:
    (elsewhere / "keys").write_text("these are no keys\n")
    done = verify(elsewhere)
    assert done.returncode == 1
    assert "keys holds no verifier keys" in done.stderr
    (elsewhere / "keys").unlink()
    assert "keys cannot be read" in verify(elsewhere).stderr


def test_a_bundle_goes_to_standard_output_when_no_file_is_named(collector: CollectorProcess, elsewhere: Path) -> None:
    done = collector.command("prove", "p1")
    assert done.stdout == (elsewhere / "p1.json").read_text()


def test_a_record_that_is_not_there_is_explained(collector: CollectorProcess) -> None:
    done = collector.command("prove", "gate-1#304")
    assert done.returncode == 1
    assert "there is no record gate-1#304" in done.stderr
    assert "holds 304 records" in done.stderr
