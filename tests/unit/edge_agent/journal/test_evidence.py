"""Blobs beside the journal."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from edge_agent.errors import EvidenceLostError, JournalError
from edge_agent.journal import evidence, evidence_list
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.journal.evidence_list import EvidenceList, listed


def test_a_blob_is_named_by_its_hash_and_waits_for_delivery(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    kept = store.keep(b"picture", "image/jpeg", "plate")
    assert kept.sha256 == sha256(b"picture").digest()
    assert (kept.size, kept.media_type, kept.role) == (7, "image/jpeg", "plate")
    assert store.read(kept.sha256) == b"picture"
    assert store.waiting() == [(kept.sha256, 7, "image/jpeg")]


def test_the_same_bytes_are_kept_once(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    store.keep(b"picture", "image/jpeg", "plate")
    store.keep(b"picture", "image/jpeg", "vehicle")
    assert store.kept_bytes == 7
    assert len(store.waiting()) == 1


def test_a_delivered_blob_is_gone_from_the_gate(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    kept = store.keep(b"picture", "image/jpeg", "plate")
    store.delivered(kept.sha256)
    assert store.waiting() == []
    with pytest.raises(EvidenceLostError, match="is gone"):
        store.read(kept.sha256)


def test_bytes_that_come_again_after_their_delivery_are_delivered_again_and_gone_again(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    kept = store.keep(b"picture", "image/jpeg", "plate")
    store.delivered(kept.sha256)
    store.keep(b"picture", "image/jpeg", "plate")
    assert store.waiting() == [(kept.sha256, 7, "image/jpeg")]
    store.delivered(kept.sha256)
    assert list((tmp_path / "evidence").glob("*/*")) == []


def test_a_lost_blob_is_expected_no_more_and_what_is_left_of_it_stays(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    kept = store.keep(b"picture", "image/jpeg", "plate")
    store.lost(kept.sha256)
    assert store.waiting() == []
    assert len(list((tmp_path / "evidence").glob("*/*"))) == 1


def test_on_a_full_disk_the_reference_says_that_nothing_is_kept_and_nothing_unfinished_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = EvidenceStore(tmp_path)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        named = store.keep(b"picture", "image/jpeg", "plate")
    assert (named.sha256, named.not_kept) == (sha256(b"picture").digest(), "the gate's disk was full")
    assert list((tmp_path / "evidence").glob("*/*")) == []
    assert (store.shed, store.waiting()) == (1, [])
    assert not store.keep(b"picture", "image/jpeg", "plate").not_kept


def test_a_disk_that_fails_otherwise_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = EvidenceStore(tmp_path)

    def broken(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(JournalError, match="Input/output error"):
        store.keep(b"picture", "image/jpeg", "plate")


def test_what_is_left_of_a_disk_is_for_records_but_what_is_kept_already_stays(tmp_path: Path) -> None:
    low = [False]
    store = EvidenceStore(tmp_path, lambda: low[0])
    store.keep(b"known", "image/jpeg", "plate")
    low[0] = True
    assert store.keep(b"new", "image/jpeg", "plate").not_kept
    assert not store.keep(b"known", "image/jpeg", "plate").not_kept
    assert store.shed == 1


def test_a_blob_whose_place_in_the_list_finds_no_room_does_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = EvidenceStore(tmp_path)
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL

    def fail(*_: object) -> None:
        raise JournalError("the list cannot be written", cause="full") from full

    monkeypatch.setattr(EvidenceList, "expect_all", fail)
    assert store.keep(b"picture", "image/jpeg", "plate").not_kept
    assert list((tmp_path / "evidence").glob("*/*")) == []
    full.sqlite_errorcode = sqlite3.SQLITE_IOERR
    with pytest.raises(JournalError, match="cannot be written"):
        store.keep(b"picture", "image/jpeg", "plate")


def test_what_an_agent_left_unfinished_is_removed_by_the_next_one(tmp_path: Path) -> None:
    kept = EvidenceStore(tmp_path).keep(b"picture", "image/jpeg", "plate")
    (directory,) = (tmp_path / "evidence").iterdir()
    (directory / "feed.17.part").write_bytes(b"pict")
    assert EvidenceStore(tmp_path).read(kept.sha256) == b"picture"
    assert [file.name for file in directory.iterdir()] == [kept.sha256.hex()]


def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("a file where a directory must be")
    with pytest.raises(JournalError, match=r"evidence directory .* cannot be used"):
        EvidenceStore(tmp_path)


def test_an_altered_blob_is_not_delivered(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    kept = store.keep(b"picture", "image/jpeg", "plate")
    (path,) = (tmp_path / "evidence").glob("*/*")
    path.write_bytes(b"pictura")
    with pytest.raises(EvidenceLostError, match="altered on disk"):
        store.read(kept.sha256)


def test_a_disk_that_takes_nothing_is_told_and_nothing_is_promised(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    (tmp_path / "evidence" / sha256(b"picture").hexdigest()[:2]).write_text("a file where a directory must be")
    with pytest.raises(JournalError, match="cannot be written"):
        store.keep(b"picture", "image/jpeg", "plate")
    assert store.waiting() == []


def test_what_comes_together_is_synced_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = EvidenceStore(tmp_path)
    blobs = [b"message", b"picture 1", b"picture 2", b"picture 1"]
    directories = {tmp_path / "evidence" / sha256(blob).hexdigest()[:2] for blob in blobs}
    store.keep(b"picture 1", "image/jpeg", "plate")  # its directory is known
    asked: list[Path] = []
    monkeypatch.setattr(evidence, "synced", asked.append)
    kept = store.keep_all([(blob, "image/jpeg", "plate") for blob in blobs])
    assert [each.sha256 for each in kept] == [sha256(blob).digest() for blob in blobs]
    assert asked == [*sorted(directories), tmp_path / "evidence"]
    asked.clear()
    assert store.keep_all([(blob, "image/jpeg", "plate") for blob in blobs[:2]]) == kept[:2]
    assert asked == sorted({path for path in directories if path.name in [each.sha256.hex()[:2] for each in kept[:2]]})
    assert store.kept_bytes == sum(map(len, {*blobs}))


def test_of_what_comes_together_nothing_new_stays_when_the_disk_fails_or_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = EvidenceStore(tmp_path)
    known = store.keep(b"known", "image/jpeg", "plate")
    blobs = [(blob, "image/jpeg", "plate") for blob in (b"new", b"known")]

    def fails(number: int) -> Callable[[Path], None]:
        def fail(_path: Path) -> None:
            raise OSError(number, "it does")

        return fail

    monkeypatch.setattr(evidence, "synced", fails(errno.EIO))
    with pytest.raises(JournalError, match="cannot be written"):
        store.keep_all(blobs)
    monkeypatch.setattr(evidence, "synced", fails(errno.ENOSPC))
    assert [bool(each.not_kept) for each in store.keep_all(blobs)] == [True, True]
    assert [path.name for path in (tmp_path / "evidence").glob("*/*")] == [known.sha256.hex()]
    assert (len(store.waiting()), store.shed) == (1, 2)


def test_a_name_whose_sync_failed_is_synced_before_the_blob_is_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = EvidenceStore(tmp_path)
    asked: list[Path] = []

    def failing(path: Path) -> None:
        asked.append(path)
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(evidence, "synced", failing)
        for _ in range(2):
            with pytest.raises(JournalError, match="Input/output error"):
                store.keep(b"picture", "image/jpeg", "plate")
    name = tmp_path / "evidence" / sha256(b"picture").hexdigest()[:2]
    assert asked == [name, name]
    assert store.waiting() == []
    monkeypatch.setattr(evidence, "synced", asked.append)
    store.keep(b"picture", "image/jpeg", "plate")
    assert asked[2:] == [name, tmp_path / "evidence"]
    store.close()


# --- the list of what is to be delivered -----------------------------------------------------------------------------


def spoil(path: Path) -> bytes:
    """Make a database unusable; its bytes then."""
    path.write_bytes(path.read_bytes()[:100] + bytes(4000) + path.read_bytes()[4100:])
    return path.read_bytes()


def test_the_list_is_there_after_a_restart(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    kept = store.keep(b"picture", "image/jpeg", "plate")
    assert listed(tmp_path / "evidence.db") == [kept.sha256]
    store.close()
    again = EvidenceStore(tmp_path)
    assert again.waiting() == [(kept.sha256, 7, "image/jpeg")]
    assert again.mended == []
    again.close()


BLOBS = {
    b"\xff\xd8\xff a photograph": "image/jpeg",
    b"\x89PNG another": "image/png",
    b"<EventNotificationAlert/>": "application/xml",
    b"milliseconds,kilograms\n0,20\n": "text/csv",
}


@pytest.mark.parametrize("content", [b"no database at all" * 500, None])
def test_a_damaged_list_is_put_aside_and_made_again_from_the_blobs(tmp_path: Path, content: bytes | None) -> None:
    store = EvidenceStore(tmp_path)
    for blob, media_type in BLOBS.items():
        store.keep(blob, media_type, "whatever")
    before = sorted(store.waiting())
    store.close()
    damaged = spoil(tmp_path / "evidence.db") if content is None else content
    (tmp_path / "evidence.db").write_bytes(damaged)
    with pytest.raises(sqlite3.DatabaseError):
        listed(tmp_path / "evidence.db")
    again = EvidenceStore(tmp_path)
    assert sorted(again.waiting()) == before
    (quarantined,) = again.mended
    assert (tmp_path / quarantined.path).read_bytes() == damaged
    assert again.keep(b"one more", "image/jpeg", "plate").sha256 in [digest for digest, *_ in again.waiting()]
    again.close()


@pytest.mark.parametrize("old", [b"image/jpeg", None])
def test_an_altered_entry_is_damage(tmp_path: Path, old: bytes | None) -> None:
    store = EvidenceStore(tmp_path)
    kept = [store.keep(b"\xff\xd8\xff%d" % number, "image/jpeg", "plate") for number in range(9)]
    before = sorted(store.waiting())
    store.close()
    path = tmp_path / "evidence.db"
    target = old or min(each.sha256 for each in kept)[-4:]
    path.write_bytes(path.read_bytes().replace(target, bytes(byte ^ 1 for byte in target)))
    with pytest.raises(sqlite3.DatabaseError, match="does not fit its checksum"):
        listed(path)
    again = EvidenceStore(tmp_path)
    assert sorted(again.waiting()) == before
    assert len(again.mended) == 1
    again.close()


def test_entries_that_a_damaged_log_does_not_give_are_found_in_the_directory(tmp_path: Path) -> None:
    killed, state = tmp_path / "killed", tmp_path / "state"
    state.mkdir()
    store = EvidenceStore(state)
    kept = [store.keep(b"\xff\xd8\xff%d" % number, "image/jpeg", "plate") for number in range(3)]
    shutil.copytree(state, killed)
    store.close()
    log = killed / "evidence.db-wal"
    log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])
    again = EvidenceStore(killed)
    assert {each[0] for each in again.waiting()} == {each.sha256 for each in kept}
    again.lost(kept[0].sha256)
    again.close()


def test_a_list_that_is_damaged_while_it_is_used_is_made_again(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    kept = store.keep(b"picture", "image/jpeg", "plate")
    connection = store._list._connection
    assert connection is not None
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    spoil(tmp_path / "evidence.db")
    connection.execute("PRAGMA cache_size=0")
    connection.execute("PRAGMA shrink_memory")
    more = store.keep(b"<more/>", "application/xml", "message")
    assert {digest for digest, *_ in store.waiting()} == {kept.sha256, more.sha256}
    assert len(store.mended) == 1
    store.close()


def test_a_list_that_sqlite_only_reads_is_opened_anew(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    connection = store._list._connection
    assert connection is not None
    connection.close()
    store._list._connection = sqlite3.connect(
        f"{(tmp_path / 'evidence.db').as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )  # as after one open(2) that failed
    kept = store.keep(b"picture", "image/jpeg", "plate")
    assert [digest for digest, *_ in store.waiting()] == [kept.sha256]
    assert store.mended == []
    store.close()


def test_a_list_that_could_not_be_made_again_leaves_nothing_and_is_made_at_the_next_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = EvidenceStore(tmp_path)
    kept = store.keep(b"picture", "image/jpeg", "plate")
    store.close()
    spoil(tmp_path / "evidence.db")

    def failing(_path: Path) -> None:
        assert (tmp_path / "evidence.db.part").exists()
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(evidence_list, "synced", failing)
        with pytest.raises(JournalError, match="Input/output error"):
            EvidenceStore(tmp_path)
    assert list(tmp_path.glob("*.part*")) == []
    for left in ("evidence.db.part", "evidence.db.part-journal"):
        (tmp_path / left).write_bytes(b"an agent was killed here")
    again = EvidenceStore(tmp_path)
    assert [digest for digest, *_ in again.waiting()] == [kept.sha256]
    again.close()
    assert list(tmp_path.glob("*.part*")) == []


def test_a_list_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "evidence.db").mkdir()
    with pytest.raises(JournalError, match=r"list of evidence .*evidence\.db cannot be used"):
        EvidenceStore(tmp_path)


def test_a_list_that_cannot_be_put_aside_is_told(tmp_path: Path) -> None:
    (tmp_path / "evidence.db").write_bytes(b"no database at all" * 500)
    (tmp_path / "quarantine").write_text("a file where a directory must be")
    with pytest.raises(JournalError, match="cannot be used"):
        EvidenceStore(tmp_path)


def test_a_list_that_was_closed_says_so_in_words(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    store.close()
    with pytest.raises(JournalError, match="closed database"):
        store.keep(b"picture", "image/jpeg", "plate")


def test_a_blob_that_cannot_be_read_is_told_and_is_not_lost(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    kept = store.keep(b"picture", "image/jpeg", "plate")
    (path,) = (tmp_path / "evidence").glob("*/*")
    path.unlink()
    path.mkdir()
    with pytest.raises(JournalError, match="Is a directory") as caught:
        store.read(kept.sha256)
    assert not isinstance(caught.value, EvidenceLostError)
    store.close()
