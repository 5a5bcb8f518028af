"""Labelled images for a calibration: DIR/<identity>/<image>, and if wanted DIR/groups.csv with identity,group.

    DIR/
      groups.csv          identity,group   (a header line, then one line a person; optional)
      p001/a.jpg          two images or more of one person
      p001/b.jpg
      p002/a.png

Files that are no JPEG, PNG, BMP or WebP by their ending, and names that begin with a point, are passed over.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_agent.vision.faces.calibration import CalibrationError

ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
GROUPS = "groups.csv"
MOST_IMAGES = 5_000
"""More would need more memory for their comparisons than a gate machine has (about 1 GiB)."""

_LAYOUT = "See docs/vision/faces.md for the layout: DIR/<identity>/<image>, and DIR/groups.csv"


@dataclass(frozen=True, slots=True)
class Labelled:
    """One image and whose it is."""

    identity: str
    path: Path


def labelled_images(directory: Path) -> list[Labelled]:
    """All images, people and names in order; CalibrationError when there are none, or too many."""
    if not directory.is_dir():
        raise CalibrationError(f"{directory} is no directory of labelled images", fix=_LAYOUT)
    found = list(_images(directory))
    if not found:
        raise CalibrationError(
            f"{directory} has no labelled images", cause="no directory in it holds an image", fix=_LAYOUT
        )
    if len(found) > MOST_IMAGES:
        raise CalibrationError(
            f"{directory} has too many images", cause=f"{len(found)}, and at most {MOST_IMAGES} are compared"
        )
    return found


def _images(directory: Path) -> Iterator[Labelled]:
    for person in sorted(path for path in directory.iterdir() if path.is_dir() and not path.name.startswith(".")):
        for image in sorted(person.iterdir()):
            if image.suffix.lower() in ENDINGS and not image.name.startswith("."):
                yield Labelled(person.name, image)


def read_groups(directory: Path, identities: frozenset[str]) -> dict[str, str]:
    """Identity -> group, of groups.csv; empty without the file. CalibrationError names the line that is wrong."""
    path = directory / GROUPS
    if not path.exists():
        return {}
    try:
        rows = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CalibrationError(f"{path} cannot be read", cause=str(error), fix=_LAYOUT) from error
    if not rows or [name.strip().lower() for name in rows[0]] != ["identity", "group"]:
        raise CalibrationError(f"{path} is wrong", cause="its first line is not identity,group", fix=_LAYOUT)
    groups: dict[str, str] = {}
    for number, row in enumerate(rows[1:], start=2):
        if row:
            identity, group = _pair(path, number, row)
            if identity not in identities or identity in groups:
                what = "named twice" if identity in groups else f"not a directory of {directory}"
                raise CalibrationError(f"{path}, line {number} is wrong", cause=f"{identity} is {what}", fix=_LAYOUT)
            groups[identity] = group
    return groups


def _pair(path: Path, number: int, row: list[str]) -> tuple[str, str]:
    values = [value.strip() for value in row]
    if len(values) != len(("identity", "group")) or not all(values) or values[1] == "all":
        raise CalibrationError(
            f"{path}, line {number} is wrong",
            cause="it is not identity,group, both filled, or the group is called all, which everyone is in",
            fix=_LAYOUT,
        )
    return values[0], values[1]
