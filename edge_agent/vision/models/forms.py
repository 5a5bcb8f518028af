"""What each form of output must look like: shapes and ranges; pure. Words for it: docs/vision/models.md."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from edge_agent.vision.models.directory import Model
from edge_agent.vision.models.tasks import Form

Values: TypeAlias = npt.NDArray[np.float32]
Size: TypeAlias = tuple[int, ...]

SHORTEST_TEMPLATE, LONGEST_TEMPLATE = 16, 4096
_NEAR_ONE = 1e-3  # room for float32 in probabilities that sum to 1


def form_problem(model: Model, size: Size, outputs: Sequence[Values]) -> str:
    """What is wrong with the outputs of one run on one picture; empty when they are as the form says.

    Args:
        model: whose outputs they are.
        size: height and width that went in.
        outputs: in the manifest's order.
    """
    return _FORMS[model.manifest.output.form](model, size, outputs)


def _shaped(made: Sequence[Values], *shapes: tuple[int | None, ...]) -> str:
    """What is wrong with the outputs' number and shapes; None stands for any size."""
    if len(made) != len(shapes):
        return f"{len(made)} outputs, not {len(shapes)}"
    for number, (values, shape) in enumerate(zip(made, shapes, strict=True), 1):
        fits = values.ndim == len(shape) and all(
            said in {None, real} for said, real in zip(shape, values.shape, strict=False)
        )
        if not fits:
            told = " x ".join("any" if said is None else str(said) for said in shape)
            return f"output {number} has the shape {' x '.join(map(str, values.shape))}, not {told}"
    return ""


def _probabilities(values: Values, axis: int, what: str) -> str:
    inside = bool(((values >= -_NEAR_ONE) & (values <= 1 + _NEAR_ONE)).all())
    sums = bool(np.allclose(values.sum(axis=axis), 1.0, atol=_NEAR_ONE))
    return "" if inside and sums else f"{what} are no probabilities that sum to 1"


def _from_0_to_1(values: Values, what: str) -> str:
    inside = bool(((values >= -_NEAR_ONE) & (values <= 1 + _NEAR_ONE)).all())
    return "" if inside else f"{what} are not between 0 and 1"


def _centerface(model: Model, size: Size, made: Sequence[Values]) -> str:
    rows, columns = size[0] // 4, size[1] // 4
    wrong = _shaped(made, *((1, channels, rows, columns) for channels in (1, 2, 2, 10)))
    return wrong or _from_0_to_1(made[0], f"the heat map's values ({model.manifest.output.names[0]})")


def _scrfd(model: Model, size: Size, made: Sequence[Values]) -> str:
    del model
    rows = [-(-size[0] // stride) * -(-size[1] // stride) * 2 for stride in (8, 16, 32)]
    flat = [values.reshape(-1, values.shape[-1]) for values in made if values.ndim]
    shapes: list[tuple[int | None, ...]] = [(count, width) for width in (1, 4, 10) for count in rows]
    return _shaped(flat, *shapes)


def _embedding(model: Model, size: Size, made: Sequence[Values]) -> str:
    del model, size
    wrong = _shaped(made, (1, None))
    if not wrong and not SHORTEST_TEMPLATE <= made[0].shape[1] <= LONGEST_TEMPLATE:
        wrong = f"a template of {made[0].shape[1]} numbers, not {SHORTEST_TEMPLATE} to {LONGEST_TEMPLATE}"
    if not wrong and not float(np.linalg.norm(made[0])):
        wrong = "a template of zeros"
    return wrong


def _priors(model: Model, size: Size, made: Sequence[Values]) -> str:
    del model
    count = sum(-(-size[0] // stride) * -(-size[1] // stride) * 2 for stride in (8, 16, 32))
    wrong = _shaped(made, (1, count, 4), (1, count, 2), (1, count, 8))
    return wrong or _probabilities(made[1], 2, "the scores")


def _sequence(model: Model, size: Size, made: Sequence[Values]) -> str:
    del size
    classes = len(model.labels())
    wrong = _shaped(made, (1, classes, None, None))
    return wrong or _probabilities(made[0], 1, "the characters' values")


def _text_map(model: Model, size: Size, made: Sequence[Values]) -> str:
    del model
    return _shaped(made, (1, 1, *size)) or _from_0_to_1(made[0], "the map's values")


def _text_sequence(model: Model, size: Size, made: Sequence[Values]) -> str:
    del size
    wrong = _shaped(made, (1, None, len(model.labels())))
    return wrong or _probabilities(made[0], 2, "the characters' values")


def _boxes(model: Model, size: Size, made: Sequence[Values]) -> str:
    del size
    wrong = _shaped(made, (None, 6))
    if not wrong and made[0].size:
        left, top, right, bottom, score, kind = made[0].T
        if not bool((left <= right).all() and (top <= bottom).all()):
            wrong = "a box ends before it begins"
        classes = len(model.labels()) or 1
        if not bool((kind == np.round(kind)).all() and (kind >= 0).all() and (kind < classes).all()):
            wrong = f"a class is none of 0 to {classes - 1}"
        wrong = wrong or _from_0_to_1(score, "the scores")
    return wrong


def _live(model: Model, size: Size, made: Sequence[Values]) -> str:
    del model, size
    wrong = f"{len(made)} outputs, not 1" if len(made) != 1 else ""
    wrong = wrong or (f"{made[0].size} numbers, not 1" if made[0].size != 1 else "")
    return wrong or _from_0_to_1(made[0], "its values")


_FORMS: dict[Form, Callable[[Model, Size, Sequence[Values]], str]] = {
    Form.CENTERFACE: _centerface,
    Form.SCRFD: _scrfd,
    Form.EMBEDDING: _embedding,
    Form.PRIORS: _priors,
    Form.SEQUENCE: _sequence,
    Form.TEXT_MAP: _text_map,
    Form.TEXT_SEQUENCE: _text_sequence,
    Form.BOXES: _boxes,
    Form.LIVE: _live,
}
