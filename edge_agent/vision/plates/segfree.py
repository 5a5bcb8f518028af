"""The network that reads a whole one-row plate at once, without cutting it into characters (hyperlpr2)."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from edge_agent.vision.image import Image
from edge_agent.vision.models.directory import ModelDirectory
from edge_agent.vision.models.tasks import Task
from edge_agent.vision.plates.slots import Slot, slots_of_ctc

SIZE: Final = (160, 40)
"""Width and height of the crop that it sees (hyperlpr2 2.0.0, segmentation_free_recognition)."""
SKIPPED: Final = 2
"""Steps at the left end that its own code leaves out: they see the frame, not a character."""


class PlateNetwork:
    """The model `plate-reader` of a model directory.

    Attributes:
        threshold: the confidence from which a plate needs no person, from its manifest; None when it says none.
    """

    def __init__(self, cv2: Any, directory: ModelDirectory, threads: int = 1) -> None:
        """Load it; ModelError where it is missing or not in order."""
        self._cv2 = cv2
        model = directory.model(Task.PLATE_READER)
        self.threshold = model.threshold
        self._labels = model.labels()
        self._input = model.manifest.input
        self._session = directory.session(Task.PLATE_READER, threads=threads)

    def read(self, flat: Image) -> tuple[Slot, ...]:
        """What stands at each place of a flat plate of one row."""
        crop = self._cv2.resize(flat, SIZE, interpolation=self._cv2.INTER_LINEAR)
        normal = (crop.astype(np.float32) - np.asarray(self._input.mean, np.float32)) * np.asarray(
            self._input.scale, np.float32
        )
        # it runs along the plate from top to bottom of its input
        blob = np.ascontiguousarray(normal.transpose(2, 1, 0)[None])
        output = self._session.run(None, {self._input.name: blob})[0]
        classes = output.shape[1]
        steps = output.reshape(classes, -1).T[SKIPPED:]
        return slots_of_ctc(steps, self._labels, classes - 1)
