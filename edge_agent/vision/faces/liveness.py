"""The slot for a liveness model: none ships, and without one every record says "not checked".

The contract is that of insightface's own liveness models: the face aligned by its five landmarks to a square picture in
which the eyes are a fifth of the side apart, and one probability of life comes out (the form "live").
"""

from __future__ import annotations

import numpy as np

from edge_agent.vision.faces.check import Liveness
from edge_agent.vision.faces.geometry import similarity, warped
from edge_agent.vision.faces.reader import Face
from edge_agent.vision.image import Image
from edge_agent.vision.models.directory import ModelDirectory, ModelError
from edge_agent.vision.models.tasks import Task

# insightface.addons.liveness.DESTINATION_LANDMARKS, for a picture of 80 x 80
_POINTS = np.array([[32.03, 38.06], [47.89, 37.98], [40.01, 47.08], [33.50, 56.36], [46.63, 56.29]])
_SIDE = 80
_DEFAULT_THRESHOLD = 0.8


class LivenessModel:
    """An operator's model that tells a living face from a picture of one; ModelError when it breaks its contract."""

    def __init__(self, directory: ModelDirectory, threads: int = 1) -> None:
        model = directory.model(Task.LIVENESS)
        contract = model.manifest.input
        high, wide = contract.shape[2:]
        if high != wide or not isinstance(high, int):
            raise ModelError(
                f"The model {model.task} ({model.name}) cannot be used",
                cause=f"its input is {high} x {wide}; a liveness model takes a square of a fixed size",
                fix="Correct input.shape in its manifest, or use another model",
            )
        self.sha256 = model.sha256
        self.threshold = _DEFAULT_THRESHOLD if model.threshold is None else model.threshold
        self._contract, self._size, self._name = contract, high, model.name
        self._outputs = list(model.manifest.output.names)
        self._session = directory.session(Task.LIVENESS, threads)

    def check(self, image: Image, face: Face) -> Liveness:
        """LIVE or ATTACK_SUSPECTED for one face of one picture; never anything without having looked."""
        crop = warped(image, similarity(face.landmarks, _POINTS * (self._size / _SIDE)), self._size)
        ordered = crop[:, :, ::-1] if self._contract.colour == "RGB" else crop
        values = (ordered - np.array(self._contract.mean, np.float32)) * np.array(self._contract.scale, np.float32)
        blob = np.ascontiguousarray(values.transpose(2, 0, 1)[None], np.float32)
        given = np.asarray(self._session.run(self._outputs, {self._contract.name: blob})[0], np.float64).ravel()
        if given.size != 1 or not 0.0 <= float(given[0]) <= 1.0:
            raise ModelError(
                f"The model {Task.LIVENESS} ({self._name}) breaks its contract",
                cause=f"it gave {given[:4].tolist()} and not one probability",
                fix="Check it with: edge-agent models check",
            )
        return Liveness.LIVE if float(given[0]) >= self.threshold else Liveness.ATTACK_SUSPECTED


def liveness_model(directory: ModelDirectory, threads: int = 1) -> LivenessModel | None:
    """The directory's liveness model; None where the slot is empty, which is the default."""
    return LivenessModel(directory, threads) if directory.has(Task.LIVENESS) else None
