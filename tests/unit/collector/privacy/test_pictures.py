"""Pictures of faces end when their term is over, or their person is forgotten; what proves them stays."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import insert

from collector.agents import registry
from collector.cases.core import case_id_of
from collector.config_retention import DAY_NS, RetentionConfig
from collector.errors import StoreError
from collector.ingest.evidence import EvidenceStore, record_evidence
from collector.ledger.audit.problems import Problems
from collector.ledger.log import Ledger, read_entries
from collector.privacy import forgetting
from collector.privacy.audit import DestroyedKeys
from collector.privacy.keystore import FILE, NEVER, KeyEntry, KeyStore
from collector.privacy.pictures import FacePictures
from collector.store import schema
from gate_contract.v1.ledger_pb2 import LedgerEntry
from gate_contract.v1.record_pb2 import Record
from gate_contract.v1.uplink_pb2 import EvidenceOffer
from tests.unit.collector.collected import START, Collected

FACE, PLATE, LATER = b"a face", b"a plate", b"another face"
CONFIG = RetentionConfig(faces_days=30, cases_days=100)


class Booth:
    """A passenger gate's records and pictures at a collector, and its terms."""

    def __init__(self, directory: Path) -> None:
        self.collected = Collected(directory)
        self.keys = KeyStore(directory / FILE)
        self.agent = self.collected.admit("gate-1")
        self.evidence = EvidenceStore(directory)

    def traveller(self, passage_id: str, *pictures: tuple[str, bytes]) -> None:
        """A passage whose face check names these (role, content)."""
        record = Record(format=1, site_id="haikou")
        record.passage.passage_id, record.passage.revision, record.passage.lane_id = passage_id, 1, "pax-1"
        checked = record.passage.readings.add().face
        for role, content in pictures:
            checked.pictures.add(sha256=sha256(content).digest(), size=len(content), role=role)
        self.collected.accept(self.agent, record.SerializeToString())

    def picture(self, content: bytes) -> Path:
        """It comes; returns its file."""
        offer = EvidenceOffer(sha256=sha256(content).digest(), size=len(content), media_type="image/jpeg")
        with self.evidence.begin(offer, self.agent.origin) as upload:
            upload.open()
            if not upload.is_whole:
                upload.write(content)
            upload.finish()
        with self.collected.store.write() as connection:
            record_evidence(connection, self.collected.ledger, offer, self.agent.origin, self.collected.now_ns)
        return self.evidence.path(offer.sha256)

    def due(self, days: float) -> list[str]:
        pictures = FacePictures(self.collected.store, self.keys, CONFIG)
        pictures.note()
        return [each.name for each in pictures.due(registry.nanoseconds(START) + int(days * DAY_NS))]

    def forget(self, days: float, ledger: Ledger | None = None) -> None:
        pictures = FacePictures(self.collected.store, self.keys, CONFIG)
        doomed = pictures.due(registry.nanoseconds(START) + int(days * DAY_NS))
        told = {"actor": "retention", "reason": "over", "now_ns": self.collected.now_ns}
        forgetting.forget(self.collected.store, ledger or self.collected.ledger, self.keys, doomed, **told)  # type: ignore[arg-type]

    def destroyed(self) -> list[tuple[int, LedgerEntry]]:
        with self.collected.store.read() as connection:
            entries = [(at, LedgerEntry.FromString(body)) for at, body in read_entries(connection, 0)]
        return [(at, entry) for at, entry in entries if entry.WhichOneof("body") == "key_destroyed"]

    def problems(self) -> list[str]:
        found = Problems()
        audit = DestroyedKeys(self.keys.path, found)
        for at, entry in self.destroyed():
            audit.entered(at, entry)
        audit.finish()
        return [f"{each.where}: {each.what}" for each in found.kept]


@pytest.fixture
def booth(tmp_path: Path) -> Iterator[Booth]:
    made = Booth(tmp_path)
    yield made
    made.keys.close()
    made.collected.store.close()


def test_a_picture_of_a_face_is_due_when_its_term_is_over_and_no_other_picture_is(booth: Booth) -> None:
    booth.traveller("P-1", ("face", FACE), ("plate", PLATE))
    file, other = booth.picture(FACE), booth.picture(PLATE)
    assert booth.due(29) == []
    assert booth.due(31) == [sha256(FACE).hexdigest()]
    booth.forget(31)
    assert (file.exists(), other.exists(), booth.due(31)) == (False, True, [])
    [(_, entry)] = booth.destroyed()
    assert (entry.key_destroyed.kind, entry.key_destroyed.key_id) == ("picture", sha256(FACE).hexdigest())
    assert booth.problems() == []


def test_a_picture_that_comes_after_its_term_goes_then(booth: Booth) -> None:
    booth.traveller("P-1", ("face", FACE))
    assert booth.due(31) == []
    booth.picture(FACE)
    booth.traveller("P-2", ("face", LATER))
    booth.picture(LATER)
    assert booth.due(31) == [sha256(FACE).hexdigest(), sha256(LATER).hexdigest()]


def test_a_picture_that_is_forgotten_before_it_comes_goes_when_it_comes(booth: Booth) -> None:
    booth.traveller("P-1", ("face", FACE))
    assert booth.due(0) == []
    of_person = FacePictures(booth.collected.store, booth.keys, CONFIG).of(["P-1"])
    told = {"actor": "O-1", "reason": "asked for it", "now_ns": booth.collected.now_ns}
    forgetting.forget(booth.collected.store, booth.collected.ledger, booth.keys, of_person, **told)  # type: ignore[arg-type]
    assert booth.due(0) == [], "it is not here"
    file = booth.picture(FACE)
    assert booth.due(0) == [sha256(FACE).hexdigest()]
    booth.forget(0)
    assert (file.exists(), booth.due(0), booth.problems()) == (False, [], [])


def test_a_picture_of_a_case_lives_as_long_as_the_cases_text(booth: Booth) -> None:
    booth.traveller("P-1", ("face", FACE))
    booth.picture(FACE)
    row = {
        "case_id": case_id_of("passage", "P-1"),
        "subject": "P-1",
        "subject_kind": "passage",
        "authority": "customs",
        "severity": 3,
        "state": "open",
        "outcome": 0,
        "assignee": "",
        "level": 0,
        "opened_ns": 1,
        "deadline_ns": 2,
        "last_sequence": 1,
    }
    with booth.collected.store.write() as connection:
        connection.execute(insert(schema.cases), row)
    assert booth.due(3000) == []
    decided = {"state": "decided", "decided_ns": registry.nanoseconds(START)}
    with booth.collected.store.write() as connection:
        connection.execute(schema.cases.update().values(**decided))
    assert booth.due(99) == []
    assert booth.due(101) == [sha256(FACE).hexdigest()]


def test_a_crash_between_deleting_and_the_ledger_loses_neither(booth: Booth) -> None:
    booth.traveller("P-1", ("face", FACE))
    file = booth.picture(FACE)
    assert booth.due(31)

    class Down(Ledger):
        def append(self, *_: object) -> int:
            raise StoreError("the disk is full")

    with pytest.raises(StoreError):
        booth.forget(31, Down(booth.collected.ledger._signer))
    assert booth.destroyed() == []
    assert booth.due(31) == [], "it is owed already"
    forgetting.enter_owed(booth.collected.store, booth.collected.ledger, booth.keys, booth.collected.now_ns)
    assert (len(booth.destroyed()), file.exists(), booth.keys.owed()) == (1, False, [])


def test_a_person_is_forgotten_with_all_pictures_or_not_at_all(booth: Booth, monkeypatch: pytest.MonkeyPatch) -> None:
    booth.traveller("P-1", ("face", FACE))
    booth.picture(FACE)
    assert booth.due(0) == []
    subject = booth.keys.subject("UTO", "L898902C3", NEVER)
    pictures = FacePictures(booth.collected.store, booth.keys, CONFIG)
    doomed = [KeyEntry(subject, "subject", subject, NEVER), *pictures.of(["P-1"])]
    told = {"actor": "O-1", "reason": "asked for it", "now_ns": booth.collected.now_ns}

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(forgetting, "doom", killed)
        with pytest.raises(KeyboardInterrupt):
            forgetting.forget(booth.collected.store, booth.collected.ledger, booth.keys, doomed, **told)  # type: ignore[arg-type]
    assert (booth.keys.find_subject("UTO", "L898902C3"), booth.keys.owed()) == (subject, [])
    forgetting.forget(booth.collected.store, booth.collected.ledger, booth.keys, doomed, **told)  # type: ignore[arg-type]
    assert (booth.keys.find_subject("UTO", "L898902C3"), len(booth.destroyed())) == (None, 2)


def test_a_picture_that_is_put_back_is_found_and_goes_again(booth: Booth) -> None:
    booth.traveller("P-1", ("face", FACE))
    booth.picture(FACE)
    assert booth.due(31)
    booth.forget(31)
    file = booth.picture(FACE)
    assert "its file is there; ledger entry" in "".join(booth.problems())
    with booth.collected.store.read() as connection:
        back = forgetting.came_back(connection, booth.keys)
    told = {"actor": "O-1", "reason": "restored", "now_ns": booth.collected.now_ns}
    forgetting.forget(booth.collected.store, booth.collected.ledger, booth.keys, back, **told)  # type: ignore[arg-type]
    assert (file.exists(), booth.problems()) == (False, [])


def test_pictures_of_a_passage_are_found_whatever_their_term(booth: Booth) -> None:
    booth.traveller("P-1", ("face", FACE))
    booth.traveller("P-2", ("face", LATER))
    assert booth.due(0) == []
    found = FacePictures(booth.collected.store, booth.keys, CONFIG).of(["P-2", "P-3"])
    assert [each.name for each in found] == [sha256(LATER).hexdigest()]
