"""The key store keeps keys under names, shares them between programs, and forgets for good."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from collector.errors import CollectorError, StoreError
from collector.privacy.keystore import NEVER, Destroyed, KeyStore

ISSUER, NUMBER = "UTO", "L898902C3"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "personal-keys.db"


def test_a_document_has_one_subject_however_it_is_written_and_a_key(path: Path) -> None:
    with KeyStore(path) as store:
        subject = store.subject(ISSUER, NUMBER, 100)
        assert store.subject("uto", "L8989 02C-3", 50) == subject == store.find_subject(ISSUER, NUMBER)
        assert store.subject("D", NUMBER, 100) != subject
        key = store.key(subject)
    with KeyStore(path) as again:
        assert again.key(subject) == key
        assert len(key or b"") == 32


def test_a_term_is_only_lengthened_and_never_lasts(path: Path) -> None:
    with KeyStore(path) as store:
        subject = store.subject(ISSUER, NUMBER, 100)
        store.subject(ISSUER, NUMBER, 70)
        assert [each.key_id for each in store.due(99)] == []
        assert [each.key_id for each in store.due(100)] == [subject]
        case = store.make("case", "C-1", NEVER)
        assert store.make("case", "C-1", 10) == case
        sailing = store.make("sailing", "S-1", 40)
        store.make("sailing", "S-1", 60)
        assert [(each.key_id, each.expires_ns) for each in store.due(10**18)] == [(sailing, 60), (subject, 100)]


def test_sailings_and_cases_have_keys_by_name(path: Path) -> None:
    with KeyStore(path) as store:
        sailing, case = store.make("sailing", "X-1", 9), store.make("case", "X-1", 9)
        assert store.sailing_key("X-1") == (sailing, store.key(sailing))
        assert store.key(case) != store.key(sailing)
        assert store.sailing_key("X-2") is None
        with pytest.raises(ValueError, match="from its document"):
            store.make("subject", "somebody", 9)


def test_a_destroyed_key_is_in_no_byte_of_the_files_and_the_document_becomes_another_subject(path: Path) -> None:
    with KeyStore(path) as store:
        kept = store.make("sailing", "S-1", 9)
        subject = store.subject(ISSUER, NUMBER, 100)
        key = store.key(subject)
        wrapped = _column(store, "wrapped", subject)
        fingerprint = _column(store, "fingerprint", subject)
        assert wrapped in path.read_bytes()
        assert store.destroy(subject, "officer-7", "asked for")
        assert not store.destroy(subject)
        assert store.key(subject) is None
        assert store.entry(subject) is None
        assert store.find_subject(ISSUER, NUMBER) is None
        assert store.key(kept) is not None
        assert store.owed() == [Destroyed(subject, "subject", "officer-7", "asked for")]
        everything = b"".join(each.read_bytes() for each in path.parent.iterdir())
        assert key is not None
        for gone in (key, wrapped, fingerprint, NUMBER.encode()):
            assert gone not in everything
        assert store.subject(ISSUER, NUMBER, 100) != subject


def test_what_the_ledger_was_owed_is_settled_once(path: Path) -> None:
    with KeyStore(path) as store:
        for name in ("S-1", "S-2"):
            store.destroy(store.make("sailing", name, 9))
        first, second = store.owed()
        store.settle([first])
        assert store.owed() == [second]


def test_programs_at_the_same_time_make_one_store_and_one_subject(path: Path) -> None:
    found: list[str] = []
    start = threading.Barrier(4)

    def program() -> None:
        start.wait()
        with KeyStore(path) as store:
            found.append(store.subject(ISSUER, NUMBER, 100))

    programs = [threading.Thread(target=program) for _ in range(4)]
    for each in programs:
        each.start()
    for each in programs:
        each.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_many_documents_are_one_transaction(path: Path) -> None:
    with KeyStore(path) as store:
        subjects = store.subjects([(ISSUER, f"N{number}") for number in range(100)] + [(ISSUER, "N0")], 100)
        assert len(set(subjects)) == 100
        assert subjects[0] == subjects[-1]
        assert len(store.entries("subject")) == 100


def test_nobody_else_may_read_store_or_master_key(path: Path) -> None:
    with KeyStore(path) as store:
        store.subject(ISSUER, NUMBER, 100)
    assert {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()} == {0o600}
    master = path.with_suffix(".master")
    master.chmod(0o640)
    with pytest.raises(CollectorError, match="chmod go="):
        KeyStore(path)


def test_a_missing_damaged_or_foreign_master_key_is_an_error_with_the_next_step(path: Path) -> None:
    KeyStore(path).close()
    master = path.with_suffix(".master")
    right = master.read_bytes()
    master.unlink()
    with pytest.raises(CollectorError, match="is missing"):
        KeyStore(path)
    assert not master.exists()
    for wrong, words in ((right[:31], "is damaged"), (bytes(32), "not the master key of personal-keys.db")):
        master.write_bytes(wrong)
        master.chmod(0o600)
        with pytest.raises(CollectorError, match=words):
            KeyStore(path)


def test_a_damaged_file_or_key_is_a_store_error(path: Path) -> None:
    with KeyStore(path) as store:
        one, other = store.make("sailing", "S-1", 9), store.make("sailing", "S-2", 9)
        store._connection.execute(
            "UPDATE keys SET wrapped = (SELECT wrapped FROM keys WHERE key_id = ?) WHERE key_id = ?", (one, other)
        )
        with pytest.raises(StoreError, match="does not open under the master key"):
            store.key(other)
    path.write_bytes(b"no database at all, and long enough to be looked at" * 100)
    with pytest.raises(StoreError, match="could not do what was asked"):
        KeyStore(path)


def _column(store: KeyStore, name: str, key_id: str) -> bytes:
    row = store._connection.execute(f"SELECT {name} FROM keys WHERE key_id = ?", (key_id,)).fetchone()  # noqa: S608 - names from this test
    assert isinstance(row[0], bytes)
    return row[0]
