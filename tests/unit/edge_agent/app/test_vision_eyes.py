"""Eyes for plates and containers, with readers in place of models: when they look, how closely, and what they keep."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge_agent.app import vision_eyes
from edge_agent.app.vision_eyes import PLATE_TASKS, REST_S, ContainerEye, PlateEye
from edge_agent.links.camera.frames import Picture
from edge_agent.vision.characters import Character
from edge_agent.vision.containers.number import ContainerRead
from edge_agent.vision.models.directory import ModelDirectory
from edge_agent.vision.plates.read import PlateRead
from tests.unit.edge_agent.links.camera.parts import at, picture

IMAGE = picture()


def plate(text: str = "琼A12345", confidence: float = 0.99) -> PlateRead:
    characters = tuple(Character(letter, confidence) for letter in text)
    return PlateRead(text, confidence, characters, (10, 10, 60, 20), "blue", "blue", True, confidence >= 0.9)


def container(text: str = "CSQU3054383", *, valid: bool = True) -> ContainerRead:
    characters = tuple(Character(letter, 0.9) for letter in text)
    return ContainerRead(text, valid, 0.9, (10, 10, 60, 20), "22G1", "horizontal", characters, valid)


class FakeReader:
    """Reads what it is told to; remembers how closely it looked."""

    def __init__(self) -> None:
        self.reads: list[Any] = []
        self.close: list[Any] | None = None
        self.looks: list[bool] = []

    def read(self, image: Picture, *, thorough: bool) -> list[Any]:
        assert image is IMAGE
        self.looks.append(thorough)
        return self.close if thorough and self.close is not None else self.reads


class Kept:
    """In place of a keeper."""

    def __init__(self) -> None:
        self.plates: list[tuple[str, float]] = []
        self.containers: list[tuple[str, int]] = []
        self.models: dict[str, str] = {}

    def plate(self, told: Any, models: dict[str, str]) -> Any:
        self.plates.append((told.read.text, round(told.read.confidence, 2)))
        self.models = models
        return SimpleNamespace(device_id="cam", text=told.read.text, confidence=told.read.confidence, at=told.best.at)

    def container(self, told: Any) -> Any:
        self.containers.append((told.read.text, told.frames))
        return SimpleNamespace(number=told.read.text)


class Bench:
    """An eye that is loaded."""

    def __init__(self, kind: Any, directory: ModelDirectory, *, thorough: bool = False) -> None:
        self.kept, self.shown = Kept(), list[str]()
        self.eye = kind(directory, 1, self.kept, lambda text, _at: self.shown.append(text), thorough=thorough)
        self.eye.load()
        self.now = 0.0

    def look(self, times: int = 1, step: float = 0.1) -> None:
        for _ in range(times):
            self.eye.look(IMAGE, at(self.now))
            self.now += step


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> FakeReader:
    fake = FakeReader()
    monkeypatch.setattr(vision_eyes, "PlateReader", lambda *_: fake)
    monkeypatch.setattr(vision_eyes, "ContainerReader", lambda *_: fake)
    return fake


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModelDirectory:
    monkeypatch.setattr(ModelDirectory, "model", lambda _self, task: SimpleNamespace(sha256=f"hash of {task}"))
    return ModelDirectory(tmp_path)


def test_a_plate_is_kept_once_with_the_models_that_read_it(reader: FakeReader, directory: ModelDirectory) -> None:
    bench = Bench(PlateEye, directory)
    reader.reads = [plate()]
    bench.look(50)

    assert [text for text, _ in bench.kept.plates] == ["琼A12345"]
    assert bench.kept.models == {str(task): f"hash of {task}" for task in PLATE_TASKS}
    assert bench.shown == ["琼A12345"]


def test_who_has_been_read_and_stands_there_is_not_read_all_the_time(
    reader: FakeReader, directory: ModelDirectory
) -> None:
    bench = Bench(PlateEye, directory)
    reader.reads = [plate()]
    bench.look(5)
    assert bench.kept.plates
    reader.looks.clear()
    bench.look(100)

    assert len(reader.looks) <= 10 / REST_S + 1


def test_the_frames_of_a_passage_are_not_looked_at_closely_and_a_still_picture_is(
    reader: FakeReader, directory: ModelDirectory
) -> None:
    reader.reads = [plate()]
    passing, still = Bench(PlateEye, directory), Bench(PlateEye, directory, thorough=True)
    passing.look(5)
    assert set(reader.looks) == {False}
    reader.looks.clear()
    still.look()
    still.eye.quiet(at(5))

    assert set(reader.looks) == {True}
    assert len(still.kept.plates) == 1


def test_a_doubt_that_the_frames_leave_has_the_best_picture_looked_at_once_more(
    reader: FakeReader, directory: ModelDirectory
) -> None:
    bench = Bench(PlateEye, directory)
    reader.reads, reader.close = [plate("琼A12346", 0.55)], [plate("琼A12345", 0.99)]
    bench.look(3)
    bench.eye.quiet(at(3))

    assert reader.looks == [False, False, False, True]
    assert [text for text, _ in bench.kept.plates] == ["琼A12345"]


def test_a_close_look_at_another_place_changes_nothing(reader: FakeReader, directory: ModelDirectory) -> None:
    bench = Bench(PlateEye, directory)
    elsewhere = replace(plate("粤B99999"), box=(500, 500, 60, 20))
    reader.reads, reader.close = [plate("琼A12346", 0.55)], [elsewhere]
    bench.look(3)
    bench.eye.quiet(at(3))

    assert [text for text, _ in bench.kept.plates] == ["琼A12346"]


def test_a_container_is_kept_when_two_pictures_agree(reader: FakeReader, directory: ModelDirectory) -> None:
    bench = Bench(ContainerEye, directory)
    reader.reads = [container()]
    bench.look(6, step=1.0)

    assert bench.kept.containers == [("CSQU3054383", 2)]


def test_a_container_whose_number_is_never_right_is_kept_for_a_person(
    reader: FakeReader, directory: ModelDirectory
) -> None:
    bench = Bench(ContainerEye, directory)
    reader.reads = [container("CSQU3054384", valid=False)]
    bench.look(4, step=1.0)
    reader.reads = []
    bench.look(5, step=1.0)

    assert bench.kept.containers == [("CSQU3054384", 4)]
