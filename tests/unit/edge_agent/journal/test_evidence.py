"""Blobs beside the journal."""

from __future__ import annotations

import errno
import os
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.errors import EvidenceLostError, JournalError
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.journal.journal import Journal
from gate_contract.checkpoint import Signer


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "j.db", Signer("test/agent/a/00", Ed25519PrivateKey.generate()))


def test_a_blob_is_named_by_its_hash_and_waits_for_delivery(tmp_path: Path, journal: Journal) -> None:
    store = EvidenceStore(tmp_path / "evidence", journal)
    kept = store.keep(b"picture", "image/jpeg", "plate")
    assert kept.sha256 == sha256(b"picture").digest()
    assert (kept.size, kept.media_type, kept.role) == (7, "image/jpeg", "plate")
    assert store.read(kept.sha256) == b"picture"
    assert journal.spool.evidence_waiting() == [(kept.sha256, 7, "image/jpeg")]


def test_the_same_bytes_are_kept_once(tmp_path: Path, journal: Journal) -> None:
    store = EvidenceStore(tmp_path / "evidence", journal)
    store.keep(b"picture", "image/jpeg", "plate")
    store.keep(b"picture", "image/jpeg", "vehicle")
    assert store.kept_bytes == 7
    assert len(journal.spool.evidence_waiting()) == 1


def test_a_delivered_blob_is_gone_from_the_gate(tmp_path: Path, journal: Journal) -> None:
    store = EvidenceStore(tmp_path / "evidence", journal)
    kept = store.keep(b"picture", "image/jpeg", "plate")
    store.delivered(kept.sha256)
    assert journal.spool.evidence_waiting() == []
    with pytest.raises(EvidenceLostError, match="is gone"):
        store.read(kept.sha256)


def test_bytes_that_come_again_after_their_delivery_are_delivered_again_and_gone_again(
    tmp_path: Path, journal: Journal
) -> None:
    store = EvidenceStore(tmp_path / "evidence", journal)
    kept = store.keep(b"picture", "image/jpeg", "plate")
    store.delivered(kept.sha256)
    store.keep(b"picture", "image/jpeg", "plate")
    assert journal.spool.evidence_waiting() == [(kept.sha256, 7, "image/jpeg")]
    store.delivered(kept.sha256)
    assert list((tmp_path / "evidence").glob("*/*")) == []


def test_a_lost_blob_is_expected_no_more_and_what_is_left_of_it_stays(tmp_path: Path, journal: Journal) -> None:
    store = EvidenceStore(tmp_path / "evidence", journal)
    kept = store.keep(b"picture", "image/jpeg", "plate")
    store.lost(kept.sha256)
    assert journal.spool.evidence_waiting() == []
    assert len(list((tmp_path / "evidence").glob("*/*"))) == 1


def test_a_full_disk_leaves_no_unfinished_files(
    tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = EvidenceStore(tmp_path / "evidence", journal)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(JournalError, match="No space left"):
            store.keep(b"picture", "image/jpeg", "plate")
    assert list((tmp_path / "evidence").glob("*/*")) == []


def test_what_an_agent_left_unfinished_is_removed_by_the_next_one(tmp_path: Path, journal: Journal) -> None:
    kept = EvidenceStore(tmp_path / "evidence", journal).keep(b"picture", "image/jpeg", "plate")
    (directory,) = (tmp_path / "evidence").iterdir()
    (directory / "feed.17.part").write_bytes(b"pict")
    assert EvidenceStore(tmp_path / "evidence", journal).read(kept.sha256) == b"picture"
    assert [file.name for file in directory.iterdir()] == [kept.sha256.hex()]


def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path, journal: Journal) -> None:
    (tmp_path / "evidence").write_text("a file where a directory must be")
    with pytest.raises(JournalError, match=r"evidence directory .* cannot be used"):
        EvidenceStore(tmp_path / "evidence", journal)


def test_an_altered_blob_is_not_delivered(tmp_path: Path, journal: Journal) -> None:
    store = EvidenceStore(tmp_path / "evidence", journal)
    kept = store.keep(b"picture", "image/jpeg", "plate")
    (path,) = (tmp_path / "evidence").glob("*/*")
    path.write_bytes(b"pictura")
    with pytest.raises(EvidenceLostError, match="altered on disk"):
        store.read(kept.sha256)


def test_a_disk_that_takes_nothing_is_told_and_nothing_is_promised(tmp_path: Path, journal: Journal) -> None:
    store = EvidenceStore(tmp_path / "evidence", journal)
    (tmp_path / "evidence" / sha256(b"picture").hexdigest()[:2]).write_text("a file where a directory must be")
    with pytest.raises(JournalError, match="cannot be written"):
        store.keep(b"picture", "image/jpeg", "plate")
    assert journal.spool.evidence_waiting() == []
