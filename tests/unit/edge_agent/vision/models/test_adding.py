import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnx", reason="the extra `vision` is not installed here")

import numpy as np

from edge_agent.vision.models import ModelDirectory, ModelError
from edge_agent.vision.models.adding import add_models
from tests.unit.edge_agent.vision.models import making

LIVE = making.constant("made", [[0.5]], [1, 1])


def add(source: Path, directory: Path) -> list[str]:
    told: list[str] = []
    added = add_models(source, directory, tell=told.append)
    assert len(told) == len(added)
    return [str(model.task) for model in added]


def detector(place: Path) -> str:
    """An operator's face detector that finds nothing, in CenterFace's form; gives its SHA-256."""
    from edge_agent.vision.models.build.graph import Graph

    graph = Graph("nobody")
    pooled = graph.add("AveragePool", ["input"], kernel_shape=(4, 4), strides=(4, 4))
    graph.add("Conv", [pooled, graph.constant(np.zeros((15, 3, 1, 1), np.float32))], output="all")
    import onnx

    model = onnx.load_model_from_string(graph.serialise(("input", [1, 3, "H", "W"]), ("all", [1, 15, "h", "w"])))
    start = 0
    made = []
    for channels in (1, 2, 2, 10):
        name = f"part_{start}"
        for end, value in (("from", start), ("to", start + channels), ("axis", 1)):
            tensor = onnx.numpy_helper.from_array(np.array([value], np.int64), f"{name}_{end}")
            model.graph.initializer.append(tensor)
        ends = [f"{name}_{end}" for end in ("from", "to", "axis")]
        model.graph.node.append(onnx.helper.make_node("Slice", ["all", *ends], [name]))
        made.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, channels, "h", "w"]))
        start += channels
    del model.graph.output[:]
    model.graph.output.extend(made)
    data = model.SerializeToString()
    given = {"name": "input", "shape": [1, 3, "H", "W"], "multiple": 32, "colour": "RGB"}
    making.write(
        place,
        data,
        task="face-detector",
        input={**given, "mean": [0.0] * 3, "scale": [1.0] * 3},
        output={"form": "centerface", "names": [value.name for value in made]},
        detector_sha256=None,
    )
    return hashlib.sha256(data).hexdigest()


def test_a_model_is_checked_and_copied_whole(tmp_path: Path) -> None:
    making.slot(tmp_path / "mine", "liveness", "live", LIVE)
    assert add(tmp_path / "mine", tmp_path / "models") == ["liveness"]
    assert ModelDirectory(tmp_path / "models").session("liveness") is not None
    assert {path.name for path in (tmp_path / "models" / "liveness").iterdir()} == {
        "net.onnx",
        "LICENCE.txt",
        "manifest.json",
    }
    assert (tmp_path / "models" / "liveness" / "net.onnx").stat().st_mode & 0o777 == 0o644


def test_adding_again_replaces_it(tmp_path: Path) -> None:
    making.slot(tmp_path / "mine", "liveness", "live", LIVE)
    add(tmp_path / "mine", tmp_path / "models")
    making.slot(tmp_path / "mine", "liveness", "live", making.constant("made", [[0.25]], [1, 1]), name="better")
    add(tmp_path / "mine", tmp_path / "models")
    assert ModelDirectory(tmp_path / "models").model("liveness").name == "better"
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == [".lock", "liveness"]


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"licence": {"spdx": "CC-BY-NC-4.0", "text": "LICENCE.txt"}}, r"CC-BY-NC-4\.0"),
        ({"origin": "built"}, '"origin": "operator"'),
        ({"threshold": 7.0}, "the threshold is one of its score"),
    ],
)
def test_a_model_that_is_not_in_order_is_refused_and_nothing_changes(
    tmp_path: Path, changes: dict[str, Any], cause: str
) -> None:
    making.slot(tmp_path / "mine", "liveness", "live", LIVE, **changes)
    with pytest.raises(ModelError, match=cause):
        add(tmp_path / "mine", tmp_path / "models")
    assert not (tmp_path / "models" / "liveness").exists()


def test_a_file_that_is_not_the_manifests_is_refused(tmp_path: Path) -> None:
    making.slot(tmp_path / "mine", "liveness", "live", LIVE)
    (tmp_path / "mine" / "net.onnx").write_bytes(LIVE + b" ")
    with pytest.raises(ModelError, match="SHA-256"):
        add(tmp_path / "mine", tmp_path / "models")


def test_one_bad_model_of_a_set_keeps_the_others_out(tmp_path: Path) -> None:
    making.slot(tmp_path / "mine" / "a", "liveness", "live", LIVE)
    boxes = making.constant("made", np.zeros((1, 5)), ["n", 5])
    making.slot(tmp_path / "mine" / "b", "plate-detector-western", "boxes", boxes)
    with pytest.raises(ModelError, match="plate-detector-western"):
        add(tmp_path / "mine", tmp_path / "models")
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == [".lock"]


def test_a_recogniser_and_its_detector_come_together(models: ModelDirectory, tmp_path: Path) -> None:
    directory = tmp_path / "models"
    for task in ("face-detector", "face-recogniser"):
        shutil.copytree(models.path / task, directory / task)
    sha256 = detector(tmp_path / "mine" / "detector")
    with pytest.raises(ModelError, match="would be without its detector"):
        add(tmp_path / "mine" / "detector", directory)
    making.write(tmp_path / "mine" / "recogniser", making.embedder(), detector_sha256=sha256)
    with pytest.raises(ModelError, match="would be without its detector"):
        add(tmp_path / "mine" / "recogniser", directory)
    assert add(tmp_path / "mine", directory) == ["face-detector", "face-recogniser"]
    assert ModelDirectory(directory).model("face-recogniser").name == "projections"


def test_a_directory_without_a_model_or_with_two_for_a_task_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no model.*manifest\.json"):
        add(tmp_path, tmp_path / "models")
    with pytest.raises(ModelError, match="it is no directory"):
        add(tmp_path / "none", tmp_path / "models")
    for name in ("a", "b"):
        making.slot(tmp_path / "mine" / name, "liveness", "live", LIVE)
    with pytest.raises(ModelError, match="two models for liveness"):
        add(tmp_path / "mine", tmp_path / "models")
