"""Blobs beside the journal."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.errors import JournalError
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
    with pytest.raises(JournalError, match="cannot be read"):
        store.read(kept.sha256)


def test_an_altered_blob_is_not_delivered(tmp_path: Path, journal: Journal) -> None:
    store = EvidenceStore(tmp_path / "evidence", journal)
    kept = store.keep(b"picture", "image/jpeg", "plate")
    (path,) = (tmp_path / "evidence").glob("*/*")
    path.write_bytes(b"pictura")
    with pytest.raises(JournalError, match="altered on disk"):
        store.read(kept.sha256)


def test_a_disk_that_takes_nothing_is_told_and_nothing_is_promised(tmp_path: Path, journal: Journal) -> None:
    store = EvidenceStore(tmp_path / "evidence", journal)
    (tmp_path / "evidence" / sha256(b"picture").hexdigest()[:2]).write_text("a file where a directory must be")
    with pytest.raises(JournalError, match="cannot be written"):
        store.keep(b"picture", "image/jpeg", "plate")
    assert journal.spool.evidence_waiting() == []
