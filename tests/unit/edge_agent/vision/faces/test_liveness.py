"""The slot for a liveness model."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_agent.vision.faces.check import Liveness
from edge_agent.vision.faces.liveness import LivenessModel, liveness_model
from edge_agent.vision.faces.quality import Quality
from edge_agent.vision.faces.reader import Face
from edge_agent.vision.models.directory import ModelDirectory, ModelError, Session

POINTS = ((140.0, 100.0), (180.0, 100.0), (160.0, 123.0), (144.0, 147.0), (177.0, 147.0))
FACE = Face((110, 50, 100, 140), POINTS, 0.9, Quality(()))


class FakeSession:
    def __init__(self, given: list[float]) -> None:
        self.given = given
        self.blob: np.ndarray = np.zeros(0, np.float32)

    def run(self, output_names: list[str] | None, input_feed: dict[str, Any]) -> list[Any]:
        assert output_names == ["alive"]
        self.blob = input_feed["face"]
        return [np.array([self.given], np.float32)]


@pytest.fixture
def directory(tmp_path: Path) -> ModelDirectory:
    """An operator's model by its manifest; its network is stood in for."""
    (tmp_path / "liveness").mkdir()
    hashes = {}
    for name in ("model.onnx", "LICENSE"):
        (tmp_path / "liveness" / name).write_bytes(b"stand-in")
        hashes[name] = hashlib.sha256(b"stand-in").hexdigest()
    manifest = {
        "format": 1,
        "task": "liveness",
        "name": "alive-net",
        "origin": "operator",
        "model": "model.onnx",
        "files": hashes,
        "licence": {"spdx": "MIT", "text": "LICENSE"},
        "source": {"statement": "made by the operator"},
        "input": {
            "name": "face",
            "shape": ["N", 3, 80, 80],
            "colour": "RGB",
            "mean": [0.0, 0.0, 0.0],
            "scale": [1 / 255] * 3,
        },
        "output": {"form": "live", "names": ["alive"]},
        "threshold": 0.7,
        "threshold_source": "measured by the operator",
    }
    (tmp_path / "liveness" / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return ModelDirectory(tmp_path)


def put(session: FakeSession, monkeypatch: pytest.MonkeyPatch) -> None:
    def given(_: ModelDirectory, task: str, threads: int = 1) -> Session | FakeSession:
        assert (task, threads) == ("liveness", 1)
        return session

    monkeypatch.setattr(ModelDirectory, "session", given)


def test_an_empty_slot_is_no_model(tmp_path: Path) -> None:
    assert liveness_model(ModelDirectory(tmp_path)) is None


@pytest.mark.parametrize(("life", "verdict"), [(0.71, Liveness.LIVE), (0.69, Liveness.ATTACK_SUSPECTED)])
def test_the_manifests_threshold_decides(
    directory: ModelDirectory, monkeypatch: pytest.MonkeyPatch, life: float, verdict: Liveness
) -> None:
    session = FakeSession([life])
    put(session, monkeypatch)
    model = liveness_model(directory)
    assert model is not None
    picture = np.zeros((240, 320, 3), np.uint8)
    picture[:, :, 2] = 255
    assert model.check(picture, FACE) is verdict
    assert session.blob.shape == (1, 3, 80, 80)
    assert session.blob[0, 0].max() == pytest.approx(1.0)  # red first, 0..1
    assert session.blob[0, 2].max() == 0.0


@pytest.mark.parametrize("given", [[1.5], [float("nan")], [0.2, 0.8]])
def test_what_is_no_probability_is_never_taken_for_life(
    directory: ModelDirectory, monkeypatch: pytest.MonkeyPatch, given: list[float]
) -> None:
    put(FakeSession(given), monkeypatch)
    with pytest.raises(ModelError, match="alive-net"):
        LivenessModel(directory).check(np.zeros((240, 320, 3), np.uint8), FACE)
