"""What a camera said, made durable in a real journal: once, whole, and also when the disk takes nothing for a while."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.app.camera_keep import CameraKeeper, KeeperStores, camera_profile, password_of
from edge_agent.app.lane import Input
from edge_agent.config import CameraTable
from edge_agent.errors import ConfigError, JournalError
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.journal.journal import Journal
from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.model.readings import PlateSeen
from gate_contract.checkpoint import Signer

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
BEGAN = Moment(WallNs(1_772_410_530_000_000_000), MonoNs(0), b"b" * 16, synchronised=True)
HIKVISION = b"<E><eventType>ANPR</eventType><dateTime>2026-03-02T08:15:30</dateTime><licensePlate>%s</licensePlate></E>"


def at(seconds: float) -> Moment:
    return replace(BEGAN, mono=MonoNs(round(seconds * SECOND)))


def table(profile: str = "axis-lpv", **more: object) -> CameraTable:
    way = {} if "url" in more else {"listen": "127.0.0.1:1", "allow": ("127.0.0.1",)}
    return CameraTable.model_validate({"id": "plate-1", "profile": f"plate/{profile}", **way, **more})


def packet(state: str, plate: str, sure: str, number: int) -> bytes:
    fields = {
        "carID": "7",
        "carState": state,
        "plateUTF8": plate,
        "plateConfidence": sure,
        "packetCounter": str(number),
    }
    return json.dumps(fields).encode()


class Bench:
    """A journal and an evidence store on disk, and a keeper for one camera."""

    def __init__(self, directory: Path) -> None:
        self.journal = Journal(directory / "journal", Signer("test/agent/gate-01/0011223344556677", KEY))
        self.evidence = EvidenceStore(directory)
        self.handed: list[PlateSeen] = []

    def close(self) -> None:
        self.journal.close()
        self.evidence.close()

    def keeper(self, camera: CameraTable | None = None) -> CameraKeeper:
        keeper = CameraKeeper(camera or table(), KeeperStores(self.journal, self.evidence, self._hand))
        keeper.resume(self.journal.in_flight())
        return keeper

    def _hand(self, device_id: str, item: Input) -> None:
        assert device_id == "plate-1"
        assert isinstance(item.reading, PlateSeen)
        self.handed.append(item.reading)

    @property
    def inbox(self) -> int:
        return len(self.journal.spool.inbox())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


def test_a_vehicle_is_in_the_inbox_once_however_often_it_is_sent(bench: Bench) -> None:
    keeper = bench.keeper(table("hikvision-isapi-push", zone="Asia/Shanghai"))
    for second in range(3):
        keeper.keep(keeper.reader().push(HIKVISION % b"AB123"), at(second))
    assert bench.inbox == 1
    (seen,) = bench.handed
    assert (seen.text, seen.device_time) == ("AB123", "2026-03-02T08:15:30+08:00")
    assert [(one.media_type, one.role) for one in seen.pictures] == [("application/xml", "message")]
    assert keeper.last == seen


def test_heartbeats_and_other_events_leave_nothing(bench: Bench) -> None:
    keeper = bench.keeper(table("hikvision-isapi-push"))
    keeper.keep(keeper.reader().push(b"<E><eventType>VMD</eventType></E>"), at(0))
    assert bench.inbox == 0
    assert bench.evidence.waiting() == []


def test_several_packets_are_one_reading_with_the_others_as_evidence(bench: Bench) -> None:
    keeper = bench.keeper()
    reader = keeper.reader()
    keeper.keep(reader.push(packet("new", "AB1Z3", "0.5", 1)), at(0))
    keeper.keep(reader.push(packet("update", "AB123", "0.9", 2)), at(0.2))
    assert bench.handed == []
    keeper.keep(reader.push(packet("lost", "AB123", "0.8", 3)), at(0.4))
    (seen,) = bench.handed
    assert (seen.text, seen.confidence) == ("AB123", 0.9)
    (others,) = [one for one in seen.pictures if one.role == "reads"]
    assert json.loads(bench.evidence.read(others.sha256)) == [
        {"plate": "AB123", "confidence": 0.9, "packets": 2},
        {"plate": "AB1Z3", "confidence": 0.5, "packets": 1},
    ]


def test_a_vehicle_that_is_in_every_frame_fills_no_disk(bench: Bench) -> None:
    keeper = bench.keeper()
    reader = keeper.reader()
    for number in range(25):
        keeper.keep(reader.push(packet("update", "AB123", "0.5", number)), at(number / 25))
    assert len(bench.evidence.waiting()) == 1
    keeper.keep(reader.push(packet("update", "AB123", "0.9", 26)), at(1))
    assert len(bench.evidence.waiting()) == 2
    keeper.keep(reader.push(packet("lost", "AB123", "0.5", 27)), at(1.1))
    assert [(seen.text, seen.confidence) for seen in bench.handed] == [("AB123", 0.9)]


def test_a_vehicle_under_way_survives_the_agents_death(bench: Bench) -> None:
    first = bench.keeper()
    first.keep(first.reader().push(packet("new", "AB123", "0.5", 1)), at(0))
    second = bench.keeper()  # what was in memory is gone
    second.tick(at(0.5))
    assert bench.handed == []
    second.tick(at(1.5))
    assert [seen.text for seen in bench.handed] == ["AB123"]
    third = bench.keeper()
    third.keep(third.reader().push(packet("lost", "AB123", "0.5", 2)), at(2))
    assert bench.inbox == 1


def test_what_the_disk_did_not_take_does_not_count_and_comes_again(bench: Bench) -> None:
    keeper = bench.keeper()
    message = keeper.reader().push(packet("lost", "AB123", "0.5", 1))
    full = JournalError("the disk is full")
    with patch.object(bench.journal.spool, "keep", side_effect=full), pytest.raises(JournalError):
        keeper.keep(message, at(0))
    with patch.object(bench.journal, "append", side_effect=full), pytest.raises(JournalError):
        keeper.keep(message, at(1))
    keeper.keep(message, at(2))
    assert bench.inbox == 1
    assert {seen.event_id for seen in bench.handed} == {bench.handed[0].event_id}


def test_a_memory_of_another_release_is_no_reason_not_to_start(bench: Bench) -> None:
    bench.journal.append([], in_flight={"/vehicles/plate-1": b'{"format": 99}'})
    keeper = bench.keeper()
    keeper.keep(keeper.reader().push(packet("lost", "AB123", "0.5", 1)), at(0))
    assert bench.inbox == 1


@pytest.mark.parametrize(
    ("camera", "why"),
    [
        (table("hikvision-isapi-poll"), "the gate asks it"),
        (table("axis-lpv", url="http://192.0.2.1"), "is not asked"),
        (table("hikvison"), "Did you mean"),
    ],
)
def test_a_profile_must_fit_the_way_the_camera_is_reached(camera: CameraTable, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        camera_profile(camera)


def test_the_password_is_the_first_line_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "camera.password"
    camera = table(user="cam", password_file=file)
    with pytest.raises(ConfigError, match="cannot be read"):
        password_of(camera)
    file.write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        password_of(camera)
    file.write_text("s3cret\nsecond line\n")
    assert password_of(camera) == "s3cret"
    assert password_of(table()) == ""
