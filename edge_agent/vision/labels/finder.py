"""What an operator's model of the slot `seal` or `danger-label` finds in a picture. docs/vision/containers.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from edge_agent.vision.image import Image
from edge_agent.vision.models import ModelDirectory, ModelError
from edge_agent.vision.models.contract import prepare
from edge_agent.vision.models.tasks import Task

SIDE = 640  # pixels of the input, where the model leaves its size free
THRESHOLD = 0.5  # where the model's manifest says none
MOST_SPOTS = 100
COLUMNS = 6  # left, top, right, bottom, score, class


@dataclass(frozen=True, slots=True)
class Spot:
    """One seal or label.

    Attributes:
        name: its class as the model's labels file names it, such as "bolt seal" or "3".
        score: the model's own, 0..1.
        box: x, y, width, height in the picture's pixels, inside the picture.
    """

    name: str
    score: float
    box: tuple[int, int, int, int]


class LabelFinder:
    """Finds what the model of one slot was made to find.

    The model is the operator's: how well it sees is the operator's to know. A seal that is not found is not an absent
    seal, and no rule may take it for one.
    """

    def __init__(
        self, directory: ModelDirectory, task: Literal[Task.SEAL, Task.DANGER_LABEL], threads: int = 1
    ) -> None:
        """Load the slot's model; ModelError where the directory has none."""
        model = directory.model(task)
        self._task, self._input, self._output = task, model.manifest.input, model.manifest.output.names[0]
        self._threshold = THRESHOLD if model.threshold is None else model.threshold
        self._labels = model.labels()
        self._session = directory.session(task, threads=threads)

    def find(self, image: Image) -> list[Spot]:
        """The spots at or above the model's threshold, the surest first, MOST_SPOTS at most.

        Args:
            image: uint8 (height, width, 3), blue green red.

        Raises:
            ModelError: the model gave something that its slot's form `boxes` does not allow.
        """
        blob = prepare(image, self._input, SIDE, SIDE)
        rows: npt.NDArray[np.float32] = self._session.run([self._output], {self._input.name: blob})[0]
        if rows.ndim != 2 or rows.shape[1] != COLUMNS:  # noqa: PLR2004 - a table
            raise ModelError(
                f"The model {self._task} does not keep its contract",
                cause=f"it gives {rows.shape}, not (n, {COLUMNS})",
                fix="Try it with: edge-agent models check",
            )
        height, width = image.shape[:2]
        scale = np.array([width / blob.shape[3], height / blob.shape[2]] * 2, np.float32)
        good = rows[np.isfinite(rows).all(axis=1) & (rows[:, 4] >= self._threshold)]
        likely = good[np.argsort(-good[:, 4], kind="stable")][:MOST_SPOTS]
        spots = (self._spot(row, row[:4] * scale, (width, height)) for row in likely)
        return [spot for spot in spots if spot.box[2] > 0 and spot.box[3] > 0]

    def _spot(self, row: npt.NDArray[np.float32], corners: npt.NDArray[np.float32], limit: tuple[int, int]) -> Spot:
        number = int(row[5])
        if not 0 <= number < len(self._labels):
            raise ModelError(
                f"The model {self._task} does not keep its contract",
                cause=f"it gives the class {number}, and its labels file names {len(self._labels)}",
                fix="Give it a labels file with a name for every class",
            )
        left, right = (round(float(value)) for value in np.clip(corners[[0, 2]], 0, limit[0]))
        top, bottom = (round(float(value)) for value in np.clip(corners[[1, 3]], 0, limit[1]))
        return Spot(self._labels[number], min(1.0, float(row[4])), (left, top, right - left, bottom - top))
