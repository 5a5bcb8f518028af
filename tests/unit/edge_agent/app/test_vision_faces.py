"""The eye for faces: one check a traveller, only with an open gallery, and nothing but the record leaves."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import pytest

from edge_agent.app import vision_faces, vision_galleries
from edge_agent.app.vision_faces import NO_DOCUMENT, NO_GALLERY, FaceEye, FacePolicy
from edge_agent.app.vision_keep import VideoKeeper, VideoStores
from edge_agent.config_video import VideoTable
from edge_agent.links.camera.frames import Picture
from edge_agent.model.moment import Moment
from edge_agent.model.readings import EvidenceRef
from edge_agent.vision.faces.advice import HOLD_STILL, STAFF, WELCOME, Advice
from edge_agent.vision.faces.check import Compared, FaceCheck, Outcome
from edge_agent.vision.faces.lane import Done, Portrait
from edge_agent.vision.faces.matching import TemplateError
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
    swept: list[int] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    looked: int = 0
    eye: Any = None
    key: Any = None

    # the reader
    def find(self, image: Picture, *, thorough: bool) -> list[str]:
        assert not thorough
        assert image is FACE
        self.looked += 1
        return ["face"] if self.face_there else []

    # the lane and its check
    def begin(self, reference: FakeGallery | Portrait, key: Any, now: int) -> World:
        assert now > 0
        if isinstance(reference, Portrait):
            self.begun.append(reference.subject)
            self.key = key
        else:
            assert key == reference.key
            self.begun.append(reference.sailing)
        return self

    def without_template(self, subject: str, key: Any) -> Done:
        assert key
        self.begun.append(f"without {subject}")
        return Done(LEFT, STAFF, None, None)

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

    def contents(self) -> tuple[str, ...]:
        return tuple(each.sailing for each in self.galleries)

    def sweep(self, now: Moment) -> list[str]:
        self.swept.append(now.mono)
        return []

    # journal and evidence
    def keep(self, data: bytes | str, kind: str, role: Any) -> Any:
        assert isinstance(data, bytes)
        self.evidence.append(role)
        return EvidenceRef(bytes(32), len(data), kind, role)

    def looks(self, *seconds: float) -> None:
        for second in seconds:
            self.eye.tick(at(second))
            self.eye.look(FACE, at(second))

    def looks_at_nothing(self, second: float) -> None:
        self.eye.tick(at(second))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    world = World(galleries=[FakeGallery("HK-2", 10**15), FakeGallery("HK-1", 10**14)])
    lane = SimpleNamespace(reader=world, recogniser="recogniser", begin=world.begin)
    monkeypatch.setattr(vision_faces, "FaceReader", lambda *_: world)
    lane.without_template = world.without_template
    monkeypatch.setattr(vision_faces, "FaceLane", lambda *_: lane)
    monkeypatch.setattr(vision_faces, "portrait_template", template_of)
    monkeypatch.setattr(vision_galleries, "GalleryStore", lambda _: world)
    monkeypatch.setattr(vision_faces, "liveness_model", lambda *_: None)
    world.eye = eye_of(world, tmp_path, FacePolicy())
    world.eye.load()
    return world


def eye_of(world: World, tmp_path: Path, policy: FacePolicy) -> FaceEye:
    table = VideoTable(id="door", source="rtsp://10.0.0.2/1", reads=("face",))
    stores = VideoStores(world, world, world.readings.append, lambda *_: None)
    return FaceEye(
        ModelDirectory(tmp_path), 1, VideoKeeper(table, stores, threading.Event()),
        lambda text, _at: world.shown.append(text), galleries=tmp_path, policy=policy,
    )  # fmt: skip


def template_of(_reader: object, image: Picture, whose: str) -> str:
    if not image.any():
        raise TemplateError(f"{whose} gives no template", cause="no face was found in it")
    return "template"


def said(advice: Advice) -> str:
    return f"{advice.en} / {advice.zh}"


def lay_document(directory: Path, number: str, picture_of: Picture) -> None:
    (directory / f".{number}.part").write_bytes(cv2.imencode(".png", picture_of)[1].tobytes())
    (directory / f".{number}.part").rename(directory / f"{number}.png")


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
    assert said(NO_GALLERY) in world.shown


def test_a_gallery_that_arrives_later_is_found(world: World) -> None:
    late, world.galleries = world.galleries, []
    world.looks(1)
    world.galleries = late
    world.steps = [done()]
    world.looks(5, 6)

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


@pytest.fixture
def desk(world: World, tmp_path: Path) -> Path:
    """Where the document reader puts portraits; the eye compares with these."""
    world.galleries = []
    world.eye = eye_of(world, tmp_path, FacePolicy(portraits=tmp_path / "desk"))
    world.eye.load()
    return tmp_path / "desk"


def test_a_traveller_is_compared_with_the_portrait_of_the_document_and_it_is_gone_at_once(
    world: World, desk: Path
) -> None:
    world.looks(1)
    assert world.shown == [said(NO_DOCUMENT)]
    lay_document(desk, "E12345678", FACE)
    world.steps = [Wait(HOLD_STILL), done()]
    world.looks(2, 2.1)

    assert world.begun == ["E12345678"]
    assert list(desk.iterdir()) == []
    assert [each.face.outcome for each in world.readings] == ["matched"]
    assert world.key.destroyed  # without an open sailing the pseudonym was of this check alone
    world.looks(3, 4, 5, 9)
    assert len(world.begun) == 1  # nobody is looked for without a document


def test_where_documents_are_compared_the_gallery_is_not_searched_and_gives_the_pseudonym(
    world: World, desk: Path
) -> None:
    world.galleries = [FakeGallery("HK-1", 10**14)]
    world.looks(1, 2)
    assert world.begun == []
    lay_document(desk, "E12345678", FACE)
    world.looks_at_nothing(3)

    assert (world.begun, world.key) == (["E12345678"], "key")


def test_a_portrait_that_cannot_be_used_is_a_record_for_the_staffed_lane(world: World, desk: Path) -> None:
    lay_document(desk, "E1", 0 * FACE)
    world.looks_at_nothing(1)
    (desk / "E2.jpg").write_bytes(b"no picture")
    world.looks_at_nothing(2)

    assert world.begun == ["without E1", "without E2"]
    assert [each.face.outcome for each in world.readings] == ["staffed lane", "staffed lane"]
    assert list(desk.iterdir()) == []


def test_the_next_document_ends_the_check_under_way(world: World, desk: Path) -> None:
    lay_document(desk, "E1", FACE)
    world.looks_at_nothing(1)
    lay_document(desk, "E2", FACE)
    world.looks_at_nothing(2)

    assert world.begun == ["E1", "E2"]
    assert [each.face.outcome for each in world.readings] == ["staffed lane"]


def test_galleries_are_swept_while_the_models_cannot_be_used(world: World, tmp_path: Path) -> None:
    world.swept.clear()
    eye = eye_of(world, tmp_path, FacePolicy())  # its models were never loaded
    for second in (1, 2, 12):
        eye.tick(at(second))

    assert len(world.swept) == 2


def test_a_library_that_fails_at_one_traveller_ends_her_check_and_the_next_one_is_checked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(_image: Picture, _now: int) -> Wait | Done:
        raise RuntimeError("the network stumbled")

    with monkeypatch.context() as patched:
        patched.setattr(world, "frame", stumble)
        with pytest.raises(RuntimeError):
            world.looks(1)
    assert [each.face.outcome for each in world.readings] == ["staffed lane"]

    world.steps = [done()]
    world.looks(9)
    assert [each.face.outcome for each in world.readings] == ["staffed lane", "matched"]
