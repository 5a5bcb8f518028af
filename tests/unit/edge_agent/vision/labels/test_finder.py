import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from edge_agent.vision.labels import LabelFinder, Spot
from edge_agent.vision.models import ModelDirectory, ModelError
from edge_agent.vision.models.tasks import Task

onnx = pytest.importorskip("onnx", reason="the extra `vision` is not installed here")
pytest.importorskip("onnxruntime", reason="the extra `vision` is not installed here")
pytest.importorskip("cv2", reason="the extra `vision` is not installed here", exc_type=ImportError)

PICTURE = np.zeros((320, 1280, 3), np.uint8)


def model_that_says(directory: Path, rows: list[list[float]], columns: int = 6) -> ModelDirectory:
    """A model directory whose `seal` finds the same rows in every picture."""
    place = directory / "seal"
    place.mkdir()
    table = onnx.numpy_helper.from_array(np.array(rows, np.float32).reshape(-1, columns), "table")
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("ReduceMin", ["picture"], ["least"], keepdims=0),
            onnx.helper.make_node("Mul", ["least", "nought"], ["none"]),
            onnx.helper.make_node("Add", ["table", "none"], ["found"]),
        ],
        "always the same",
        [onnx.helper.make_tensor_value_info("picture", onnx.TensorProto.FLOAT, [1, 3, 640, 640])],
        [onnx.helper.make_tensor_value_info("found", onnx.TensorProto.FLOAT, ["n", columns])],
        [table, onnx.numpy_helper.from_array(np.array(0, np.float32), "nought")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    files = {
        "model.onnx": model.SerializeToString(),
        "labels.json": json.dumps(["bolt seal", "cable seal"]).encode(),
        "LICENSE": b"Made for this test.",
    }
    for name, data in files.items():
        (place / name).write_bytes(data)
    manifest = {
        "format": 1,
        "task": "seal",
        "name": "always the same",
        "origin": "operator",
        "model": "model.onnx",
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        "labels": "labels.json",
        "licence": {"spdx": "MIT", "text": "LICENSE"},
        "source": {"statement": "made for this test"},
        "input": {
            "name": "picture",
            "shape": [1, 3, 640, 640],
            "colour": "RGB",
            "mean": [0.0, 0.0, 0.0],
            "scale": [1.0, 1.0, 1.0],
        },
        "output": {"form": "boxes", "names": ["found"]},
        "threshold": 0.4,
        "threshold_source": "made for this test",
    }
    (place / "manifest.json").write_text(json.dumps(manifest))
    return ModelDirectory(directory)


def test_spots_above_the_models_threshold_are_named_and_put_where_they_are(tmp_path: Path) -> None:
    directory = model_that_says(
        tmp_path,
        [[10, 20, 30, 60, 0.5, 1], [0, 0, 64, 64, 0.9, 0], [0, 0, 9, 9, 0.39, 0], [600, 600, 700, 900, 0.6, 0]],
    )

    spots = LabelFinder(directory, Task.SEAL).find(PICTURE)

    assert [(spot.name, spot.box) for spot in spots] == [
        ("bolt seal", (0, 0, 128, 32)),
        ("bolt seal", (1200, 300, 80, 20)),
        ("cable seal", (20, 10, 40, 20)),
    ]
    assert [spot.score for spot in spots] == pytest.approx([0.9, 0.6, 0.5])


def test_a_picture_without_seals_has_no_spots(tmp_path: Path) -> None:
    found: list[Spot] = LabelFinder(model_that_says(tmp_path, []), Task.SEAL).find(PICTURE)

    assert found == []


def test_values_that_are_no_numbers_and_boxes_without_size_are_left_out(tmp_path: Path) -> None:
    rows = [[float("nan"), 0, 1, 1, 0.9, 0], [30, 30, 30, 60, 0.9, 0], [60, 30, 30, 60, 0.9, 0]]

    assert LabelFinder(model_that_says(tmp_path, rows), Task.SEAL).find(PICTURE) == []


def test_a_class_without_a_name_is_a_broken_contract(tmp_path: Path) -> None:
    finder = LabelFinder(model_that_says(tmp_path, [[0, 0, 9, 9, 0.9, 2]]), Task.SEAL)

    with pytest.raises(ModelError, match="the class 2, and its labels file names 2"):
        finder.find(PICTURE)


def test_a_table_of_another_shape_is_a_broken_contract(tmp_path: Path) -> None:
    finder = LabelFinder(model_that_says(tmp_path, [[0, 0, 9, 9, 0.9]], columns=5), Task.SEAL)

    with pytest.raises(ModelError, match=r"not \(n, 6\)"):
        finder.find(PICTURE)


def test_an_empty_slot_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model danger-label"):
        LabelFinder(ModelDirectory(tmp_path), Task.DANGER_LABEL)
