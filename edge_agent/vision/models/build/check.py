"""A conversion against the original network, on the spot: the build fails where they differ."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_agent.vision.models.build.probes import Picture, noise, shapes
from edge_agent.vision.models.directory import ModelError, Session

# Of any output value. Probabilities and embeddings here are of the order of 0.1; what decides differs by 0.01 and more.
TOLERANCE = 1e-4

Network = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
Prepare = Callable[[Picture], npt.NDArray[np.float64]]

_PROBES = {"noise": noise, "shapes": shapes}


@cache
def _originals() -> dict[str, Any]:
    text = (Path(__file__).parent / "original_outputs.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def engine(original: str) -> str:
    """Which engine computed the stored outputs of an original network."""
    return str(_originals()[original]["engine"])


def compare(
    what: str, session: Session, network: Network, prepare: Prepare, size: tuple[int, int], original: str = ""
) -> float:
    """Run both on a picture of noise and on one of shapes.

    Args:
        what: names the model in the error.
        session: of the converted network.
        network: computes the original with numpy, for one input with its batch.
        prepare: makes the input of a picture, float64, with its batch.
        size: of the picture, height and width.
        original: whose outputs in its own engine are compared too; "" where none are stored for this input.

    Returns:
        The largest difference of any output value.

    Raises:
        ModelError: it is larger than TOLERANCE.
    """
    worst = 0.0
    for name, probe in _PROBES.items():
        given = prepare(probe(*size))
        made = session.run(None, {session.get_inputs()[0].name: given.astype(np.float32)})[0].reshape(-1)
        expected = [network(given).reshape(-1)]
        if original:
            expected.append(np.array(_originals()[original]["outputs"][name]))
        for values in expected:
            difference = float(np.abs(made - values).max()) if made.shape == values.shape else np.inf
            worst = max(worst, difference if np.isfinite(difference) else np.inf)  # max() would lose a NaN
    if not worst <= TOLERANCE:
        raise ModelError(
            f"The model {what} was not made: its conversion is not the original network",
            cause=f"an output differs by {worst:.1e}, and at most {TOLERANCE:.0e} is allowed",
            fix="Report this, with the versions of numpy, onnx and onnxruntime",
        )
    return worst
