"""The journal of an older agent, damaged: what can be taken over is, and what is lost is named."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.errors import JournalError
from edge_agent.journal.fsck import examine
from edge_agent.journal.journal import Journal
from gate_contract.checkpoint import Checkpoint, Signer
from gate_contract.envelope import leaf_hashes, open_batch
from gate_contract.merkle import Frontier
from gate_contract.v1.record_pb2 import Probe, Record
from tests.unit.edge_agent.journal.journals import SIGNER, collected, opened, records_of, sealed
from tests.unit.edge_agent.journal.old_journals import RECORDS, old_journal


@pytest.mark.parametrize(
    ("damage", "lost"),
    [
        ("DELETE FROM records WHERE record_index = 4", [4]),
        ("DELETE FROM records WHERE record_index = 9", [9]),
        ("UPDATE records SET body = 'no bytes at all' WHERE record_index = 0", [0]),
        ("UPDATE records SET body = x'00' || body WHERE record_index = 0", [0]),
        ("DELETE FROM checkpoints WHERE size = 5", []),
        ("DELETE FROM checkpoints", []),
        ("UPDATE checkpoints SET note = x'00' || note WHERE size = 5", []),
        ("PRAGMA user_version = 9", []),
        ("DELETE FROM head", []),
        ("UPDATE head SET peaks = x'00'", []),
        ("UPDATE head SET receipt_size = 99, pruned = 99", []),
        ("DROP TABLE inbox", []),
    ],
)
def test_of_a_damaged_old_journal_all_but_what_is_damaged_is_taken_over(
    tmp_path: Path, damage: str, lost: list[int]
) -> None:
    old_journal(tmp_path / "journal.db", (1, 5, 6, 12))
    with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as connection:
        connection.execute(damage)
    before = (tmp_path / "journal.db").read_bytes()
    with opened(tmp_path / "journal") as journal:
        there, gone, _ = collected(journal)
        assert there == {index: RECORDS[index] for index in range(12) if index not in lost}
        assert sorted(gone) == lost
        told = [loss for loss in journal.losses if "older agent" in loss.text]
        named = [each.records.first_index for each in told if each.records.count]
        assert named == lost
        assert bool(told) != (damage in {"PRAGMA user_version = 9", "DELETE FROM checkpoints WHERE size = 5"})
        assert any(loss.HasField("inbox") for loss in told) == ("inbox" in damage)
        assert all((tmp_path / loss.quarantined).read_bytes() == before for loss in told)
        if "inbox" not in damage:
            assert [each.body for each in journal.spool.inbox()] == [b"AB"]
            assert journal.in_flight() == {"L1": b"CD"}
            assert journal.spool.keep("camera-1", "e1", b"AB") is None
        assert journal.append([b"the next one"]) == 12
        assert journal.live(12) is not None
        assert collected(journal)[0][12] == b"the next one"
    with opened(tmp_path / "journal") as journal:
        assert collected(journal)[0] == there | {12: b"the next one"}
        assert journal.scrub() is not None
    assert (tmp_path / "journal.db.migrated").exists()
    assert [each for each in examine(tmp_path, SIGNER).findings if each.file.startswith("journal")] == []


def test_a_commit_of_which_nobody_knows_which_record_was_altered_is_lost_whole(tmp_path: Path) -> None:
    old_journal(tmp_path / "journal.db", (1, 5, 6))
    with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as connection:
        connection.execute("UPDATE records SET body = x'616161' WHERE record_index = 2")
    with opened(tmp_path / "journal") as journal:
        there, lost, _ = collected(journal)
        assert (sorted(there), sorted(lost)) == ([0, 4, 5], [1, 2, 3]), "4 is the last of a perfect subtree"


def test_a_head_with_one_altered_bit_is_set_right_by_the_newest_note(tmp_path: Path) -> None:
    old_journal(tmp_path / "journal.db", (4, 5, 7), receipt_size=4, pruned=4)
    with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as connection:
        (peaks,) = connection.execute("SELECT peaks FROM head").fetchone()
        altered = bytes([peaks[0] ^ 4]) + peaks[1:]
        note = SIGNER.sign("no checkpoint at all\n").to_bytes()
        connection.execute("UPDATE head SET peaks = ?, size = 1000", (altered,))
        connection.execute("INSERT INTO checkpoints VALUES (6, ?)", (note,))
    with opened(tmp_path / "journal") as journal:
        assert (journal.size, journal.kept()) == (7, 3)
        known, read = Frontier().grown(leaf_hashes(RECORDS[:4])), list[bytes]()
        while (stretch := journal.stretch(known.size, 10, 1 << 20)) is not None:
            known = open_batch(sealed(stretch), known, SIGNER.verifier, lambda *_: []).frontier
            read += records_of(stretch)
        assert read == RECORDS[4:7]


@pytest.mark.parametrize("pruned", [0, 4])
def test_a_newest_note_with_an_altered_bit_is_signed_again(tmp_path: Path, pruned: int) -> None:
    old_journal(tmp_path / "journal.db", (4, 5, 7), receipt_size=pruned, pruned=pruned)
    with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as connection:
        (note,) = connection.execute("SELECT note FROM checkpoints WHERE size = 7").fetchone()
        connection.execute("UPDATE checkpoints SET note = ? WHERE size = 7", (note.replace(b"\n7\n", b"\n6\n"),))
    with opened(tmp_path / "journal") as journal:
        known, read = Frontier().grown(leaf_hashes(RECORDS[:pruned])), list[bytes]()
        while (stretch := journal.stretch(known.size, 10, 1 << 20)) is not None:
            known = open_batch(sealed(stretch), known, SIGNER.verifier, lambda *_: []).frontier
            read += records_of(stretch)
        assert read == RECORDS[pruned:7]


def test_an_old_journal_of_another_machine_is_refused_also_when_it_is_damaged(tmp_path: Path) -> None:
    old_journal(tmp_path / "journal.db", (1, 5))
    with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as connection:
        connection.execute("DELETE FROM records WHERE record_index = 2")
    with pytest.raises(JournalError, match="belongs to another machine"):
        Journal(
            tmp_path / "journal",
            Signer("test/agent/gate-02/ffff", Ed25519PrivateKey.from_private_bytes(bytes(30) + b"ab")),
        )


def test_an_altered_note_and_an_altered_receipt_cost_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.journal.salvage_old.MAX_COMMIT_RECORDS", 1)
    old_journal(tmp_path / "journal.db", (1, 5, 6))
    with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as connection:
        (note,) = connection.execute("SELECT note FROM checkpoints WHERE size = 5").fetchone()
        other = Checkpoint(SIGNER.name, 5, bytes(32)).body().encode() + note[note.index(b"\n\n") + 1 :]
        connection.execute("UPDATE checkpoints SET note = ? WHERE size = 5", (other,))
        connection.execute("UPDATE head SET receipt = ?, receipt_size = 4, pruned = 5", (note,))
    with opened(tmp_path / "journal") as journal:
        assert collected(journal)[0] == dict(enumerate(RECORDS[:6]))
        assert journal.receipt() == (0, b"")


@pytest.mark.parametrize(("tried", "lost"), [(1, [1, 2, 3]), (50_000, [])])
def test_an_altered_bit_of_a_record_is_set_right_where_that_takes_no_longer_than_a_start_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tried: int, lost: list[int]
) -> None:
    monkeypatch.setattr("edge_agent.journal.salvage_old.MOST_TRIED", tried)
    old_journal(tmp_path / "journal.db", (1, 4))
    altered = flip(RECORDS[2], 17)
    with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as connection:
        connection.execute("UPDATE records SET body = ? WHERE record_index = 2", (altered,))
    with opened(tmp_path / "journal") as journal:
        there, gone, _ = collected(journal)
        assert sorted(gone) == lost
        assert there == {index: RECORDS[index] for index in range(4) if index not in lost}


def test_of_a_commit_with_one_record_that_is_no_message_any_more_only_that_one_is_lost(tmp_path: Path) -> None:
    messages = [Record(format=1, probe=Probe(payload=b"%d" % number)).SerializeToString() for number in range(4)]
    path = tmp_path / "journal.db"
    old_journal(path, (1, 4))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for size in (1, 4):
            grown = Frontier().grown(leaf_hashes(messages[:size]))
            note = SIGNER.sign(Checkpoint.of(SIGNER.name, grown).body()).to_bytes()
            connection.execute("UPDATE checkpoints SET note = ? WHERE size = ?", (note, size))
        connection.execute("UPDATE head SET peaks = ?", (grown.to_bytes(),))
        connection.executemany(
            "UPDATE records SET body = ? WHERE record_index = ?", zip(messages, range(4), strict=True)
        )
        connection.execute("UPDATE records SET body = x'ffffffffff' WHERE record_index = 2")
    with opened(tmp_path / "journal") as journal:
        there, gone, _ = collected(journal)
        assert (there, sorted(gone)) == ({0: messages[0], 1: messages[1], 3: messages[3]}, [2])


def test_a_disk_that_fails_while_an_old_journal_is_read_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_journal(tmp_path / "journal.db", (1, 5))

    def fail(*_: object) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_READ
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("edge_agent.journal.migrate.connect_to_read", fail)
        with pytest.raises(JournalError, match="disk I/O error"):
            Journal(tmp_path / "journal", SIGNER)
    assert not (tmp_path / "quarantine").exists()
    with opened(tmp_path / "journal") as journal:
        assert journal.losses == []


def test_a_record_whose_end_was_cut_off_with_the_file_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    old_journal(path, (1, 5, 6))
    large = b"large" * 4000
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        grown = Frontier().grown(leaf_hashes([*RECORDS[:6], large]))
        note = SIGNER.sign(Checkpoint.of(SIGNER.name, grown).body()).to_bytes()
        connection.execute("INSERT INTO checkpoints VALUES (7, ?)", (note,))
        connection.execute("UPDATE head SET size = 7, peaks = ?", (grown.to_bytes(),))
        connection.execute("INSERT INTO records VALUES (6, ?)", (large,))
    path.write_bytes(path.read_bytes()[:-4096])
    with opened(tmp_path / "journal") as journal:
        there, lost, _ = collected(journal)
        assert (there, sorted(lost)) == (dict(enumerate(RECORDS[:6])), [6])


def test_an_old_journal_that_lacks_its_newest_commit_is_damaged(tmp_path: Path) -> None:
    old_journal(tmp_path / "journal.db", (1, 5, 6))
    with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as connection:
        connection.execute("DELETE FROM checkpoints WHERE size = 6")
        connection.execute("DELETE FROM records WHERE record_index = 5")
    with opened(tmp_path / "journal") as journal:
        assert [each.records.first_index for each in journal.losses] == [5]
        assert sorted(collected(journal)[1]) == [5]


@pytest.mark.parametrize("pruned", [4, 5])
def test_of_a_pruned_and_damaged_old_journal_everything_goes_up_from_where_its_tree_is_known(
    tmp_path: Path, pruned: int
) -> None:
    old_journal(tmp_path / "journal.db", (4, 5, 7, 8, 11, 12), receipt_size=pruned, pruned=pruned)
    with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as connection:
        connection.execute("UPDATE records SET body = x'616161' WHERE record_index = 11")
    with opened(tmp_path / "journal") as journal:
        assert [each.records.first_index for each in journal.losses] == [11]
        known, read, lost = Frontier().grown(leaf_hashes(RECORDS[:pruned])), list[bytes](), list[int]()
        while (stretch := journal.stretch(known.size, 5, 1 << 20)) is not None:
            batch = open_batch(sealed(stretch), known, SIGNER.verifier, lambda *_: [])
            known, lost = batch.frontier, [*lost, *batch.lost]
            read += records_of(stretch)
        assert (read, lost) == (RECORDS[pruned:11], [11])


def flip(data: bytes, bit: int) -> bytes:
    altered = bytearray(data)
    altered[bit // 8] ^= 1 << bit % 8
    return bytes(altered)


@pytest.mark.parametrize("ending", ["", "-wal"])
def test_an_old_journal_with_a_flipped_bit_or_a_lost_end_starts_and_its_records_go_up(
    tmp_path: Path, ending: str
) -> None:
    made = tmp_path / "made"
    made.mkdir()
    old_journal(made / "journal.db", range(1, 13))
    if ending:
        with closing(sqlite3.connect(made / "journal.db", isolation_level=None)) as connection:
            connection.execute("UPDATE inbox SET body = x'4142'")
            connection.execute("UPDATE head SET receipt_ns = 43")
            shutil.copy(made / "journal.db-wal", tmp_path / "wal")
            shutil.copy(made / "journal.db", tmp_path / "db")
        shutil.move(tmp_path / "wal", made / "journal.db-wal")
        shutil.move(tmp_path / "db", made / "journal.db")
    data = (made / f"journal.db{ending}").read_bytes()
    dice = random.Random(3)
    damages = [flip(data, dice.randrange(8 * len(data))) for _ in range(14)]
    damages += [data[: dice.randrange(4096, len(data))] for _ in range(4 if ending else 2)]
    for number, damaged in enumerate(damages):
        state = tmp_path / str(number)
        shutil.copytree(made, state)
        (state / f"journal.db{ending}").write_bytes(damaged)
        with opened(state / "journal") as journal:
            there, lost, _ = collected(journal)
            assert {index: RECORDS[index] for index in there if index < 12} == there
            assert len(damaged) < len(data) or len(lost) <= 1
            assert {*range(journal.size)} == {*there, *lost}
            assert {each.records.first_index for each in journal.losses if each.records.count} <= {*lost}
            journal.append([b"the next one"])
