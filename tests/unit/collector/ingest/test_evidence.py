from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import grpc
import pytest
from sqlalchemy import select

from collector.ingest.evidence import (
    ABANDONED_S,
    MAX_BLOB_BYTES,
    MAX_CHUNK_BYTES,
    EvidenceStore,
    UploadError,
    record_evidence,
)
from collector.ledger.log import read_entries
from collector.store import schema
from gate_contract.v1.ledger_pb2 import EvidenceKept, LedgerEntry
from gate_contract.v1.uplink_pb2 import EvidenceOffer
from tests.unit.collector.collected import Collected

BLOB = bytes(range(256)) * 10


def offer(blob: bytes = BLOB, media_type: str = "image/jpeg") -> EvidenceOffer:
    return EvidenceOffer(sha256=sha256(blob).digest(), size=len(blob), media_type=media_type)


@pytest.fixture
def evidence(tmp_path: Path) -> EvidenceStore:
    return EvidenceStore(tmp_path)


def test_a_whole_blob_is_kept_under_its_hash(evidence: EvidenceStore, tmp_path: Path) -> None:
    with evidence.begin(offer(), "gate-1") as upload:
        upload.open()
        assert (upload.offset, upload.is_whole) == (0, False)
        upload.write(BLOB[:1000])
        upload.write(BLOB[1000:])
        assert upload.is_whole
        upload.finish()
    name = sha256(BLOB).hexdigest()
    assert evidence.path(sha256(BLOB).digest()) == tmp_path / "evidence" / name[:2] / name
    assert evidence.path(sha256(BLOB).digest()).read_bytes() == BLOB
    assert list((tmp_path / "evidence" / "partial").iterdir()) == []


def test_a_broken_upload_goes_on_where_it_broke_off(evidence: EvidenceStore) -> None:
    with evidence.begin(offer(), "gate-1") as upload:
        upload.open()
        upload.write(BLOB[:1000])
    with evidence.begin(offer(), "gate-1") as upload:
        upload.open()
        assert upload.offset == 1000
        upload.write(BLOB[1000:])
        upload.finish()
    assert evidence.path(sha256(BLOB).digest()).read_bytes() == BLOB


def test_a_blob_that_is_there_is_whole_at_once(evidence: EvidenceStore) -> None:
    for _ in range(2):
        with evidence.begin(offer(), "gate-1") as upload:
            upload.open()
            if not upload.is_whole:
                upload.write(BLOB)
            upload.finish()
    assert upload.offset == len(BLOB)


def test_a_blob_whose_name_was_not_synced_is_not_whole_until_it_is(
    evidence: EvidenceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def failing(directory: Path) -> None:
        asked.append(directory)
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("collector.ingest.evidence.sync_directory", failing)
        for _ in range(2):
            with evidence.begin(offer(), "gate-1") as upload:
                upload.open()
                if not upload.is_whole:
                    upload.write(BLOB)
                with pytest.raises(OSError, match="Input/output error"):
                    upload.finish()
    name = evidence.path(sha256(BLOB).digest()).parent
    assert asked == [name, name]
    monkeypatch.setattr("collector.ingest.evidence.sync_directory", asked.append)
    with evidence.begin(offer(), "gate-1") as upload:
        upload.open()
        upload.finish()
    assert asked[2:] == [name, tmp_path / "evidence", tmp_path]


def test_bytes_of_another_blob_are_refused_and_begin_anew(evidence: EvidenceStore) -> None:
    with evidence.begin(offer(), "gate-1") as upload:
        upload.open()
        upload.write(b"x" * len(BLOB))
        with pytest.raises(UploadError, match="are not those of") as error:
            upload.finish()
    assert error.value.status is grpc.StatusCode.DATA_LOSS
    assert not evidence.path(sha256(BLOB).digest()).exists()
    with evidence.begin(offer(), "gate-1") as upload:
        upload.open()
        assert upload.offset == 0


def test_a_copy_that_was_damaged_here_is_replaced_by_the_agents(evidence: EvidenceStore) -> None:
    path = evidence.path(sha256(BLOB).digest())
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x" * len(BLOB))
    with evidence.begin(offer(), "gate-1") as upload:
        upload.open()
        with pytest.raises(UploadError, match="held here was damaged"):
            upload.finish()
    with evidence.begin(offer(), "gate-1") as upload:
        upload.open()
        upload.write(BLOB)
        upload.finish()
    assert path.read_bytes() == BLOB


def test_more_bytes_than_were_offered_or_fit_a_message_are_refused(evidence: EvidenceStore) -> None:
    with evidence.begin(offer(), "gate-1") as upload:
        upload.open()
        with pytest.raises(UploadError, match="2561 bytes at 0 of 2560"):
            upload.write(BLOB + b"x")
    large = offer(b"x" * (MAX_CHUNK_BYTES + 1))
    with evidence.begin(large, "gate-1") as upload:
        upload.open()
        with pytest.raises(UploadError, match="at most 262144 bytes"):
            upload.write(b"x" * (MAX_CHUNK_BYTES + 1))


def test_one_sender_sends_a_blob_once_at_a_time_and_two_senders_may_race(evidence: EvidenceStore) -> None:
    with evidence.begin(offer(), "gate-1") as first, evidence.begin(offer(), "gate-2") as second:
        with pytest.raises(UploadError, match="is being sent already") as error, evidence.begin(offer(), "gate-1"):
            pass
        assert error.value.status is grpc.StatusCode.ABORTED
        for upload in (first, second):
            upload.open()
        for upload in (first, second):
            upload.write(BLOB)
            upload.finish()
    assert evidence.path(sha256(BLOB).digest()).read_bytes() == BLOB


def test_a_blob_that_broke_off_long_ago_makes_room(evidence: EvidenceStore, tmp_path: Path) -> None:
    evidence.forget_abandoned(0)  # nothing there yet
    with evidence.begin(offer(), "gate-1") as upload:
        upload.open()
        upload.write(BLOB[:1000])
    (partial,) = (tmp_path / "evidence" / "partial").iterdir()
    began = partial.stat().st_mtime
    evidence.forget_abandoned(began + ABANDONED_S - 1)
    assert partial.exists()
    evidence.forget_abandoned(began + ABANDONED_S)
    assert not partial.exists()


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (EvidenceOffer(sha256=b"short", size=1, media_type="image/jpeg"), "no SHA-256"),
        (EvidenceOffer(sha256=b"x" * 32, size=0, media_type="image/jpeg"), "a blob of 0 bytes"),
        (EvidenceOffer(sha256=b"x" * 32, size=MAX_BLOB_BYTES + 1, media_type="image/jpeg"), "are taken"),
        (EvidenceOffer(sha256=b"x" * 32, size=1), "no media type"),
        (EvidenceOffer(sha256=b"x" * 32, size=1, media_type="image\n/jpeg"), "no media type"),
        (EvidenceOffer(sha256=b"x" * 32, size=1, media_type="x" * 128), "no media type"),
    ],
)
def test_an_offer_that_cannot_be_taken_says_why(evidence: EvidenceStore, bad: EvidenceOffer, why: str) -> None:
    with pytest.raises(UploadError, match=why), evidence.begin(bad, "gate-1"):
        pass


@pytest.fixture
def collected(tmp_path: Path) -> Iterator[Collected]:
    made = Collected(tmp_path)
    yield made
    made.store.close()


def test_a_blob_is_noted_once_whoever_sent_it(collected: Collected) -> None:
    for media_type in ("image/jpeg", "image/png"):
        with collected.store.write() as connection:
            record_evidence(connection, collected.ledger, offer(media_type=media_type), "gate-1", 17)
    with collected.store.read() as connection:
        (row,) = connection.execute(select(schema.evidence)).all()
        [(_, entered)] = read_entries(connection, 0)
    assert (row.size, row.media_type, row.received_ns) == (len(BLOB), "image/jpeg", 17)
    assert LedgerEntry.FromString(entered).evidence == EvidenceKept(
        sha256=sha256(BLOB).digest(), size=len(BLOB), media_type="image/jpeg", origin="gate-1"
    )


def test_a_partial_that_is_longer_than_the_offer_begins_anew(evidence: EvidenceStore) -> None:
    with evidence.begin(offer(), "gate-1") as upload:
        upload.open()
        upload.write(BLOB)
    shorter = EvidenceOffer(sha256=offer().sha256, size=10, media_type="image/jpeg")
    with evidence.begin(shorter, "gate-1") as upload:
        upload.open()
        assert (upload.offset, upload.is_whole) == (0, False)


def test_nothing_is_written_again_of_a_blob_that_is_there(evidence: EvidenceStore) -> None:
    with evidence.begin(offer(), "gate-1") as upload:
        upload.open()
        upload.write(BLOB)
        upload.finish()
    with evidence.begin(offer(), "gate-1") as upload:
        upload.open()
        assert upload.is_whole
        upload.write(b"")
        upload.finish()
    assert evidence.path(offer().sha256).read_bytes() == BLOB
