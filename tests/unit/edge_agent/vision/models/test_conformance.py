from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnx", reason="the extra `vision` is not installed here")

import numpy as np
import onnx

from edge_agent.vision.models import ModelDirectory
from edge_agent.vision.models.build.graph import Graph
from edge_agent.vision.models.conformance import check_model
from edge_agent.vision.models.contract import input_size, prepare
from edge_agent.vision.models.directory import read_model
from edge_agent.vision.models.manifest import Input
from edge_agent.vision.models.tasks import Task
from tests.unit.edge_agent.vision.models import making

NO_BOXES = np.zeros((0, 6))
ONE_BOX = np.array([[1, 2, 30, 40, 0.9, 0]])


def problems(place: Path) -> list[str]:
    return [f"{check.what}: {check.problem}" for check in check_model(read_model(place)) if not check.ok]


def boxes(place: Path, values: Any, *, task: str = "seal", labels: list[str] | None = None) -> list[str]:
    data = making.constant("made", values, ["n", 6])
    making.slot(place, task, "boxes", data, label_names=labels or ["bolt", "cable"])
    return problems(place)


@pytest.mark.parametrize("task", [Task.PLATE_READER, Task.FACE_RECOGNISER])
def test_the_default_models_keep_their_contracts(models: ModelDirectory, task: Task) -> None:
    assert problems(models.path / task) == []


def test_an_operators_recogniser_that_keeps_the_contract_passes(tmp_path: Path) -> None:
    making.write(tmp_path, making.embedder())
    assert problems(tmp_path) == []


def test_a_recogniser_that_does_not_look_at_the_picture_is_found(tmp_path: Path) -> None:
    graph = Graph("blind")
    nothing = graph.add(
        "Mul", [graph.add("ReduceMean", ["input"], axes=[1, 2, 3], keepdims=1), graph.constant(np.float32(0))]
    )
    flat = graph.add("Flatten", [nothing])
    graph.add("Add", [flat, graph.constant(np.ones((1, 32), np.float32))], output="embedding")
    making.write(tmp_path, graph.serialise(("input", ["N", 3, 112, 112]), ("embedding", ["N", 32])))
    assert any("like itself, slightly blurred, than like noise" in problem for problem in problems(tmp_path))


def test_a_model_that_answers_by_chance_is_found(tmp_path: Path) -> None:
    graph = Graph("chance")
    flat = graph.add("Flatten", [graph.add("ReduceMean", ["input"], axes=[1, 2, 3], keepdims=1)])
    chance = graph.add("RandomUniformLike", [graph.add("Expand", [flat, graph.constant(np.array([1, 32], np.int64))])])
    graph.add("Add", [flat, chance], output="embedding")
    making.write(tmp_path, graph.serialise(("input", ["N", 3, 112, 112]), ("embedding", ["N", 32])))
    assert any(problem.startswith("the same twice") for problem in problems(tmp_path))


def test_a_recogniser_of_one_picture_at_a_time_is_found(tmp_path: Path) -> None:
    given = {"name": "input", "shape": [1, 3, 112, 112], "colour": "RGB", "mean": [0.0] * 3, "scale": [1.0] * 3}
    making.write(tmp_path, making.embedder(), input=given)
    assert any("a face and its mirror image together" in problem for problem in problems(tmp_path))


def test_inputs_and_outputs_that_are_not_the_manifests_are_named(tmp_path: Path) -> None:
    given = {"name": "image", "shape": ["N", 3, 112, 112], "colour": "RGB", "mean": [0.0] * 3, "scale": [1.0] * 3}
    making.write(tmp_path, making.embedder(), input=given)
    assert problems(tmp_path) == [
        "inputs and outputs are the manifest's: the graph takes input, the manifest says image"
    ]
    given |= {"name": "input", "shape": ["N", 3, 128, 128]}
    making.write(tmp_path, making.embedder(), input=given, output={"form": "embedding", "names": ["vector"]})
    (found,) = problems(tmp_path)
    assert "has the size 112 where the manifest says 128" in found
    assert "no output vector; it has embedding" in found


def test_weights_in_another_file_are_refused(tmp_path: Path) -> None:
    model = onnx.load_model_from_string(making.embedder())
    model.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    making.write(tmp_path, model.SerializeToString())
    assert any("weights are in another file" in problem for problem in problems(tmp_path))


def test_operators_that_onnxruntime_does_not_have_are_refused(tmp_path: Path) -> None:
    model = onnx.load_model_from_string(making.embedder())
    model.opset_import.append(onnx.helper.make_opsetid("evil.example", 1))
    making.write(tmp_path, model.SerializeToString())
    assert any("operators of evil.example" in problem for problem in problems(tmp_path))


def test_a_file_that_is_no_model_is_said_in_one_line(tmp_path: Path) -> None:
    making.write(tmp_path, b"\x80\x81 no model")
    (problem,) = problems(tmp_path)
    assert "it is no ONNX file" in problem


@pytest.mark.parametrize("values", [NO_BOXES, ONE_BOX, np.repeat(ONE_BOX, 5, axis=0)])
def test_boxes_may_be_none_or_many(tmp_path: Path, values: Any) -> None:
    assert boxes(tmp_path, values) == []


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({0: 50}, "a box ends before it begins"),
        ({4: 1.5}, "the scores are not between 0 and 1"),
        ({5: 2}, "a class is none of 0 to 1"),
        ({5: 0.5}, "a class is none of 0 to 1"),
        ({3: np.nan}, "every output is a finite float32"),
    ],
)
def test_boxes_that_break_the_contract_are_named(tmp_path: Path, change: dict[int, float], cause: str) -> None:
    values = ONE_BOX.copy()
    for column, value in change.items():
        values[0, column] = value
    assert any(cause in problem for problem in boxes(tmp_path, values))


def test_boxes_of_five_columns_are_named(tmp_path: Path) -> None:
    making.slot(tmp_path, "plate-detector-western", "boxes", making.constant("made", np.zeros((3, 5)), ["n", 5]))
    assert any("the shape 3 x 5, not any x 6" in problem for problem in problems(tmp_path))


@pytest.mark.parametrize(("value", "fits"), [(0.0, True), (0.7, True), (1.2, False), (-0.1, False)])
def test_life_is_one_probability(tmp_path: Path, value: float, fits: bool) -> None:
    making.slot(tmp_path, "liveness", "live", making.constant("made", [[value]], [1, 1]))
    assert (problems(tmp_path) == []) is fits


def test_a_threshold_outside_the_score_is_named(tmp_path: Path) -> None:
    making.slot(tmp_path, "liveness", "live", making.constant("made", [[0.5]], [1, 1]), threshold=80.0)
    assert any("80.0 is not 0 to 1" in problem for problem in problems(tmp_path))


def test_a_picture_is_prepared_as_the_manifest_says() -> None:
    given = Input(
        name="x", shape=[1, 3, "H", "W"], multiple=32, colour="RGB", mean=[10.0, 20.0, 30.0], scale=[1.0, 0.5, 0.1]
    )
    assert input_size(given, 33, 64) == (64, 64)
    image = np.zeros((50, 70, 3), np.uint8)
    image[:] = (110, 40, 60)  # blue, green, red
    blob = prepare(image, given, 32, 64)
    assert blob.shape == (1, 3, 32, 64)
    assert blob.dtype == np.float32
    assert blob[0, :, 5, 5].tolist() == pytest.approx([50.0, 10.0, 8.0])
