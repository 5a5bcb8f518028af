"""The models through insightface, by their manifests: no guessing, no download."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_agent.vision.faces.engine import Recogniser, face_analysis, face_detector
from edge_agent.vision.faces.geometry import ARCFACE_POINTS, aligned_crop
from edge_agent.vision.models.directory import ModelDirectory, ModelError

Draw = Callable[..., tuple[np.ndarray, np.ndarray]]


def changed(models: ModelDirectory, place: Path, task: str, **values: object) -> ModelDirectory:
    """A copy of the face models with other values in one manifest's input."""
    for name in ("face-detector", "face-recogniser"):
        shutil.copytree(models.path / name, place / name)
    manifest = place / task / "manifest.json"
    said: dict[str, Any] = json.loads(manifest.read_text("utf-8"))
    said["input"] |= values
    manifest.write_text(json.dumps(said), "utf-8")
    return ModelDirectory(place)


def drawn_scrfd(side: int | str) -> bytes:
    """A network with SCRFD's nine outputs for 480 x 480 that always sees one face, at row 20, column 10 of stride 16.

    Anchor centres of stride 16 lie at 16 times the cell; boxes and landmarks are distances from there in strides.
    """
    onnx = pytest.importorskip("onnx")
    helper, outputs, nodes, made = onnx.helper, [], [], []
    for part, width in (("score", 1), ("box", 4), ("mark", 10)):
        for stride in (8, 16, 32):
            values = np.zeros(((480 // stride) ** 2 * 2, width), np.float32)
            if stride == 16:
                face: dict[str, list[float]] = {
                    "score": [0.8],
                    "box": [4, 5, 4, 5],
                    "mark": [-2, -2, 2, -2, 0, 0, -2, 2, 2, 2],
                }
                values[(20 * 30 + 10) * 2] = face[part]
            name = f"{part}{stride}"
            made.append(onnx.numpy_helper.from_array(values, name + "-values"))
            nodes.append(helper.make_node("Identity", [name + "-values"], [name]))
            outputs.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [len(values), width]))
    inputs = [helper.make_tensor_value_info("picture", onnx.TensorProto.FLOAT, [1, 3, side, side])]
    graph = helper.make_graph(nodes, "drawn", inputs, outputs, made)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("side", [480, "S"])
def test_an_operators_scrfd_detector_is_used_by_its_manifest(tmp_path: Path, side: int | str) -> None:
    place = tmp_path / "face-detector"
    place.mkdir()
    (place / "model.onnx").write_bytes(drawn_scrfd(side))
    (place / "LICENSE").write_text("MIT")
    hashes = {name: hashlib.sha256((place / name).read_bytes()).hexdigest() for name in ("model.onnx", "LICENSE")}
    names = [f"{part}{stride}" for part in ("score", "box", "mark") for stride in (8, 16, 32)]
    manifest: dict[str, Any] = {
        "format": 1,
        "task": "face-detector",
        "name": "drawn SCRFD",
        "origin": "operator",
        "model": "model.onnx",
        "files": hashes,
        "licence": {"spdx": "MIT", "text": "LICENSE"},
        "source": {"statement": "drawn"},
        "input": {
            "name": "picture",
            "shape": [1, 3, side, side],
            "colour": "RGB",
            "mean": [127.5] * 3,
            "scale": [1 / 128] * 3,
        },
        "output": {"form": "scrfd", "names": names},
        "threshold": 0.6,
        "threshold_source": "drawn",
    }
    (place / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    (face,) = face_analysis(face_detector(ModelDirectory(tmp_path), 1, 480)).get(np.zeros((960, 960, 3), np.uint8))
    # the anchor is at (160, 320) of 480 x 480; the picture is twice as large
    assert face.bbox.tolist() == pytest.approx([192, 480, 448, 800], abs=1)
    assert face.kps[0].tolist() == pytest.approx([256, 576], abs=1)
    manifest["input"]["colour"] = "BGR"
    (place / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(ModelError, match="drawn SCRFD"):
        face_detector(ModelDirectory(tmp_path), 1, 480)


def test_a_template_has_length_one_and_a_face_and_its_mirror_image_have_the_same(
    models: ModelDirectory, draw: Draw
) -> None:
    recogniser = Recogniser(models, 1)
    picture, points = draw()
    one = recogniser.template(picture, points)
    assert one.shape == (128,)
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-6)
    crop = aligned_crop(picture, points, 112)
    mirrored = np.ascontiguousarray(crop[:, ::-1])
    # landmarks that put the crop and its mirror image where they are already
    assert float(recogniser.template(crop, ARCFACE_POINTS) @ recogniser.template(mirrored, ARCFACE_POINTS)) > 0.9999


def test_what_the_manifest_says_goes_in_and_not_what_insightface_guesses(
    models: ModelDirectory, draw: Draw, tmp_path: Path
) -> None:
    picture, points = draw()
    plain = Recogniser(models, 1).template(picture, points)
    other = Recogniser(changed(models, tmp_path, "face-recogniser", colour="BGR"), 1).template(picture, points)
    blue_first = Recogniser(models, 1).template(np.ascontiguousarray(picture[:, :, ::-1]), points)
    assert float(other @ blue_first) > 0.9999
    assert float(plain @ other) < 0.9999


def test_a_network_that_takes_one_face_at_a_time_gives_the_same_template(
    models: ModelDirectory, draw: Draw, tmp_path: Path
) -> None:
    single = Recogniser(changed(models, tmp_path, "face-recogniser", shape=[1, 3, 112, 112]), 1)
    picture, points = draw()
    assert np.allclose(single.template(picture, points), Recogniser(models, 1).template(picture, points), atol=1e-6)


def test_a_recogniser_for_another_alignment_is_refused_by_name(models: ModelDirectory, tmp_path: Path) -> None:
    odd = changed(models, tmp_path, "face-recogniser", shape=["N", 3, 150, 150])
    with pytest.raises(ModelError, match="multiples of 112 or 128"):
        Recogniser(odd, 1)


def test_insightfaces_face_analysis_runs_over_our_models_and_its_own_init_is_never_called(
    models: ModelDirectory, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = pytest.importorskip("insightface.app.face_analysis")

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("looked for a package")

    monkeypatch.setattr(module, "ensure_available", forbidden)
    monkeypatch.setattr(module.FaceAnalysis, "__init__", forbidden)
    analysis = face_analysis(face_detector(models, 1, 480))
    assert isinstance(analysis, module.FaceAnalysis)
    analysis.models["recognition"] = Recogniser(models, 1)
    for face in analysis.get(draw()[0]):
        assert face.kps.shape == (5, 2)
        assert face.embedding.shape == (128,)
