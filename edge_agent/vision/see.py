"""The readers joined for `edge-agent see`: a picture in, plain values out, in the form that it prints."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, TypeAlias

from edge_agent.vision.characters import Character
from edge_agent.vision.extra import importing_vision
from edge_agent.vision.image import Image
from edge_agent.vision.models.directory import ModelDirectory
from edge_agent.vision.models.tasks import Task

Subject: TypeAlias = Literal["plate", "face", "container", "seal", "danger-label"]
Row: TypeAlias = dict[str, Any]
Eye: TypeAlias = Callable[[Image], list[Row]]

KEYS: dict[Subject, str] = {
    "plate": "plates",
    "face": "faces",
    "container": "containers",
    "seal": "seals",
    "danger-label": "labels",
}
"""Under which key of the printed object each subject's rows stand."""

DIGITS = 6  # of a printed number after the point


def eye(subject: Subject, directory: ModelDirectory, threads: int = 1) -> Eye:
    """What finds one kind of thing in a picture, with its models loaded.

    Returns:
        A function from a picture to one plain row a thing found; none found is an empty list.

    Raises:
        ModelError: a model is missing or refused.
        ConfigError: the extra `vision` is not installed.
    """
    makers: dict[Subject, Callable[[ModelDirectory, int], Eye]] = {
        "plate": _plates,
        "face": _faces,
        "container": _containers,
        "seal": partial(_labels, Task.SEAL),
        "danger-label": partial(_labels, Task.DANGER_LABEL),
    }
    return makers[subject](directory, threads)


def compare(first: Image, second: Image, directory: ModelDirectory, threads: int = 1) -> Row:
    """Whether the same person is in both pictures; of several faces the likest two count.

    Returns:
        score (cosine, or None when a picture has no face), threshold, same, reason.

    Raises:
        ModelError, ConfigError: as `eye` does.
    """
    with importing_vision("Comparing faces", "numpy"):
        from edge_agent.vision.faces.reader import FaceReader  # noqa: PLC0415 - loads models' libraries

    match = FaceReader(directory, threads).match_images(first, second)
    return {
        "score": number(match.score),
        "threshold": number(match.threshold),
        "same": bool(match.same),
        "reason": match.reason,
    }


def _plates(directory: ModelDirectory, threads: int) -> Eye:
    with importing_vision("Reading plates", "numpy"):
        from edge_agent.vision.plates.reader import PlateReader  # noqa: PLC0415 - loads models' libraries

    reader = PlateReader(directory, threads)

    def look(image: Image) -> list[Row]:
        return [
            {
                "text": read.text,
                "confidence": number(read.confidence),
                "characters": [_character(character) for character in read.characters],
                "box": _box(read.box),
                "kind": read.kind,
                "grammar_ok": bool(read.grammar_ok),
            }
            for read in reader.read(image)
        ]

    return look


def _faces(directory: ModelDirectory, threads: int) -> Eye:
    with importing_vision("Finding faces", "numpy"):
        from edge_agent.vision.faces.reader import FaceReader  # noqa: PLC0415 - loads models' libraries

    reader = FaceReader(directory, threads)

    def look(image: Image) -> list[Row]:
        return [
            {
                "box": _box(face.box),
                "quality": face.quality.as_json(),
                "landmarks": [[number(x), number(y)] for x, y in face.landmarks],
            }
            for face in reader.find(image)
        ]

    return look


def _containers(directory: ModelDirectory, threads: int) -> Eye:
    with importing_vision("Reading container numbers", "numpy"):
        from edge_agent.vision.containers.reader import ContainerReader  # noqa: PLC0415 - loads models' libraries

    reader = ContainerReader(directory, threads)

    def look(image: Image) -> list[Row]:
        return [
            {
                "text": read.text,
                "check_digit_ok": bool(read.check_digit_ok),
                "confidence": number(read.confidence),
                "box": _box(read.box),
            }
            for read in reader.read(image)
        ]

    return look


def _labels(task: Literal[Task.SEAL, Task.DANGER_LABEL], directory: ModelDirectory, threads: int) -> Eye:
    with importing_vision("Finding seals and labels", "numpy"):
        from edge_agent.vision.labels.finder import LabelFinder  # noqa: PLC0415 - loads models' libraries

    finder = LabelFinder(directory, task, threads)

    def look(image: Image) -> list[Row]:
        return [{"name": spot.name, "score": number(spot.score), "box": _box(spot.box)} for spot in finder.find(image)]

    return look


def number(value: float | None) -> float | None:
    """A number as JSON has it: plain, of at most DIGITS digits after the point; None for none and for no finite one."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), DIGITS)


def _box(box: tuple[int, int, int, int]) -> list[int]:
    return [int(value) for value in box]


def _character(character: Character) -> Row:
    return {
        "text": character.text,
        "confidence": number(character.confidence),
        "alternatives": [[text, number(confidence)] for text, confidence in character.alternatives],
    }
