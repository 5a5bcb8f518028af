"""`edge-agent fsck` and what is behind it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from edge_agent.commands import fsck as command
from edge_agent.errors import EdgeAgentError
from edge_agent.journal import fsck as examining
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.journal.fsck import Finding, examine
from edge_agent.journal.journal import Journal
from edge_agent.journal.segment import Commit, commits_from, connect
from edge_agent.keys import AgentKeys
from gate_contract.checkpoint import Checkpoint
from gate_contract.merkle import leaf_hash
from tests.unit.edge_agent.journal.damaging import RECORDS, change, leaves, make, segment, sql
from tests.unit.edge_agent.journal.journals import SIGNER, acknowledge, opened


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory with three closed segments, the active one, and two blobs."""
    make(tmp_path / "journal", segment_bytes=1)
    with closing(EvidenceStore(tmp_path)) as store:
        store.keep(b"\xff\xd8\xff picture", "image/jpeg", "plate")
        store.keep(b"<message/>", "application/xml", "message")
    return tmp_path


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(state_dir: Path) -> SimpleNamespace:
        if not state_dir.exists():
            raise EdgeAgentError("this machine is not enrolled")
        return SimpleNamespace(signer=SIGNER)

    monkeypatch.setattr(AgentKeys, "load", load)


def run(state: Path, *options: str) -> Result:
    return CliRunner().invoke(command.fsck, ["--state-dir", str(state), *options])


def contents(state: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in state.rglob("*") if path.is_file() and path.suffix != ".db-shm"}


def test_what_is_sound_is_said_to_be_and_nothing_is_changed(state: Path) -> None:
    before = contents(state)
    result = run(state)
    assert (result.exit_code, result.output) == (0, "8 records in 4 segments, 2 blobs: all sound\n")
    assert contents(state) == before
    shown = json.loads(run(state, "--json").output)
    assert shown == {"segments": 4, "records": 8, "blobs": 2, "findings": [], "found": [], "repaired": []}


def test_a_damaged_segment_is_named_with_what_would_be_lost(state: Path) -> None:
    change(segment(state / "journal", 2), RECORDS[3], b"")
    before = contents(state)
    result = run(state)
    assert result.exit_code == 1
    assert f"journal/{segment(state, 2).name}: the commit at record 2 does not fit its checksum" in result.output
    assert "lost: 1 records from 3 on" in result.output
    assert "--repair" in result.output
    assert contents(state) == before


def test_repair_mends_and_says_what_the_agent_will_record(state: Path) -> None:
    change(segment(state / "journal", 2), RECORDS[3], b"")
    change(segment(state / "journal", 6), RECORDS[6], b"")
    change(leaves(state / "journal", 0), leaf_hash(RECORDS[0]), b"altered")
    (state / "evidence.db").write_bytes(b"no database at all" * 300)
    result = run(state, "--repair", "--json")
    assert result.exit_code == 0, result.output
    shown = json.loads(result.output)
    assert len(shown["found"]) == 4
    assert shown["findings"] == []
    assert len(shown["repaired"]) == 4
    assert run(state).exit_code == 0
    with opened(state / "journal") as journal:
        assert {loss.records.first_index for loss in journal.losses if loss.records.count} == {3, 6}


def test_repair_of_what_is_sound_does_nothing(state: Path) -> None:
    before = {name: data for name, data in contents(state).items() if not name.endswith("lock")}
    assert run(state, "--repair").exit_code == 0
    assert {name: data for name, data in contents(state).items() if not name.endswith("lock")} == before


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda journal: (journal / "newest").write_bytes((9999).to_bytes(8) + b"\xad\xed\xd4\x12"), None),
        (lambda journal: segment(journal, 6).write_bytes(b""), "captured messages"),
        (lambda journal: sql(segment(journal, 6), "DELETE FROM in_flight"), "1 captured messages or passages"),
        (lambda journal: sql(segment(journal, 2), "DELETE FROM head"), "nothing"),
        (lambda journal: (journal / f"{2:020}.db.mended").write_bytes(b""), "while it mended"),
    ],
)
def test_other_damage_is_found(state: Path, damage: Any, words: str | None) -> None:
    damage(state / "journal")
    result = run(state)
    assert result.exit_code == (1 if words else 0)
    assert words is None or words in result.output


@pytest.mark.parametrize(("size", "words"), [(2, "the checkpoint of 2 records"), (3, "is one of 3")])
def test_a_note_that_does_not_hold_is_found_though_its_checksum_fits(tmp_path: Path, size: int, words: str) -> None:
    make(tmp_path / "journal")
    with closing(connect(segment(tmp_path / "journal"))) as connection:
        commit = next(commits_from(connection, 0))
        note = SIGNER.sign(Checkpoint(SIGNER.name, size, bytes(32)).body()).to_bytes()
        if size == commit.end_index:
            note = note[:-20] + b"AAAAAAAA" + note[-12:]
        crc = Commit(commit.first_index, commit.end_index, commit.body, note).to_row()[2]
        connection.execute("UPDATE commits SET crc = ?, note = ? WHERE first_index = 0", (crc, note))
    result = run(tmp_path)
    assert result.exit_code == 1
    assert words in result.output


def test_a_person_reads_what_was_repaired(state: Path) -> None:
    change(segment(state / "journal", 2), RECORDS[3], b"")
    result = run(state, "--repair")
    assert result.exit_code == 0
    assert "repaired: The journal was damaged" in result.output
    assert result.output.endswith("all sound\n")


def test_leaf_files_of_pruned_records_are_checked(state: Path) -> None:
    with opened(state / "journal") as journal:
        acknowledge(journal, 4)
        journal.prune(keep=0)
    assert run(state).exit_code == 0
    leaves(state / "journal", 2).write_bytes(bytes(64))
    result = run(state)
    assert result.exit_code == 1
    assert "leaf hashes of pruned records are gone or altered" in result.output
    segment(state / "journal", 4).write_bytes(b"")
    assert "pruned" not in run(state).output, "without the tree where the oldest segment begins nobody can tell"


def test_blobs_are_read_and_missed(state: Path) -> None:
    first, second = sorted((state / "evidence").glob("*/*"))
    first.write_bytes(b"something else")
    second.unlink()
    (first.parent / "feed.17.part").write_bytes(b"unfinished")
    result = run(state)
    assert result.exit_code == 1
    assert f"evidence/{first.parent.name}/{first.name}: the blob was altered" in result.output
    assert f"evidence/{second.parent.name}/{second.name}: a blob that is to be delivered is gone" in result.output
    assert run(state, "--repair").exit_code == 1, "a blob cannot be made again"


def test_a_journal_that_cannot_go_on_is_told(tmp_path: Path) -> None:
    make(tmp_path / "journal")
    segment(tmp_path / "journal").write_bytes(b"")
    leaves(tmp_path / "journal").write_bytes(bytes(32) + leaves(tmp_path / "journal").read_bytes()[32:])
    result = run(tmp_path)
    assert result.exit_code == 1
    assert "cannot go on" in result.output
    assert "0 records in 1 segments" in result.output
    assert run(tmp_path, "--repair").exit_code == 2


@pytest.mark.parametrize("old", [True, False])
def test_without_a_journal_there_is_nothing_to_check(tmp_path: Path, *, old: bool) -> None:
    (tmp_path / "journal").mkdir()
    if old:
        (tmp_path / "journal.db").touch()
    result = run(tmp_path)
    assert result.exit_code == 2
    assert "there is no journal" in result.output
    assert ("taken over when the agent starts" in result.output) == old


def test_a_machine_that_is_not_enrolled_or_a_site_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert run(tmp_path / "nowhere").exit_code == 2
    result = CliRunner().invoke(command.fsck, ["--config", str(tmp_path / "site.toml")])
    assert result.exit_code == 2
    assert "site.toml" in result.output


def test_what_an_agent_uses_is_not_repaired(state: Path) -> None:
    with (state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = run(state, "--repair")
        assert result.exit_code == 2
        assert "an agent uses" in result.output
    assert run(state, "--repair").exit_code == 0


def test_beside_an_agent_that_runs_what_is_sound_is_found_sound_and_what_is_damaged_damaged(state: Path) -> None:
    over = threading.Event()
    with opened(state / "journal") as journal, (state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        def work() -> None:
            while not over.wait(0.001):
                journal.append([b"captured meanwhile"], in_flight={"L1": b"moves"})

        agent = threading.Thread(target=work)
        agent.start()
        try:
            found = [run(state) for _ in range(5)]
            change(segment(state / "journal", 2), RECORDS[3], b"")
            damaged = run(state)
        finally:
            over.set()
            agent.join()
    assert [(each.exit_code, each.output) for each in found if each.exit_code] == []
    assert damaged.exit_code == 1
    assert damaged.output.count("next:") == 1
    assert f"{segment(state, 2).name}: the commit at record 2" in damaged.output


def test_a_database_that_cannot_be_opened_is_told(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Path) -> None:
        error = sqlite3.OperationalError("unable to open database file")
        error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        raise error

    monkeypatch.setattr("edge_agent.journal.verify.connect_to_read", fail)
    result = run(state)
    assert result.exit_code == 2
    assert "unable to open database file" in result.output


def test_beside_an_agent_only_what_is_found_each_time_counts(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, looks = examining._altered, list[Path]()

    def once(state_dir: Path, blobs: list[Path]) -> Iterator[Finding]:
        looks.append(state_dir)
        if len(looks) == 1:
            yield Finding("evidence/x", "seen in between", "nothing", "look again")
            blobs[0].unlink()  # removed behind the agent's back while it is looked at
        yield from real(state_dir, blobs)

    monkeypatch.setattr(examining, "_altered", once)
    report = examine(state, SIGNER, running=True)
    assert len(looks) == 3
    assert [each.damage for each in report.findings] == ["a blob that is to be delivered is gone"]


def test_only_the_agents_user_repairs(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change(segment(state / "journal", 2), RECORDS[3], b"")
    monkeypatch.setattr(os, "geteuid", lambda: state.stat().st_uid + 1)
    result = run(state, "--repair")
    assert result.exit_code == 2
    assert "sudo -u tidegate-edge" in result.output


def test_the_command_is_known_to_edge_agent() -> None:
    from edge_agent.cli import cli

    result = CliRunner().invoke(cli, ["fsck", "--help"])
    assert result.exit_code == 0
    assert "--repair" in result.output


def traces(directory: Path) -> dict[str, tuple[bytes, int]]:
    """Every name below a directory, with what is there and when it was last changed."""
    return {
        str(path): (path.read_bytes() if path.is_file() else b"", path.stat().st_mtime_ns)
        for path in (directory, *directory.rglob("*"))
    }


def test_what_a_killed_agent_left_is_checked_with_its_logs_and_nothing_of_it_is_touched(tmp_path: Path) -> None:
    living, killed = tmp_path / "living", tmp_path / "killed"
    living.mkdir()
    with closing(Journal(living / "journal", SIGNER)) as journal, closing(EvidenceStore(living)) as store:
        journal.append(RECORDS)
        store.keep(b"\xff\xd8\xff picture", "image/jpeg", "plate")
        shutil.copytree(living, killed, ignore=shutil.ignore_patterns("evidence.db-shm"))
    for unfinished in ("journal/00000000000000000099.db.part", "evidence.db.part", "evidence/ab.17.part"):
        (killed / unfinished).write_bytes(b"an agent was killed here")
    (killed / "lock").touch()
    assert all(path.stat().st_size for path in (*killed.glob("journal/*-wal"), killed / "evidence.db-wal"))
    before = traces(killed)
    report = examine(killed, SIGNER)
    assert (report.records, report.blobs, report.findings) == (len(RECORDS), 1, [])
    assert run(killed).exit_code == 0
    assert traces(killed) == before
