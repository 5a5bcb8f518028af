"""`edge-agent vision calibrate`."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner, Result

from edge_agent.commands.vision import vision
from edge_agent.errors import EdgeAgentError
from edge_agent.vision.faces import calibrating
from edge_agent.vision.faces.calibration import calibration_id, load_calibration
from edge_agent.vision.faces.quality import Quality
from edge_agent.vision.faces.reader import Face

NET = "ab" * 32
MARKS = ((4.0, 4.0), (8.0, 4.0), (6.0, 6.0), (4.0, 8.0), (8.0, 8.0))


class FakeReader:
    """Every picture shows one person, told by its brightness; a black one shows nobody."""

    model_name, model_sha256, threshold = "net", NET, 0.94

    def __init__(self, *_: object) -> None:
        pass

    def find(self, image: np.ndarray) -> list[Face]:
        return [Face((1, 1, 9, 9), MARKS, 0.9, Quality(()))] if image.any() else []

    def template(self, image: np.ndarray, _: Face) -> np.ndarray:
        person, shot = int(image[0, 0, 0]), int(image[0, 0, 1])
        vector = np.random.default_rng(person).standard_normal(128)
        vector += 0.1 * np.random.default_rng(1000 + 100 * person + shot).standard_normal(128)
        return np.asarray(vector / np.linalg.norm(vector), np.float32)


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cv2 = pytest.importorskip("cv2", reason="the extra `vision` is not installed")
    monkeypatch.setattr(calibrating, "FaceReader", FakeReader)
    monkeypatch.setattr(
        "edge_agent.vision.models.directory.ModelDirectory.model", lambda *_: SimpleNamespace(sha256="cd" * 32)
    )
    place = tmp_path / "images"
    for person in range(1, 6):
        (place / f"p{person}").mkdir(parents=True)
        for shot in range(3):
            picture = np.full((12, 12, 3), (person, shot, 50), np.uint8)
            assert cv2.imwrite(str(place / f"p{person}" / f"{shot}.png"), picture)
    (place / "groups.csv").write_text("identity,group\np1,x\np2,x\np3,y\n", "utf-8")
    return place


def run(images: Path, *arguments: str) -> Result:
    models = images.parent / "models"
    models.mkdir(exist_ok=True)
    out = str(images.parent / "out")
    return CliRunner().invoke(
        vision, ["calibrate", str(images), "--models", str(models), "--out", out, *arguments], catch_exceptions=True
    )


def test_it_writes_a_calibration_that_decisions_can_name_and_a_plot(images: Path) -> None:
    result = run(images, "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.output)
    kept = json.loads((images.parent / "out" / "calibration.json").read_text("utf-8"))
    assert kept == {"id": said["id"], "calibration": said["calibration"]}
    assert kept["id"] == calibration_id(kept["calibration"])
    assert load_calibration(images.parent / "out" / "calibration.json", NET).id == said["id"]
    assert (images.parent / "out" / "det.svg").read_text("utf-8").startswith("<svg")
    assert said["unusable"] == {}
    assert kept["calibration"]["groups"]["all"]["identity_pairs"] == 10


def test_the_table_says_rates_by_group_and_that_the_sample_is_too_small(images: Path) -> None:
    result = run(images)
    assert result.exit_code == 0, result.output
    for text in ("0 % (0/90)", "0 % (0/15)", "too small to support an FMR of 0.001", "Proposed threshold 0.9400"):
        assert text in " ".join(result.output.split())


def test_the_same_images_give_the_same_id(images: Path) -> None:
    assert json.loads(run(images, "--json").output)["id"] == json.loads(run(images, "--json").output)["id"]


def test_images_that_cannot_be_used_are_named_with_the_reason_and_not_kept(images: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    assert cv2.imwrite(str(images / "p1" / "black.png"), np.zeros((9, 9, 3), np.uint8))
    (images / "p2" / "broken.jpg").write_bytes(b"no picture")
    said = json.loads(run(images, "--json").output)
    reasons = {Path(file).name: reason for file, reason in said["unusable"].items()}
    assert reasons["black.png"] == "no face was found in it"
    assert "broken.jpg" in reasons
    assert "p1" not in (images.parent / "out" / "calibration.json").read_text("utf-8")


def test_a_directory_without_images_is_an_error_that_names_the_layout(images: Path) -> None:
    empty = images.parent / "empty"
    empty.mkdir()
    result = run(empty)
    assert isinstance(result.exception, EdgeAgentError)
    assert "DIR/<identity>/<image>" in str(result.exception)


def test_a_place_that_cannot_be_written_is_an_error_with_the_next_step(images: Path) -> None:
    (images.parent / "file").write_text("a file")
    result = run(images, "--out", str(images.parent / "file" / "out"))
    assert isinstance(result.exception, EdgeAgentError)
    assert "--out" in str(result.exception)


@pytest.mark.parametrize("target", ["0", "0.6", "x"])
def test_a_target_that_is_no_rate_is_wrong_usage(images: Path, target: str) -> None:
    assert run(images, "--target-fmr", target).exit_code == 2
