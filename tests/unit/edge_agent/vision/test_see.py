"""`edge-agent see`, as people and programs use it: the keys of its JSON are a contract."""

import json
import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if find_spec("cv2") is None or find_spec("onnxruntime") is None:
    pytest.skip("the extra `vision` is not installed here", allow_module_level=True)

import cv2
import numpy as np
from click.testing import CliRunner, Result

from edge_agent.cli import cli
from edge_agent.vision.characters import Character
from edge_agent.vision.containers import reader as container_module
from edge_agent.vision.containers.number import ContainerRead
from edge_agent.vision.image import Image
from edge_agent.vision.models import ModelDirectory
from edge_agent.vision.plates import reader as plate_module
from edge_agent.vision.plates.read import PlateRead
from edge_agent.vision.see import number
from tests.unit.edge_agent.vision.models import making

SHARED = Path(__file__).parents[5] / "shared"


def see(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["see", *map(str, arguments)])


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "lane.png"
    cv2.imwrite(str(path), np.full((90, 120, 3), 70, np.uint8))
    return path


def reading(found: list[Any]) -> Callable[..., Any]:
    """A reader that finds the same in every picture."""

    class Reader:
        def __init__(self, directory: ModelDirectory, threads: int = 1) -> None:
            assert directory.tasks() is not None
            assert threads == 1

        def read(self, image: Image) -> list[Any]:
            assert image.shape == (90, 120, 3)
            return found

    return Reader


PLATE = PlateRead(
    text="琼A12345",
    confidence=float(np.float32(0.97)),
    characters=(Character("琼", float(np.float32(0.97)), (("粤", 0.02),)), Character("A", 0.99)),
    box=(np.int64(3), 4, 50, 16),  # type: ignore[arg-type]  # what a careless reader may hand over
    kind="blue",
    colour="blue",
    grammar_ok=True,
    unattended=True,
)
CONTAINER = ContainerRead(
    text="MSKU4135329", check_digit_ok=True, confidence=0.91, box=(1, 2, 30, 9), size_type="45G1",
    layout="horizontal", characters=(), unattended=True,
)  # fmt: skip


def test_plates_are_printed_with_exactly_these_keys(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plate_module, "PlateReader", reading([PLATE]))
    result = see("plate", picture, "--models", tmp_path, "--json")
    assert result.exit_code == 0
    (row,) = rows(result)
    assert row == {
        "file": str(picture),
        "plates": [
            {
                "text": "琼A12345",
                "confidence": 0.97,
                "characters": [
                    {"text": "琼", "confidence": 0.97, "alternatives": [["粤", 0.02]]},
                    {"text": "A", "confidence": 0.99, "alternatives": []},
                ],
                "box": [3, 4, 50, 16],
                "kind": "blue",
                "grammar_ok": True,
            }
        ],
    }
    assert "琼A12345" in result.stdout, "readable as it is, not as escapes"
    shown = see("plate", picture, "--models", tmp_path).stdout
    assert "琼A12345" in shown
    assert "0.970" in shown


def test_containers_are_printed_with_exactly_these_keys(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container_module, "ContainerReader", reading([CONTAINER]))
    (row,) = rows(see("container", picture, "--models", tmp_path, "--json"))
    assert row == {
        "file": str(picture),
        "containers": [{"text": "MSKU4135329", "check_digit_ok": True, "confidence": 0.91, "box": [1, 2, 30, 9]}],
    }


def test_pictures_that_cannot_be_read_are_one_line_each_and_the_others_are_read(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plate_module, "PlateReader", reading([]))
    (tmp_path / "note.jpg").write_text("no picture")
    os.mkfifo(tmp_path / "pipe.jpg")
    names = [tmp_path / "note.jpg", picture, tmp_path / "pipe.jpg", tmp_path / "none.jpg", tmp_path]
    result = see("plate", *names, "--models", tmp_path, "--json")
    assert result.exit_code == 1
    told = rows(result)
    assert [row["file"] for row in told] == [str(name) for name in names]
    assert told[1] == {"file": str(picture), "plates": []}
    for row in (told[0], *told[2:]):
        assert set(row) == {"file", "error"}
        assert row["file"] in row["error"]
    shown = see("plate", *names, "--models", tmp_path)
    assert shown.exit_code == 1
    assert "no plate" in shown.stdout
    assert shown.stderr.count("edge-agent: ") == 4


def test_a_picture_that_a_reader_trips_over_does_not_hide_the_others(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stumbling:
        def __init__(self, *_: Any) -> None:
            self.calls: Iterator[int] = iter(range(9))

        def read(self, image: Image) -> list[Any]:
            if next(self.calls) == 0:
                cv2.resize(image, (0, 0))
            return []

    monkeypatch.setattr(plate_module, "PlateReader", Stumbling)
    result = see("plate", picture, picture, "--models", tmp_path, "--json")
    assert result.exit_code == 1
    first, second = rows(result)
    assert "was not read" in first["error"]
    assert second["plates"] == []


@pytest.mark.parametrize("command", [["plate", "x.png"], ["face", "x.png"], ["container", "x.png"]])
def test_without_models_the_error_says_how_to_make_them(tmp_path: Path, command: list[str]) -> None:
    result = see(*command, "--models", tmp_path / "none")
    assert result.exit_code == 2
    assert f"edge-agent models build --dir {tmp_path}/none" in result.stderr


def test_without_its_own_model_a_reader_names_it(picture: Path, tmp_path: Path) -> None:
    for command in ("plate", "face", "container"):
        result = see(command, picture, "--models", tmp_path)
        assert result.exit_code == 2, result.output
        assert "There is no model " in result.stderr
        assert "edge-agent models build" in result.stderr


def test_wrong_usage_is_exit_code_2(tmp_path: Path) -> None:
    assert see("plate").exit_code == 2
    assert see("match", "a.png").exit_code == 2
    assert see("plate", "a.png", "--models", tmp_path, "--threads", "0").exit_code == 2


def test_numbers_are_plain_and_finite() -> None:
    assert number(float(np.float32(0.1))) == 0.1
    assert number(float("nan")) is None
    assert number(None) is None


def test_no_face_is_an_answer_and_not_an_error(picture: Path, models: ModelDirectory) -> None:
    (row,) = rows(see("face", picture, "--models", models.path, "--json"))
    assert row == {"file": str(picture), "faces": []}
    result = see("match", picture, picture, "--models", models.path, "--json")
    assert result.exit_code == 0
    (row,) = rows(result)
    assert set(row) == {"score", "threshold", "same", "reason"}
    assert (row["score"], row["same"]) == (None, False)
    assert "no face" in row["reason"]


def test_a_match_with_an_unreadable_picture_is_one_error_line(picture: Path, models: ModelDirectory) -> None:
    result = see("match", picture, picture.parent / "none.jpg", "--models", models.path, "--json")
    assert result.exit_code == 1
    (row,) = rows(result)
    assert row["file"] == str(picture.parent / "none.jpg")
    assert "No such file" in row["error"]


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"no shared pictures here: {path}")
    return path


def test_a_face_is_found_with_its_quality_and_landmarks(models: ModelDirectory) -> None:
    result = see("face", shared("faces/biden.jpg"), "--models", models.path, "--json")
    (row,) = rows(result)
    (face,) = row["faces"]
    assert set(face) == {"box", "quality", "landmarks"}
    assert len(face["landmarks"]) == 5
    x, y, width, height = face["box"]
    assert all(x < left < x + width and y < top < y + height for left, top in face["landmarks"])
    assert face["quality"]["ok"] is True


def test_the_same_person_matches_and_another_does_not(models: ModelDirectory) -> None:
    person = shared("faces/obama.jpg")
    (same,) = rows(see("match", person, shared("faces/obama2.jpg"), "--models", models.path, "--json"))
    (other,) = rows(see("match", person, shared("faces/biden.jpg"), "--models", models.path, "--json"))
    assert same["same"] is True
    assert other["same"] is False
    assert same["score"] > same["threshold"] == other["threshold"] > other["score"]


@pytest.mark.parametrize(("task", "key"), [("seal", "seals"), ("danger-label", "labels")])
def test_an_operators_model_for_seals_or_labels_is_asked(tmp_path: Path, picture: Path, task: str, key: str) -> None:
    assert see(task, picture, "--models", tmp_path, "--json").exit_code == 2  # none is built in
    network = making.constant("made", [[16, 32, 32, 64, 0.75, 1], [0, 0, 9, 9, 0.1, 0]], [2, 6])
    making.slot(tmp_path / task, task, "boxes", network, label_names=["wire seal", "bolt seal"])
    (row,) = rows(see(task, picture, "--models", tmp_path, "--json"))

    assert row == {"file": str(picture), key: [{"name": "bolt seal", "score": 0.75, "box": [30, 45, 30, 45]}]}
    assert "bolt seal" in see(task, picture, "--models", tmp_path).stdout
