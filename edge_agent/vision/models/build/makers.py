"""From a package's files to a model's bytes, one function a kind; each is checked before it is handed over."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_agent.vision.models.build import caffe, caffe_onnx, dlib_file, dlib_onnx, forward
from edge_agent.vision.models.build.check import TOLERANCE, compare, engine
from edge_agent.vision.models.build.probes import Picture, noise
from edge_agent.vision.models.directory import ModelError, make_session
from edge_agent.vision.models.manifest import Conversion


@dataclass(frozen=True, slots=True)
class Made:
    """A model's bytes, its classes' names where it has some, and how it was converted, if it was."""

    model: bytes
    labels: tuple[str, ...] = ()
    conversion: Conversion | None = None


def copy(data: bytes) -> Made:
    """The file as it is."""
    return Made(data)


def pp_ocr_reader(data: bytes) -> Made:
    """The file as it is; its characters stand in its metadata, without CTC's blank before and the space behind them."""
    import onnx  # noqa: PLC0415 - of an extra, and slow to import

    kept = {entry.key: entry.value for entry in onnx.load_model_from_string(data).metadata_props}
    characters = kept["character"].split("\n")
    return Made(data, ("", *characters, " "))


def free_centerface(data: bytes) -> Made:
    """The same network for pictures of any size; the file as packaged is for ten of 32 x 32.

    Its weights are taken off the list of inputs, where an old exporter put them and where they hinder optimisation.
    """
    import onnx  # noqa: PLC0415 - of an extra, and slow to import

    model = onnx.load_model_from_string(data)
    graph = model.graph
    used = {name for node in graph.node for name in node.input}
    weights = {tensor.name for tensor in graph.initializer}
    _keep(graph.input, lambda given: given.name not in weights)
    _keep(graph.initializer, lambda tensor: tensor.name in used)
    graph.ClearField("value_info")
    for value, names in [*((given, "NHW") for given in graph.input), *((made, "Nhw") for made in graph.output)]:
        dimensions = value.type.tensor_type.shape.dim
        for index, name in zip((0, 2, 3), names, strict=True):
            dimensions[index].dim_param = name
    freed = model.SerializeToString(deterministic=True)
    picture = np.stack([noise(32, 32).transpose(2, 0, 1).astype(np.float32)] * 10)
    before = make_session(data, "face-detector").run(None, {"input.1": picture})
    after = make_session(freed, "face-detector").run(None, {"input.1": picture})
    differences = [float(np.abs(a - b).max()) for a, b in zip(before, after, strict=True)]
    worst = max(differences)
    if not all(difference <= TOLERANCE for difference in differences):  # a NaN is no small difference
        raise ModelError("The model face-detector was not made", cause=f"freeing its sizes changed it by {worst:.1e}")
    method = "sizes made free; unused weights, and weights listed as inputs, taken off the lists"
    return Made(freed, (), _conversion(method, "the packaged file in onnxruntime, at its own size", worst))


def _keep(repeated: Any, wanted: Callable[[Any], bool]) -> None:
    kept = [item for item in repeated if wanted(item)]
    del repeated[:]
    repeated.extend(kept)


def dlib_resnet(data: bytes) -> Made:
    """Dlib's network, with ArcFace's alignment in front."""
    layers = dlib_file.read_dlib(data)
    plain = make_session(dlib_onnx.convert(layers, aligned=False), "face-recogniser")
    worst = compare(
        "face-recogniser",
        plain,
        lambda given: forward.run_dlib(layers, given[0]),
        _planes,
        (150, 150),
        original="dlib",
    )
    model = dlib_onnx.convert(layers)
    aligned = compare(
        "face-recogniser",
        make_session(model, "face-recogniser"),
        lambda given: forward.run_dlib(layers, forward.chip_of_crop(given[0], layers[0].weights)),
        _planes,
        (112, 112),
    )
    method = "layers rebuilt from the file, affine layers folded; first nodes bring ArcFace's crop to dlib's chip"
    against = f"the file's layers computed with numpy in float64, and outputs of {engine('dlib')}"
    return Made(model, (), _conversion(method, against, max(worst, aligned)))


def caffe_plate_reader(prototxt: bytes, weights: bytes, table: bytes) -> Made:
    """The Caffe network, with its characters read from the package's table without running it."""
    shape, layers = caffe.read_caffe(prototxt.decode("utf-8"), weights)
    made = forward.run_caffe(layers, np.zeros(shape)).shape
    model = caffe_onnx.convert("hyperlpr2_segmentation_free", shape, layers, made)
    worst = compare(
        "plate-reader",
        make_session(model, "plate-reader"),
        lambda given: forward.run_caffe(layers, given),
        lambda picture: _planes(picture) / 255.0,
        (shape[2], shape[3]),
        original="hyperlpr2",
    )
    against = f"the file's layers computed with numpy in float64, and outputs of {engine('hyperlpr2')}"
    characters = _characters(table.decode("utf-8"))
    return Made(model, (*characters, ""), _conversion("layer by layer from Caffe", against, worst))


def _planes(picture: Picture) -> npt.NDArray[np.float64]:
    return picture.transpose(2, 0, 1)[None].astype(np.float64)


def _characters(table: str) -> tuple[str, ...]:
    """The list `chars` of the package's table, by its syntax tree: the package's code is not run."""
    for node in ast.parse(table).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "chars":
            return tuple(ast.literal_eval(node.value))
    raise ModelError("The model plate-reader was not made", cause="its table of characters is not in the package")


def _conversion(method: str, against: str, worst: float) -> Conversion:
    # two digits: the rest depends on the machine's arithmetic, and the manifest is to be the same everywhere it can
    return Conversion(
        method=method, checked_against=against, largest_difference=float(f"{worst:.1e}"), tolerance=TOLERANCE
    )
