"""The closed table of what a model can be for, and each one's contract: docs/vision/models.md says it in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Task(StrEnum):
    """What one model is for; its directory has this name."""

    FACE_DETECTOR = "face-detector"
    FACE_RECOGNISER = "face-recogniser"
    PLATE_DETECTOR = "plate-detector"
    PLATE_READER = "plate-reader"
    TEXT_DETECTOR = "text-detector"
    TEXT_READER = "text-reader"
    PLATE_DETECTOR_WESTERN = "plate-detector-western"
    LIVENESS = "liveness"
    SEAL = "seal"
    DANGER_LABEL = "danger-label"


class Form(StrEnum):
    """How a model's outputs are to be understood.

    centerface: heat map, scale, offset and landmark maps at a quarter of the input (CenterFace, arXiv 1911.03599).
    scrfd: nine maps, scores, boxes and five landmarks at strides 8, 16 and 32, two anchors (InsightFace SCRFD).
    embedding: one vector a face.
    priors: boxes, scores and four corners relative to RetinaFace priors, strides 8, 16 and 32.
    sequence: probabilities of characters by position, (1, classes, 1, positions).
    text-map: probability of text, the input's size.
    text-sequence: probabilities of characters by position, (1, positions, classes).
    boxes: found things, (n, 6): left, top, right, bottom in input pixels, score 0..1, class; overlaps already removed.
    live: one probability 0..1 that the face is a living one before the camera.
    """

    CENTERFACE = "centerface"
    SCRFD = "scrfd"
    EMBEDDING = "embedding"
    PRIORS = "priors"
    SEQUENCE = "sequence"
    TEXT_MAP = "text-map"
    TEXT_SEQUENCE = "text-sequence"
    BOXES = "boxes"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Slot:
    """What fits one task.

    Attributes:
        title: for people.
        forms: the forms that the readers of this task understand.
        built: `models build` makes a default for it.
        needs_labels: its classes have names, in the manifest's labels file.
    """

    title: str
    forms: frozenset[Form]
    built: bool = False
    needs_labels: bool = False


SLOTS: dict[Task, Slot] = {
    Task.FACE_DETECTOR: Slot("finds faces", frozenset({Form.CENTERFACE, Form.SCRFD}), built=True),
    Task.FACE_RECOGNISER: Slot("makes a face's template", frozenset({Form.EMBEDDING}), built=True),
    Task.PLATE_DETECTOR: Slot("finds mainland plates", frozenset({Form.PRIORS, Form.BOXES}), built=True),
    Task.PLATE_READER: Slot("reads mainland plates", frozenset({Form.SEQUENCE}), built=True, needs_labels=True),
    Task.TEXT_DETECTOR: Slot("finds lines of text", frozenset({Form.TEXT_MAP}), built=True),
    Task.TEXT_READER: Slot("reads a line of text", frozenset({Form.TEXT_SEQUENCE}), built=True, needs_labels=True),
    Task.PLATE_DETECTOR_WESTERN: Slot("finds plates of other regions", frozenset({Form.BOXES})),
    Task.LIVENESS: Slot("tells a living face from a picture", frozenset({Form.LIVE})),
    Task.SEAL: Slot("finds container seals", frozenset({Form.BOXES}), needs_labels=True),
    Task.DANGER_LABEL: Slot("finds dangerous goods labels", frozenset({Form.BOXES}), needs_labels=True),
}
