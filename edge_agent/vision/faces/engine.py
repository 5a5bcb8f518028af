"""insightface as the engine, with our own models: nothing is looked up, guessed by shape, or downloaded.

A bare FaceAnalysis() downloads its models, and `get_model(path)` guesses a model's task from its input's shape. So
neither is called: the subclass here is given its models, each with a session made from checked bytes.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_agent.vision.extra import importing_vision
from edge_agent.vision.faces.detector import CenterFace
from edge_agent.vision.faces.geometry import aligned_crop
from edge_agent.vision.image import Image
from edge_agent.vision.models.directory import Model, ModelDirectory, ModelError
from edge_agent.vision.models.tasks import Form, Task

_NOTHING = 1e-9  # a template of this length points nowhere


def face_detector(directory: ModelDirectory, threads: int, pixels: int) -> Any:
    """The directory's detector as FaceAnalysis takes one: CenterFace, or an operator's SCRFD through insightface."""
    model = directory.model(Task.FACE_DETECTOR)
    session = directory.session(Task.FACE_DETECTOR, threads)
    if model.manifest.output.form is Form.CENTERFACE:
        return CenterFace(session, model.manifest, pixels)
    return _scrfd(model, session, pixels)


def _scrfd(model: Model, session: Any, pixels: int) -> Any:
    contract = model.manifest.input
    if contract.colour != "RGB" or len(set(contract.mean)) > 1 or len(set(contract.scale)) > 1:
        raise ModelError(
            f"The model {model.task} ({model.name}) cannot be used",
            cause="an SCRFD detector takes RGB, with one mean and one scale for all channels",
            fix="Correct input.colour, input.mean and input.scale in its manifest",
        )
    # without the file's name it cannot load it again, unchecked, for another size of picture
    detector = _module("insightface.model_zoo.scrfd").SCRFD(session=session, static_shape_sessions=False)
    detector.output_names = list(model.manifest.output.names)
    detector.input_mean, detector.input_std = contract.mean[0], 1.0 / contract.scale[0]
    threshold = 0.5 if model.threshold is None else model.threshold
    side = max(32, round(pixels / 32) * 32)
    detector.prepare(0, input_size=(side, side), det_thresh=threshold)
    return detector


class Recogniser:
    """The directory's recogniser: an aligned crop and its mirror image -> one template, through insightface's ArcFace.

    A face and its mirror image are the same person's: their mean is steadier than either (docs/vision/faces.md).
    """

    taskname = "recognition"

    def __init__(self, directory: ModelDirectory, threads: int) -> None:
        self.model = directory.model(Task.FACE_RECOGNISER)
        contract = self.model.manifest.input
        kind = _module("insightface.model_zoo.arcface_onnx").ArcFaceONNX
        # its own __init__ reads the file again, unchecked, to guess from the first nodes' names what the manifest says
        self._arcface = kind.__new__(kind)
        self._arcface.session = directory.session(Task.FACE_RECOGNISER, threads)
        self._arcface.input_name, self._arcface.output_names = contract.name, list(self.model.manifest.output.names)
        self._arcface.input_mean = np.array(contract.mean, np.float32).reshape(1, 3, 1, 1)
        self._arcface.input_std = 1.0 / np.array(contract.scale, np.float32).reshape(1, 3, 1, 1)
        self._rgb = contract.colour == "RGB"
        self._size = self._input_size(contract.shape)
        self._one_at_a_time = contract.shape[0] == 1

    def prepare(self, ctx_id: int = -1, **_: Any) -> None:
        """FaceAnalysis calls it; there is nothing to prepare on a processor."""

    def get(self, img: Image, face: Any) -> npt.NDArray[np.float32]:
        """FaceAnalysis calls it for each face that was found."""
        face.embedding = self.template(img, face.kps)
        return np.asarray(face.embedding, np.float32)

    def template(self, img: Image, landmarks: object) -> npt.NDArray[np.float32]:
        """Of one face, float32 (D,), length 1; ModelError where the model gives none."""
        crop = aligned_crop(img, landmarks, self._size)
        pair = np.stack([crop, crop[:, ::-1]])
        if self._rgb:
            pair = pair[:, :, :, ::-1]
        batch = pair.transpose(0, 3, 1, 2).astype(np.float32)
        # some published networks (SFace) take one face at a time
        parts = [batch[:1], batch[1:]] if self._one_at_a_time else [batch]
        vectors = [np.asarray(self._arcface.forward(part), np.float64).reshape(len(part), -1) for part in parts]
        mean = np.concatenate(vectors).mean(axis=0)
        length = float(np.linalg.norm(mean))
        if not np.isfinite(length) or length < _NOTHING:
            raise ModelError(
                f"The model {self.model.task} ({self.model.name}) gave no template",
                cause="its output is zero or no number",
                fix="Check it with: edge-agent models check",
            )
        return np.asarray(mean / length, np.float32)

    def _input_size(self, shape: list[int | str]) -> int:
        high, wide = shape[2:]
        if high != wide or not isinstance(high, int) or (high % 112 and high % 128):
            raise ModelError(
                f"The model {self.model.task} ({self.model.name}) cannot be used",
                cause=f"its input is {high} x {wide}; ArcFace's alignment is for multiples of 112 or 128",
                fix="Correct input.shape in its manifest, or use another model",
            )
        return high


def face_analysis(detector: Any) -> Any:
    """FaceAnalysis of insightface over a detector that is there already; `get(image)` finds faces.

    Templates are made on demand by `Recogniser`, not for every face of every frame.
    """
    base = _module("insightface.app.face_analysis").FaceAnalysis
    # its own __init__, which looks for packages and downloads them, is not called
    given = type("GivenFaceAnalysis", (base,), {"__init__": lambda _: None})()
    given.models, given.det_model, given.addons = {"detection": detector}, detector, {}
    return given


def _module(name: str) -> Any:
    with importing_vision("Reading faces", "insightface"):
        return import_module(name)
