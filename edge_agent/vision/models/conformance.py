"""Does a model keep its task's documented contract? What `models check` and `models add` find out by running it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_agent.vision.extra import importing_vision
from edge_agent.vision.image import Image
from edge_agent.vision.models.build.probes import noise, shapes
from edge_agent.vision.models.contract import prepare
from edge_agent.vision.models.directory import Model, ModelError, Session, make_session
from edge_agent.vision.models.forms import form_problem
from edge_agent.vision.models.tasks import Form

Outputs = list[npt.NDArray[np.float32]]

_SIZES = ((320, 320), (192, 256))  # tried where height and width are free
_SAME = 1e-5
_SMALLEST_PICTURE = 64


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: what should hold, and what is wrong; empty when it holds."""

    what: str
    problem: str

    @property
    def ok(self) -> bool:
        """It holds."""
        return not self.problem


def check_model(model: Model) -> tuple[Check, ...]:
    """Everything that its contract says, in order; what cannot be tried after an earlier failure is left out."""
    checks: list[Check] = []
    try:
        data = {file: model.read(file) for file in model.manifest.files}
        checks.append(Check("every file is the one in the manifest", ""))
    except ModelError as error:
        return (Check("every file is the one in the manifest", str(error)),)
    checks.append(Check("the file holds all its weights and only standard operators", _self_contained(data, model)))
    if not checks[-1].ok:
        return tuple(checks)
    try:
        session = make_session(data[model.manifest.model], str(model.task))
    except ModelError as error:
        return (*checks, Check("onnxruntime loads it", str(error)))
    checks.append(Check("onnxruntime loads it", ""))
    checks.append(Check("inputs and outputs are the manifest's", "; ".join(_signature_problems(model, session))))
    if checks[-1].ok:
        checks.extend(_running(model, session))
    return tuple(checks)


def _self_contained(data: dict[str, bytes], model: Model) -> str:
    with importing_vision("Checking models", "onnx"):
        import onnx  # noqa: PLC0415 - an extra, and slow to import
    try:
        graph = onnx.load_model_from_string(data[model.manifest.model])
    except Exception as error:  # noqa: BLE001 - protobuf's DecodeError comes from one of several implementations
        return f"it is no ONNX file: {str(error).splitlines()[0]}"
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in graph.graph.initializer):
        return "weights are in another file; save them in the model"
    strange = sorted({opset.domain for opset in graph.opset_import} - {"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
    return f"operators of {', '.join(strange)} are not known to onnxruntime" if strange else ""


def _signature_problems(model: Model, session: Session) -> Iterator[str]:
    given, inputs = model.manifest.input, session.get_inputs()
    if [node.name for node in inputs] != [given.name]:
        yield f"the graph takes {', '.join(node.name for node in inputs)}, the manifest says {given.name}"
        return
    node = inputs[0]
    if node.type != "tensor(float)":
        yield f"{given.name} is a {node.type}, not a tensor(float)"
    if len(node.shape) != len(given.shape):
        yield f"{given.name} has {len(node.shape)} sizes, not {len(given.shape)}"
        return
    for said, real in zip(given.shape, node.shape, strict=True):
        if isinstance(real, int) and real > 0 and said != real:
            yield f"{given.name} has the size {real} where the manifest says {said}"
    if given.shape[0] != 1 and isinstance(given.shape[0], int):
        yield f"{given.name} takes {given.shape[0]} pictures at once; one, or any number, is needed"
    if model.manifest.output.form is Form.EMBEDDING and (isinstance(node.shape[0], int) or given.shape[0] == 1):
        yield f"{given.name} takes one picture; a recogniser takes any number, a face and its mirror image together"
    if given.shape[1] != len(given.mean):
        yield f"{given.name} has {given.shape[1]} channels, not {len(given.mean)}"
    made = [node.name for node in session.get_outputs()]
    missing = [name for name in model.manifest.output.names if name not in made]
    if missing:
        yield f"the graph has no output {', '.join(missing)}; it has {', '.join(made)}"


def _running(model: Model, session: Session) -> Iterator[Check]:
    """Run it on several pictures and sizes, twice each."""
    problems: dict[str, str] = {"it runs": "", "every output is a finite float32": "", "the same twice": ""}
    problems[f"outputs are as the form {model.manifest.output.form} says"] = ""
    form = list(problems)[-1]
    for name, image in _pictures().items():
        for size in _SIZES:
            blob = prepare(image, model.manifest.input, *size)
            try:
                once, again = (_run(model, session, blob) for _ in range(2))
            except Exception as error:  # noqa: BLE001 - onnxruntime's exceptions have no common base but Exception
                problems["it runs"] = f"{name}, {size[1]} x {size[0]}: {str(error).splitlines()[0]}"
                break
            if not all(made.dtype == np.float32 and np.isfinite(made).all() for made in once):
                problems["every output is a finite float32"] = f"not for {name}"
            if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(once, again, strict=True)):
                problems["the same twice"] = f"two runs on {name} differ"
            if found := form_problem(model, blob.shape[2:], once):
                problems[form] = f"{name}: {found}"
    yield from (Check(what, problem) for what, problem in problems.items())
    if model.manifest.output.form is Form.EMBEDDING and not any(problems.values()):
        yield from _embedding(model, session)
    if model.threshold is not None:
        lowest = -1.0 if model.manifest.output.form is Form.EMBEDDING else 0.0
        inside = lowest <= model.threshold <= 1.0
        yield Check("the threshold is one of its score", "" if inside else f"{model.threshold} is not {lowest:g} to 1")


def _embedding(model: Model, session: Session) -> Iterator[Check]:
    """A template follows the picture: the same is the same, nearly the same is nearer than another."""
    pictures = _pictures()
    templates = {name: _template(model, session, image) for name, image in pictures.items()}
    softer = _template(model, session, _softer(pictures["shapes"]))
    same = float(templates["shapes"] @ _template(model, session, pictures["shapes"]))
    yield Check(
        "the same picture twice has the similarity 1", "" if abs(same - 1) <= _SAME else f"its similarity is {same:.6f}"
    )
    near, far = float(templates["shapes"] @ softer), float(templates["shapes"] @ templates["noise"])
    yield Check(
        "a picture is more like itself, slightly blurred, than like noise",
        "" if near > far + _SAME else f"similarity {near:.4f} and {far:.4f}: are colour, mean and scale right?",
    )


def _template(model: Model, session: Session, image: Image) -> npt.NDArray[np.float64]:
    vector = _run(model, session, prepare(image, model.manifest.input))[0].reshape(-1).astype(np.float64)
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector


def _pictures() -> dict[str, Image]:
    side = _SMALLEST_PICTURE * 4
    return {
        "noise": noise(side, side),
        "shapes": shapes(side, side),
        "black": np.zeros((side, side, 3), np.uint8),
    }


def _softer(image: Image) -> Image:
    mixed = image.astype(np.uint16)
    mixed[1:-1, 1:-1] = (mixed[1:-1, 1:-1] * 2 + mixed[:-2, 1:-1] + mixed[2:, 1:-1]) // 4
    return mixed.astype(np.uint8)


def _run(model: Model, session: Session, blob: npt.NDArray[np.float32]) -> Outputs:
    made: list[Any] = session.run(list(model.manifest.output.names), {model.manifest.input.name: blob})
    return [np.asarray(values) for values in made]
