"""`edge-agent fsck` and what is behind it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from edge_agent.commands import fsck as command
from edge_agent.errors import EdgeAgentError
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.journal.fsck import examine
from edge_agent.journal.journal import Journal
from edge_agent.journal.segment import Commit, commits_from, connect
from edge_agent.keys import AgentKeys
from gate_contract.checkpoint import Checkpoint
from gate_contract.merkle import leaf_hash
from tests.unit.edge_agent.journal.journals import SIGNER, acknowledge, opened
from tests.unit.edge_agent.journal.test_recovery import RECORDS, change, leaves, make, segment, sql


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


@pytest.mark.parametrize("options", [(), ("--repair",)])
def test_while_an_agent_runs_nothing_is_looked_at(state: Path, options: tuple[str, ...]) -> None:
    with (state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = run(state, *options)
    assert result.exit_code == 2
    assert "an agent uses" in result.output
    assert run(state, *options).exit_code == 0


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


def test_every_segment_of_a_killed_agent_is_checked_with_its_log(tmp_path: Path) -> None:
    (tmp_path / "living").mkdir()
    with closing(Journal(tmp_path / "living" / "journal", SIGNER)) as journal:
        journal.append(RECORDS)
        shutil.copytree(tmp_path / "living", tmp_path / "killed")
    assert examine(tmp_path / "killed", SIGNER).records == len(RECORDS)
    log = next((tmp_path / "killed" / "journal").glob("*-wal"))
    assert log.stat().st_size > 0, "it is left as it is"
