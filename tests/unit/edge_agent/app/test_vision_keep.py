"""What was read is durable before anybody is told: pictures, then the plate in the inbox; a full disk is waited for."""

from __future__ import annotations

import json
import threading

import cv2
import numpy as np
import pytest

from edge_agent.app.lane import Input
from edge_agent.app.vision_keep import VideoKeeper, VideoStores, as_file, cut_out
from edge_agent.app.vision_sightings import Look, Told
from edge_agent.config_video import VideoTable
from edge_agent.errors import EdgeAgentError, JournalError
from edge_agent.model.readings import EvidenceRef, PlateSeen
from edge_agent.model.vision_readings import CameraHealth
from edge_agent.model.wire import plate_of
from edge_agent.vision.characters import Character
from edge_agent.vision.containers.number import ContainerRead
from edge_agent.vision.plates.read import PlateRead
from gate_contract.v1.passage_pb2 import PlateRead as PlateMessage
from gate_contract.v1.reading_pb2 import Reading
from tests.unit.edge_agent.links.camera.parts import at, picture, until

TABLE = VideoTable(id="cam", source="rtsp://10.0.0.2/1", reads=("plate",), lane="in-1")
VIEW = picture(1, rows=200, columns=300)
CHARACTERS = (Character("琼", 0.91, (("京", 0.05),)), Character("A", 0.99))
PLATE = PlateRead("琼A12345", 0.91, CHARACTERS, (100, 80, 60, 20), "blue", "blue", True, True)
CONTAINER = ContainerRead("CSQU3054383", True, 0.8, (10, 10, 80, 20), "22G1", "vertical", CHARACTERS, True)


class Stores:
    """Remembers what is kept, in order; a disk that can be full."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.blobs: dict[str, bytes] = {}
        self.inbox: list[bytes] = []
        self.readings: list[Reading] = []
        self.told: list[tuple[str, Input]] = []
        self.full = 0
        self.repeats = False

    def record(self, reading: Reading) -> None:
        self._room()
        self.readings.append(reading)

    def tell(self, device_id: str, item: Input) -> None:
        self.told.append((device_id, item))

    def _room(self) -> None:
        if self.full:
            self.full -= 1
            raise JournalError("the disk is full")


class Evidence:
    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def keep(self, data: bytes, media_type: str, role: str) -> EvidenceRef:
        self._stores._room()
        self._stores.kept.append(role)
        self._stores.blobs[role] = data
        return EvidenceRef(bytes(32), len(data), media_type, role)


class Spool:
    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def keep(self, device_id: str, event_id: str, body: bytes) -> int | None:
        assert device_id == "cam"
        assert event_id
        self._stores.kept.append("inbox")
        self._stores.inbox.append(body)
        return None if self._stores.repeats else len(self._stores.inbox)


@pytest.fixture
def stores() -> Stores:
    return Stores()


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


@pytest.fixture
def keeper(stores: Stores, stop: threading.Event) -> VideoKeeper:
    return VideoKeeper(TABLE, VideoStores(Spool(stores), Evidence(stores), stores.record, stores.tell), stop)


def plate() -> Told[PlateRead]:
    return Told(PLATE, at(1), Look(VIEW, at(1.5), PLATE), 7)


def test_a_plate_is_spooled_with_its_pictures_and_then_told_to_the_lane(keeper: VideoKeeper, stores: Stores) -> None:
    seen = keeper.plate(plate(), {"plate-reader": "ab" * 32})

    assert stores.kept == ["plate", "vehicle", "characters", "inbox"]
    ((device, item),) = stores.told
    assert (device, item.inbox_id, item.reading) == ("cam", 1, seen)
    assert isinstance(seen, PlateSeen)
    assert plate_of(PlateMessage.FromString(stores.inbox[0])) == seen
    assert (seen.text, seen.confidence, seen.at) == ("琼A12345", 0.91, at(1.5))
    assert [(each.text, each.confidence) for each in seen.characters] == [
        (each.text, round(each.confidence, 4)) for each in PLATE.characters
    ]
    assert [each.alternatives for each in seen.characters] == [each.alternatives for each in PLATE.characters]
    assert [each.role for each in seen.pictures] == ["plate", "vehicle", "characters"]
    view = cv2.imdecode(np.frombuffer(stores.blobs["vehicle"], np.uint8), cv2.IMREAD_COLOR)
    cut = cv2.imdecode(np.frombuffer(stores.blobs["plate"], np.uint8), cv2.IMREAD_COLOR)
    assert view is not None
    assert cut is not None
    assert (view.shape, cut.shape) == ((200, 300, 3), (30, 70, 3))


def test_how_sure_each_character_is_and_what_else_it_may_be_is_evidence(keeper: VideoKeeper, stores: Stores) -> None:
    keeper.plate(plate(), {"plate-reader": "ab" * 32})
    told = json.loads(stores.blobs["characters"])

    assert told["characters"][0] == {"text": "琼", "confidence": 0.91, "alternatives": [["京", 0.05]]}
    assert (told["frames"], told["kind"], told["grammar_ok"]) == (7, "blue", True)
    assert told["models"] == {"plate-reader": "ab" * 32}


def test_a_repetition_is_not_told_to_the_lane_again(keeper: VideoKeeper, stores: Stores) -> None:
    stores.repeats = True
    keeper.plate(plate(), {})

    assert stores.told == []


def test_a_container_is_a_record_of_its_own(keeper: VideoKeeper, stores: Stores) -> None:
    keeper.container(Told(CONTAINER, at(1), Look(VIEW, at(2), CONTAINER), 3))

    (reading,) = stores.readings
    assert (reading.device_id, reading.lane_id) == ("cam", "in-1")
    seen = reading.container
    assert (seen.number, seen.check_digit_ok, seen.unattended, seen.views) == ("CSQU3054383", True, True, 3)
    assert (seen.size_type, seen.layout) == ("22G1", "vertical")
    assert [each.role for each in seen.pictures] == ["container", "view"]


def test_a_full_disk_is_waited_for(keeper: VideoKeeper, stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.app.vision_keep.RETRY_S", 0.01)
    stores.full = 3
    keeper.plate(plate(), {})

    assert len(stores.told) == 1


def test_who_waits_for_the_disk_ends_when_it_is_halted(
    keeper: VideoKeeper, stores: Stores, stop: threading.Event
) -> None:
    stores.full = 1_000_000
    thread = threading.Thread(target=keeper.reading, args=(CameraHealth("", 1, 0, 1, 1), at(1)))
    thread.start()
    stop.set()

    until(lambda: not thread.is_alive())
    assert stores.readings == []


def test_a_cut_out_has_a_margin_and_stays_inside_the_picture() -> None:
    assert cut_out(VIEW, (0, 0, 40, 20)).shape == (25, 45, 3)
    assert cut_out(VIEW, (280, 190, 400, 400)).shape == (110, 120, 3)
    assert cut_out(VIEW, (1000, 1000, 10, 10)).shape == VIEW.shape


def test_a_picture_is_written_as_its_suffix_says() -> None:
    assert as_file(VIEW, ".png", 85).startswith(b"\x89PNG")
    assert as_file(VIEW, ".JPG", 85).startswith(b"\xff\xd8")
    with pytest.raises(EdgeAgentError, match=r"\.gif"):
        as_file(VIEW, ".gif", 85)
