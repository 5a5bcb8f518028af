"""The eye for faces: one check a traveller, only with an open gallery, and nothing but the record leaves."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge_agent.app import vision_faces
from edge_agent.app.vision_faces import NO_GALLERY, FaceEye
from edge_agent.app.vision_keep import VideoKeeper, VideoStores
from edge_agent.config_video import VideoTable
from edge_agent.links.camera.frames import Picture
from edge_agent.model.moment import Moment
from edge_agent.model.readings import EvidenceRef
from edge_agent.vision.faces.advice import HOLD_STILL, STAFF, WELCOME
from edge_agent.vision.faces.check import Compared, FaceCheck, Outcome
from edge_agent.vision.faces.lane import Done
from edge_agent.vision.faces.session import Wait
from edge_agent.vision.models.directory import ModelDirectory
from gate_contract.v1.reading_pb2 import Reading
from tests.unit.edge_agent.links.camera.parts import at, picture

FACE = picture(1)
MATCHED = FaceCheck(
    Outcome.MATCHED,
    "the score reaches the threshold",
    "人脸比对一致",
    Compared.ONE_TO_MANY,
    score=0.97123456,
    threshold=0.94,
    model_sha256="a" * 64,
    calibration_id="none",
    tries=1,
    pseudonym="0f" * 16,
    quality={"measures": {"size": {"value": 61.0, "unit": "px", "ok": True}}},
    gallery_size=2000,
)
LEFT = FaceCheck(
    Outcome.STAFFED_LANE,
    "the check was not finished",
    "核验未完成",
    Compared.ONE_TO_MANY,
    score=None,
    threshold=0.94,
    model_sha256="a" * 64,
    calibration_id="none",
    tries=0,
    pseudonym="",
)


@dataclass
class FakeGallery:
    sailing: str
    departs: int
    key: str = "key"
    destroyed: bool = False

    @property
    def life(self) -> Any:
        return SimpleNamespace(ends=self.departs)

    def expired(self, now: Moment) -> bool:
        return now.mono >= self.departs

    def destroy(self) -> None:
        self.destroyed = True


@dataclass
class World:
    """The models, the store and the journal, played."""

    face_there: bool = True
    steps: list[Wait | Done] = field(default_factory=list)
    galleries: list[FakeGallery] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    looked: int = 0
    eye: Any = None

    # the reader
    def find(self, image: Picture, *, thorough: bool) -> list[str]:
        assert not thorough
        assert image is FACE
        self.looked += 1
        return ["face"] if self.face_there else []

    # the lane and its check
    def begin(self, gallery: FakeGallery, key: str, now: int) -> World:
        assert (key, now > 0) == (gallery.key, True)
        self.begun.append(gallery.sailing)
        return self

    def frame(self, image: Picture, now: int) -> Wait | Done:
        assert image is FACE
        assert now
        return self.steps.pop(0)

    def leave(self) -> Done:
        return Done(LEFT, STAFF, None, None)

    # the store
    def load(self, recogniser: object, now: Moment) -> Any:
        assert recogniser == "recogniser"
        return SimpleNamespace(galleries=[each for each in self.galleries if not each.expired(now)], refused=[])

    # journal and evidence
    def keep(self, data: bytes | str, kind: str, role: Any) -> Any:
        assert isinstance(data, bytes)
        self.evidence.append(role)
        return EvidenceRef(bytes(32), len(data), kind, role)

    def looks(self, *seconds: float) -> None:
        for second in seconds:
            self.eye.tick(at(second))
            self.eye.look(FACE, at(second))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    world = World(galleries=[FakeGallery("HK-2", 10**15), FakeGallery("HK-1", 10**14)])
    lane = SimpleNamespace(reader=world, recogniser="recogniser", begin=world.begin)
    monkeypatch.setattr(vision_faces, "FaceReader", lambda *_: world)
    monkeypatch.setattr(vision_faces, "FaceLane", lambda *_: lane)
    monkeypatch.setattr(vision_faces, "GalleryStore", lambda _: world)
    monkeypatch.setattr(vision_faces, "liveness_model", lambda *_: None)
    table = VideoTable(id="door", source="rtsp://10.0.0.2/1", reads=("face",))
    stores = VideoStores(world, world, world.readings.append, lambda *_: None)
    world.eye = FaceEye(
        ModelDirectory(tmp_path), 1, VideoKeeper(table, stores, threading.Event()),
        lambda text, _at: world.shown.append(text), galleries=tmp_path, calibration=None, keep_picture=False,
    )  # fmt: skip
    world.eye.load()
    return world


def done(picture_of_face: Picture | None = None) -> Done:
    return Done(MATCHED, WELCOME, "E12345678", picture_of_face)


def test_a_traveller_is_told_what_to_do_and_the_check_becomes_one_record(world: World) -> None:
    world.steps = [Wait(HOLD_STILL), done()]
    world.looks(1, 1.1)

    (reading,) = world.readings
    assert (reading.face.outcome, reading.face.score, reading.face.gallery_size) == ("matched", 0.9712, 2000)
    assert [(each.name, each.value, each.unit) for each in reading.face.quality] == [("size", 61.0, "px")]
    assert world.shown == [f"{HOLD_STILL.en} / {HOLD_STILL.zh}", f"{WELCOME.en} / {WELCOME.zh}"]
    assert world.begun == ["HK-1"]  # the next to depart


def test_no_picture_no_template_and_no_name_leaves(world: World) -> None:
    world.steps = [done()]
    world.looks(1)

    assert world.evidence == []
    assert b"E12345678" not in world.readings[0].SerializeToString()
    assert not any("E12345678" in text for text in world.shown)


def test_a_picture_goes_with_the_record_only_where_the_lane_gives_one(world: World) -> None:
    world.steps = [done(FACE)]
    world.looks(1)

    assert world.evidence == ["face"]
    assert [each.role for each in world.readings[0].face.pictures] == ["face"]


def test_who_goes_on_standing_there_is_not_checked_again_and_the_next_one_is(world: World) -> None:
    world.steps = [done(), done()]
    world.looks(1, 1.5, 2, 2.5)
    assert len(world.begun) == 1
    world.face_there = False
    world.looks(3, 4, 5)
    world.face_there = True
    world.looks(6)

    assert len(world.begun) == 2


def test_nobody_is_looked_at_without_an_open_gallery(world: World) -> None:
    world.galleries = []
    world.looks(1, 2)

    assert (world.looked, world.begun) == (0, [])
    assert NO_GALLERY in world.shown


def test_a_gallery_that_arrives_later_is_found(world: World) -> None:
    late, world.galleries = world.galleries, []
    world.looks(1)
    world.galleries = late
    world.steps = [done()]
    world.looks(5, 12)

    assert world.begun == ["HK-1"]


def test_a_gallery_that_is_over_is_destroyed_and_a_check_under_way_recorded(world: World) -> None:
    gallery = FakeGallery("HK-1", 5 * 10**9)
    world.galleries = [gallery]
    world.steps = [Wait(HOLD_STILL)]
    world.looks(1)
    world.eye.tick(at(6))

    assert gallery.destroyed
    assert [each.face.outcome for each in world.readings] == ["staffed lane"]
    world.looks(7)
    assert len(world.begun) == 1


def test_who_leaves_before_the_end_is_a_record_too(world: World) -> None:
    world.steps = [Wait(HOLD_STILL)]
    world.looks(1)
    world.eye.quiet(at(20))

    assert [each.face.outcome for each in world.readings] == ["staffed lane"]
    assert not world.readings[0].face.HasField("score")
