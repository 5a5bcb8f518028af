"""What a camera's document says, by its profile: vehicles, signs of life, and the rest. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache

from edge_agent.drivers.plate.capture_time import CameraClock, capture_time
from edge_agent.drivers.plate.events import Event, Heartbeat, InlinePicture, OtherEvent, Unreadable, VehicleEvent
from edge_agent.drivers.plate.fields import FieldFinder, Fields
from edge_agent.drivers.plate.forms import Forms
from edge_agent.drivers.plate.parts import Document
from edge_agent.drivers.plate.paths import like
from edge_agent.drivers.plate.plate_text import MAX_PLATE_CHARS, normal_plate
from edge_agent.drivers.plate.schema import PlateProfile, Scale
from edge_agent.drivers.plate.tree import TreeError

ONES = 10  # texts of Fields that every profile has, before the lists
MAX_TEXT_CHARS = 256  # of a field that is taken; real ones have up to 64

_NUMBER = re.compile(r"(\d{1,3})(?:[.,](\d{1,18}))?")
_NOTHING = frozenset({"", "unknown", "unknow", "none", "null", "undefined"})
_MAGIC = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png"}
_TOP: dict[Scale, int] = {"fraction": 1, "percent": 100, "byte": 255, "percent-or-fraction": 100}
_BYTE_PLACES = Decimal("0.0001")  # a 255th part has no exact decimal; finer than the camera's own steps


class EventReader:
    """Reads the documents of one model of camera."""

    def __init__(self, profile: PlateProfile, clock: CameraClock | None = None) -> None:
        """`clock` is what the site knows of this camera's; None: nothing."""
        self._clock = clock or CameraClock()
        self._forms = Forms(FieldFinder(profile))
        facts = profile.events
        self._untyped = facts.untyped
        self._over = frozenset(state.lower() for state in facts.over)
        self._ignored = frozenset(state.lower() for state in facts.ignored)
        self._heartbeats = tuple((like(sign.type), like(sign.state)) for sign in facts.heartbeats)
        self._plates = tuple(like(each) for each in facts.plates)
        self._nothing = frozenset(word.upper() for word in profile.plate.nothing)
        self._scales = tuple(each.scale for each in profile.confidence)
        self._words = {k.lower(): v for k, v in profile.direction.words.items()} if profile.direction else {}
        self._lane_is_number = profile.lane is not None and profile.lane.number
        self._times = tuple((bool(each.clock), each.form, each.zone == "utc") for each in profile.time)
        self._first_time = ONES + len(self._scales)
        self._first_name = self._first_time + 2 * len(self._times)
        self._pictures = tuple(each.role for each in profile.picture)
        self._verdict = lru_cache(maxsize=64)(self._find_verdict)

    def read(self, document: Document) -> tuple[Event, ...]:
        """The document's events; never raises."""
        if document.form == "word":
            return (Heartbeat(),)
        try:
            found = self._forms.find(document)
        except TreeError as error:
            return (Unreadable(str(error), document.raw),)
        return tuple([self._read(fields, document.raw) for fields in found])

    def _read(self, fields: Fields | None, raw: bytes) -> Event:
        if fields is None:
            return Unreadable("The document has no fields", raw)
        try:
            return self._event(fields, raw)
        except TreeError as error:  # one that is unreadable does not take the others with it
            return Unreadable(str(error), raw)

    def _event(self, fields: Fields, raw: bytes) -> Event:
        kind, state, written = fields.texts[:3]
        if is_long := max(map(len, fields.texts)) > MAX_TEXT_CHARS:  # one of them, be it one that is taken or not
            _bounded(kind, state, written)
        verdict = self._verdict(kind, state)
        if verdict == "heartbeat":
            return Heartbeat(self._time(fields.texts)[0])
        if verdict != "ignored" and (written or verdict == "plate" or (verdict != "over" and fields.marked)):
            return self._vehicle(fields, is_long=is_long)
        if not kind and not self._untyped:
            root = fields.root
            return Unreadable(f"{f'<{root}>' if root else 'The document'} has no type of event and no plate", raw)
        return OtherEvent(kind, state, self._time(fields.texts)[0])

    def _find_verdict(self, kind: str, state: str) -> str:
        if any(type_is(kind) and state_is(state) for type_is, state_is in self._heartbeats):
            return "heartbeat"
        if state.lower() in self._ignored:
            return "ignored"
        if state.lower() in self._over:
            return "over"
        return "plate" if any(is_plates(kind) for is_plates in self._plates) else "other"

    def _vehicle(self, fields: Fields, *, is_long: bool) -> VehicleEvent:
        texts = fields.texts
        kind, _, written, direction, lane, camera, channel, cursor, track, track_state = texts[:ONES]
        plate = None if written.upper() in self._nothing else normal_plate(written)
        if plate and len(plate) > MAX_PLATE_CHARS:
            raise TreeError(f"The plate has {len(plate)} characters, more than {MAX_PLATE_CHARS}")
        time, time_written = self._time(texts)
        names = tuple(filter(None, texts[self._first_name :]))
        if is_long:
            _bounded(direction, lane, camera, channel, *names, cursor, track, track_state)
        return VehicleEvent(  # in its fields' order: with their names it would take three times as long
            kind,
            plate,
            written,
            self._confidence_of(texts),
            self._direction_of(direction),
            self._lane_of(lane),
            time,
            time_written,
            camera.lower(),
            channel,
            names,
            cursor,
            track,
            track_state.lower(),
            tuple(self._inline(fields.pictures)) if fields.pictures else (),
        )

    def _confidence_of(self, texts: tuple[str, ...]) -> Decimal | None:
        for at, scale in enumerate(self._scales, ONES):
            text = texts[at]
            if len(text) > MAX_TEXT_CHARS:
                _bounded(text)
            if text and (value := confidence(text, scale)) is not None:
                return value
        return None

    def _direction_of(self, written: str) -> str | None:
        text = self._words.get(written.lower(), written.lower())
        return None if text in _NOTHING else text

    def _lane_of(self, text: str) -> str | int | None:
        if text.lower() in _NOTHING:
            return None
        return int(text) if self._lane_is_number and re.fullmatch(r"-?\d{1,9}", text) else text

    def _time(self, texts: tuple[str, ...]) -> tuple[str | None, str]:
        """The time resolved, and as it was written."""
        at = self._first_time
        for has_clock, form, is_utc in self._times:
            text, clock = texts[at], texts[at + 1]
            at += 2
            if not text:
                continue
            if len(text) > MAX_TEXT_CHARS or len(clock) > MAX_TEXT_CHARS:
                _bounded(text, clock)
            written = f"{text} {clock}" if has_clock else text
            if (time := capture_time(written, form, self._clock, is_utc=is_utc)) is not None:
                return time, written
        return None, ""

    def _inline(self, found: tuple[tuple[int, str], ...]) -> Iterator[InlinePicture]:
        for number, text in found:
            if (picture := _decoded(text, self._pictures[number])) is not None:
                yield picture


def _bounded(*texts: str) -> None:
    for text in texts:
        if len(text) > MAX_TEXT_CHARS:
            raise TreeError(f"A field has {len(text)} characters, more than {MAX_TEXT_CHARS}")


@lru_cache(maxsize=1024)
def confidence(written: str, scale: Scale) -> Decimal | None:
    """0 to 1, exact but for a 255th part (four decimal places); None for no number or one beyond the scale."""
    if not (match := _NUMBER.fullmatch(written)):
        return None
    value = Decimal(f"{match[1]}.{match[2] or 0}") if match[2] else Decimal(match[1])
    top = 1 if scale == "percent-or-fraction" and match[2] and value <= 1 else _TOP[scale]
    if value > top:
        return None
    return (value / top).quantize(_BYTE_PLACES) if scale == "byte" else value / top


def _decoded(text: str, role: str) -> InlinePicture | None:
    _, _, data = text.rpartition(",") if text.startswith("data:") else ("", "", text)
    try:
        body = base64.b64decode(data, validate=False)
    except (binascii.Error, ValueError):
        return None
    media_type = next((kind for magic, kind in _MAGIC.items() if body.startswith(magic)), None)
    return InlinePicture(role, media_type, body) if media_type else None
