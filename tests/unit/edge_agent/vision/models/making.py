"""Small models of an operator, for tests: real ONNX files that keep, or break, a task's contract."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from edge_agent.vision.models.build.graph import Graph

LICENCE = b"Permission is granted to the tests of this repository.\n"


def embedder(numbers: int = 64, side: int = 112) -> bytes:
    """A recogniser: random projections of the picture, so that alike pictures have alike templates."""
    graph = Graph("embedder")
    weights = np.random.default_rng(7).normal(size=(3 * (side // 8) ** 2, numbers)).astype(np.float32)
    pooled = graph.add("AveragePool", ["input"], kernel_shape=(8, 8), strides=(8, 8))
    graph.add("MatMul", [graph.add("Flatten", [pooled]), graph.constant(weights)], output="embedding")
    return graph.serialise(("input", ["N", 3, side, side]), ("embedding", ["N", numbers]))


def constant(name: str, values: Any, made: list[int | str]) -> bytes:
    """A model whose output `name` is always the same."""
    graph = Graph("constant")
    nothing = graph.add("Mul", [graph.add("ReduceMean", ["input"], keepdims=0), graph.constant(np.float32(0))])
    graph.add("Add", [graph.constant(np.array(values, np.float32)), nothing], output=name)
    return graph.serialise(("input", [1, 3, 64, 64]), (name, made))


def write(place: Path, data: bytes, **changes: Any) -> dict[str, Any]:
    """Write a recogniser's directory, or another's by changing keys of its manifest; gives the manifest."""
    place.mkdir(parents=True, exist_ok=True)
    files = {"net.onnx": data, "LICENCE.txt": LICENCE}
    labels = changes.pop("label_names", None)
    if labels is not None:
        files["labels.json"] = json.dumps(labels).encode()
        changes["labels"] = "labels.json"
    manifest: dict[str, Any] = {
        "format": 1,
        "task": "face-recogniser",
        "name": "projections",
        "origin": "operator",
        "model": "net.onnx",
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        "licence": {"spdx": "MIT", "text": "LICENCE.txt"},
        "source": {"statement": "made by the tests"},
        "input": {
            "name": "input",
            "shape": ["N", 3, 112, 112],
            "colour": "RGB",
            "mean": [127.5, 127.5, 127.5],
            "scale": [1 / 127.5, 1 / 127.5, 1 / 127.5],
        },
        "output": {"form": "embedding", "names": ["embedding"]},
        "threshold": 0.5,
        "threshold_source": "made up for the tests",
        "detector_sha256": "0" * 64,
        **changes,
    }
    for name, content in files.items():
        (place / name).write_bytes(content)
    (place / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return manifest


def slot(place: Path, task: str, form: str, data: bytes, **changes: Any) -> dict[str, Any]:
    """Write the directory of a model for one of the slots without a default, of 64 x 64 pixels."""
    given = {"name": "input", "shape": [1, 3, 64, 64], "colour": "BGR", "mean": [0.0] * 3, "scale": [1 / 255] * 3}
    return write(
        place, data, task=task, input=given, output={"form": form, "names": ["made"]}, detector_sha256=None, **changes
    )
