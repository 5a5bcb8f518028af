"""What was read in pictures, made durable: pictures as evidence, readings for their lane or as records."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import numpy as np
import structlog

from edge_agent.app.lane import Input
from edge_agent.app.scans import EvidenceKeeper
from edge_agent.app.vision_sightings import Told
from edge_agent.config_video import VideoTable
from edge_agent.errors import EdgeAgentError, JournalError
from edge_agent.links.camera.frames import Picture
from edge_agent.model.moment import Moment
from edge_agent.model.readings import CharacterRead, EvidenceRef, PlateSeen
from edge_agent.model.vision_readings import ContainerSeen, FaceChecked, VisionReading
from edge_agent.model.vision_wire import vision_message
from edge_agent.model.wire import plate_message
from edge_agent.vision.characters import Character
from edge_agent.vision.containers.number import ContainerRead
from edge_agent.vision.extra import importing_vision
from edge_agent.vision.plates.read import PlateRead
from gate_contract.v1.reading_pb2 import Reading

LOG = structlog.get_logger()

RETRY_S = 0.5
CUT_OUT_QUALITY, VIEW_QUALITY = 92, 85
WRITTEN = (".jpg", ".jpeg", ".png")
MARGIN = 0.25  # of a cut-out around a box, of the box's height

T = TypeVar("T")


class Spool(Protocol):
    """The journal's inbox: `journal.spool.Spool`."""

    def keep(self, device_id: str, event_id: str, body: bytes) -> int | None:
        """The inbox id; None for a repetition; JournalError when the disk cannot take it."""
        ...


@dataclass(frozen=True, slots=True)
class VideoStores:
    """Where things are kept, and who is told.

    Attributes:
        spool: plates wait here for their passage.
        evidence: pictures.
        record: makes any other reading durable, for its lane or by itself; JournalError while the disk takes nothing.
        plate: device id and reading, to its lane.
    """

    spool: Spool
    evidence: EvidenceKeeper
    record: Callable[[Reading], None]
    plate: Callable[[str, Input], None]


class VideoKeeper:
    """Keeps what was read in one camera's pictures; waits while the disk takes nothing, until it is halted."""

    def __init__(self, table: VideoTable, stores: VideoStores, stop: threading.Event) -> None:
        self._table, self._stores, self._stop = table, stores, stop

    def plate(self, told: Told[PlateRead], models: Mapping[str, str]) -> PlateSeen | None:
        """A plate into its lane's inbox; None only when halted meanwhile. `models` are SHA-256 by task."""
        return self._until_kept(lambda: self._plate(told, models))

    def container(self, told: Told[ContainerRead]) -> ContainerSeen | None:
        """A container's number, kept; None only when halted meanwhile."""
        return self._until_kept(lambda: self._container(told))

    def face(self, checked: FaceChecked, picture: Picture | None, at: Moment) -> None:
        """A face check, kept; with a picture only where the lane's policy gave one."""
        self._until_kept(lambda: self._face(checked, picture, at))

    def reading(self, reading: VisionReading, at: Moment) -> None:
        """Any other reading, kept."""
        self._until_kept(lambda: self._record(reading, at))

    def _plate(self, told: Told[PlateRead], models: Mapping[str, str]) -> PlateSeen:
        read = told.read
        pictures = (
            self._picture(cut_out(told.best.image, told.best.read.box), CUT_OUT_QUALITY, "plate"),
            self._picture(told.best.image, VIEW_QUALITY, "vehicle"),
            self._stores.evidence.keep(_described(told, models), "application/json", "characters"),
        )
        seen = PlateSeen(
            device_id=self._table.id,
            at=told.best.at,
            text=read.text,
            confidence=round(read.confidence, 4),
            direction="",
            camera_lane="",
            device_time="",
            event_id=f"{told.first.wall}-{told.best.at.wall}-{read.text}",
            pictures=pictures,
            characters=_characters(read.characters),
        )
        inbox_id = self._stores.spool.keep(seen.device_id, seen.event_id, plate_message(seen).SerializeToString())
        if inbox_id is not None:
            self._stores.plate(seen.device_id, Input(seen, inbox_id))
        return seen

    def _container(self, told: Told[ContainerRead]) -> ContainerSeen:
        read = told.read
        seen = ContainerSeen(
            number=read.text,
            check_digit_ok=read.check_digit_ok,
            confidence=round(read.confidence, 4),
            unattended=read.unattended,
            size_type=read.size_type,
            layout=read.layout,
            views=told.frames,
            characters=_characters(read.characters),
            pictures=(
                self._picture(cut_out(told.best.image, told.best.read.box), CUT_OUT_QUALITY, "container"),
                self._picture(told.best.image, VIEW_QUALITY, "view"),
            ),
        )
        self._record(seen, told.best.at)
        return seen

    def _face(self, checked: FaceChecked, picture: Picture | None, at: Moment) -> None:
        if picture is not None:
            checked = replace(checked, pictures=(self._picture(picture, CUT_OUT_QUALITY, "face"),))
        self._record(checked, at)

    def _record(self, reading: VisionReading, at: Moment) -> None:
        self._stores.record(vision_message(self._table.id, self._table.lane or "", at, reading))

    def _picture(self, image: Picture, quality: int, role: str) -> EvidenceRef:
        return self._stores.evidence.keep(as_jpeg(image, quality), "image/jpeg", role)

    def _until_kept(self, keep: Callable[[], T]) -> T | None:
        told = False
        while True:
            try:
                return keep()
            except JournalError as error:
                if not told:
                    LOG.error("video.not_kept", device=self._table.id, problem=str(error))  # noqa: TRY400 - told in words
                told = True
                if self._stop.wait(RETRY_S):
                    return None


def _characters(characters: Iterable[Character]) -> tuple[CharacterRead, ...]:
    return tuple(CharacterRead(each.text, round(each.confidence, 4), each.alternatives) for each in characters)


def as_jpeg(image: Picture, quality: int) -> bytes:
    """A picture as a JPEG file."""
    return as_file(image, ".jpg", quality)


def as_file(image: Picture, suffix: str, quality: int) -> bytes:
    """A picture as a file of the kind that a suffix says; EdgeAgentError for one that is not written."""
    with importing_vision("Keeping pictures", "opencv-python"):
        import cv2  # noqa: PLC0415 - an extra; and it takes a tenth of a second
    if suffix.lower() not in WRITTEN:
        raise EdgeAgentError(f"No picture is written as {suffix!r}", fix=f"Use one of {', '.join(WRITTEN)}")
    flags = [] if suffix.lower() == ".png" else [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, encoded = cv2.imencode(suffix, image, flags)
    return encoded.tobytes()


def cut_out(image: Picture, box: tuple[int, int, int, int]) -> Picture:
    """The part of a picture in a box (x, y, width, height) with a margin; all of it where the box is outside."""
    left, top, width, height = box
    margin = round(MARGIN * height)
    rows = slice(max(0, top - margin), max(0, top + height + margin))
    columns = slice(max(0, left - margin), max(0, left + width + margin))
    part = image[rows, columns]
    return np.ascontiguousarray(part) if part.size else image


def _described(told: Told[PlateRead], models: Mapping[str, str]) -> bytes:
    """How sure each character is and what else it may have been, as JSON; for people and for later rules."""
    read = told.read
    shown: dict[str, Any] = {
        "plate": read.text,
        "confidence": round(read.confidence, 4),
        "kind": read.kind,
        "colour": read.colour,
        "grammar_ok": read.grammar_ok,
        "unattended": read.unattended,
        "frames": told.frames,
        "characters": [
            {
                "text": each.text,
                "confidence": round(each.confidence, 4),
                "alternatives": [[text, round(value, 4)] for text, value in each.alternatives],
            }
            for each in read.characters
        ],
        "models": dict(models),
    }
    return json.dumps(shown, ensure_ascii=False).encode()
