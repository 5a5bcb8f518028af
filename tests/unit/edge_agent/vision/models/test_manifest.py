import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from edge_agent.vision.models.manifest import Manifest, manifest_problem

SHA = "a" * 64


def manifest(**changes: Any) -> str:
    whole: dict[str, Any] = {
        "format": 1,
        "task": "plate-detector-western",
        "name": "wpod",
        "origin": "operator",
        "model": "model.onnx",
        "files": {"model.onnx": SHA, "LICENCE": SHA},
        "licence": {"spdx": "MIT", "text": "LICENCE"},
        "source": {"statement": "bought from nobody"},
        "input": {"name": "x", "shape": [1, 3, "H", "W"], "colour": "BGR", "mean": [0.0] * 3, "scale": [1.0] * 3},
        "output": {"form": "boxes", "names": ["found"]},
        **changes,
    }
    return json.dumps({key: value for key, value in whole.items() if value is not ...})


def problem(**changes: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Manifest.model_validate_json(manifest(**changes))
    return manifest_problem(caught.value)


def test_a_manifest_that_says_everything_is_taken() -> None:
    read = Manifest.model_validate_json(manifest())
    assert read.sha256 == SHA
    assert Manifest.model_validate_json(read.model_dump_json(exclude_defaults=True)) == read


def test_what_is_wrong_is_named_by_its_key() -> None:
    assert problem(treshold=0.5).startswith("treshold: ")
    assert problem(task="plates").startswith("task: ")
    assert problem(licence=...).startswith("licence: ")
    assert problem(format=2).startswith("format: ")
    assert "no SHA-256" in problem(files={"model.onnx": "abc", "LICENCE": SHA})
    assert problem(input={"name": "x"}).startswith("input.")


@pytest.mark.parametrize("name", ["../model.onnx", "/etc/passwd", "a/b", ".hidden", "manifest.json", "", "x" * 101])
def test_a_file_is_one_beside_the_manifest_and_nowhere_else(name: str) -> None:
    assert "is no name of a file beside the manifest" in problem(files={"model.onnx": SHA, "LICENCE": SHA, name: SHA})


def test_parts_that_do_not_belong_together_are_refused() -> None:
    assert "other.onnx is not among the files" in problem(model="other.onnx")
    assert "takes the forms boxes, not embedding" in problem(output={"form": "embedding", "names": ["x"]})
    assert "threshold and threshold_source belong together" in problem(threshold=0.5)
    assert "needs labels" in problem(task="seal")
    assert "package, version and files, or a statement" in problem(source={"package": "x"})


def test_a_recogniser_says_its_threshold_and_its_detector() -> None:
    form = {"form": "embedding", "names": ["x"]}
    assert "the detector it holds with" in problem(task="face-recogniser", output=form)


def test_every_manifest_of_the_manual_is_one() -> None:
    manual = Path(__file__).parents[5] / "docs" / "vision" / "models.md"
    blocks = [part.partition("```")[0] for part in manual.read_text(encoding="utf-8").split("```json\n")[1:]]
    whole = [block for block in blocks if '"format"' in block]
    assert whole
    for block in whole:
        Manifest.model_validate_json(block)
