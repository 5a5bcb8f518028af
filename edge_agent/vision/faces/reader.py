"""Pictures -> faces, their quality and their templates: the directory's face models joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from edge_agent.vision.faces.engine import Recogniser, face_analysis, face_detector
from edge_agent.vision.faces.geometry import as_points, eye_distance
from edge_agent.vision.faces.matching import Match, Template, decided, no_match
from edge_agent.vision.faces.quality import Quality, judge
from edge_agent.vision.image import Image
from edge_agent.vision.models.directory import ModelDirectory

PIXELS = 480
"""The longer side of a picture as the detector sees it."""

LARGER = 2
"""A picture in which no face was found is looked at again so much larger, in case the faces are small."""

MOST_COMPARED = 10
"""The largest faces of a picture that `match_images` compares; a crowd is no portrait."""

_Plain: TypeAlias = tuple[tuple[int, int, int, int], tuple[tuple[float, float], ...], float]
"""Box, landmarks and score of a face, as plain numbers."""

_EDGE = 0.03  # of a face's size: nearer to the picture's edge than this, the face is looked at again with a border
_BORDER = 0.25  # of the picture's longer side
_LEAST_EYES = 4.0  # pixels: below, a face is nothing but noise


@dataclass(frozen=True, slots=True)
class Face:
    """One face in one picture.

    Attributes:
        box: x, y, width, height in pixels, within the picture.
        landmarks: eye, eye, nose tip, mouth corner, mouth corner as (x, y), from the picture's left.
        score: the detector's, 0..1.
        quality: how good it is for recognition, and what the traveller should do.
    """

    box: tuple[int, int, int, int]
    landmarks: tuple[tuple[float, float], ...]
    score: float
    quality: Quality

    @property
    def eyes(self) -> float:
        """Pixels between the eyes."""
        return eye_distance(self.landmarks)


class FaceReader:
    """Finds faces and makes templates; may be used by several threads at once.

    Args:
        directory: holds face-detector and face-recogniser.
        threads: that one network may use.
        pixels: the longer side of a picture as the detector sees it.

    Raises:
        ModelError: a model is missing, was changed, or does not keep to its manifest.
        ConfigError: the extra `vision` is not installed.
    """

    def __init__(self, directory: ModelDirectory, threads: int = 1, pixels: int = PIXELS) -> None:
        self._pixels = pixels
        self._analysis = face_analysis(face_detector(directory, threads, pixels))
        self._larger = face_analysis(face_detector(directory, threads, pixels * LARGER))
        self._recogniser = Recogniser(directory, threads)
        model = self._recogniser.model
        self.model_name: str = model.name
        self.model_sha256: str = model.sha256
        self.threshold: float = _threshold(model.threshold)

    def find(self, image: Image, *, thorough: bool = True) -> list[Face]:
        """The faces in a picture, largest first; none is no error.

        Args:
            image: blue green red.
            thorough: look again, larger, where no face was found, and with a border where one touches the edge. For
                single pictures, not for a camera's frames: the next comes soon, and an empty lane must cost little.
        """
        found = self._detect(image, thorough=thorough)
        marks = [landmarks for _, landmarks, _ in found]
        faces = [
            Face(box, landmarks, score, judge(image, landmarks, marks[:place] + marks[place + 1 :]))
            for place, (box, landmarks, score) in enumerate(found)
        ]
        return sorted(faces, key=lambda face: face.eyes, reverse=True)

    def template(self, image: Image, face: Face) -> Template:
        """Of a face that `find` found in this picture: float32 (D,), length 1."""
        return self._recogniser.template(image, np.asarray(face.landmarks, np.float64))

    def match_images(self, probe: Image, reference: Image, threshold: float | None = None) -> Match:
        """Whether somebody is in both pictures: the likest of their faces; without one in either, nothing is the same.

        For looking at pictures. A lane compares one traveller with one document: `edge_agent.vision.faces.lane`.
        """
        threshold = self.threshold if threshold is None else threshold
        sides = []
        for image, which in ((probe, "first"), (reference, "second")):
            faces = self.find(image)[:MOST_COMPARED]
            if not faces:
                return no_match(threshold, f"no face was found in the {which} picture")
            sides.append(np.stack([self.template(image, face) for face in faces]))
        found = decided(float((sides[0] @ sides[1].T).max()), threshold)
        if len(sides[0]) * len(sides[1]) == 1:
            return found
        return replace(found, reason=f"{found.reason}; the likest of {len(sides[0])} and {len(sides[1])} faces")

    def _detect(self, image: Image, *, thorough: bool) -> list[_Plain]:
        height, width = image.shape[:2]
        found = self._analysis.get(image)
        if thorough and not found and max(height, width) > self._pixels:
            found = self._larger.get(image)
        if thorough and any(_at_the_edge(face, width, height) for face in found):
            found = self._with_border(image) or found
        return [kept for face in found if (kept := _kept(face, width, height)) is not None]

    def _with_border(self, image: Image) -> list[Any]:
        """A face cut by the picture's edge is found more exactly with black around it, as in a tight portrait."""
        height, width = image.shape[:2]
        border = round(max(height, width) * _BORDER)
        larger = np.zeros((height + 2 * border, width + 2 * border, 3), np.uint8)
        larger[border : border + height, border : border + width] = image
        found: list[Any] = self._analysis.get(larger)
        for face in found:
            face.bbox = face.bbox - border
            face.kps = face.kps - border
        return found


def largest(faces: Sequence[Face]) -> Face | None:
    """The face that is nearest to the camera; None without any."""
    return max(faces, key=lambda face: face.eyes, default=None)


def _at_the_edge(face: Any, width: int, height: int) -> bool:
    left, top, right, bottom = (float(value) for value in face.bbox[:4])
    edge = _EDGE * max(right - left, bottom - top)
    return left < edge or top < edge or right > width - edge or bottom > height - edge


def _kept(face: Any, width: int, height: int) -> _Plain | None:
    """Box within the picture, landmarks and score as plain numbers; None for what cannot be a face in it."""
    try:
        points = as_points(face.kps)
    except ValueError:
        return None
    inside = (points >= 0).all(axis=1) & (points[:, 0] < width) & (points[:, 1] < height)
    if eye_distance(points) < _LEAST_EYES or not inside[:2].any():
        return None
    left, right = (min(width, max(0, round(float(face.bbox[at])))) for at in (0, 2))
    top, bottom = (min(height, max(0, round(float(face.bbox[at])))) for at in (1, 3))
    landmarks = tuple((round(float(x), 2), round(float(y), 2)) for x, y in points)
    return (left, top, right - left, bottom - top), landmarks, round(float(face.det_score), 4)


def _threshold(value: float | None) -> float:
    if value is None:  # the manifest of a recogniser always has one: directory.model refuses it otherwise
        raise ValueError("a face recogniser has a threshold")
    return value
