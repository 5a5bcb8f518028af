"""What a camera's document says, by its profile: vehicles, signs of life, and the rest. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from decimal import Decimal

from edge_agent.drivers.plate.capture_time import CameraClock, capture_time
from edge_agent.drivers.plate.documents import entries, tree_of
from edge_agent.drivers.plate.events import Event, Heartbeat, InlinePicture, OtherEvent, Unreadable, VehicleEvent
from edge_agent.drivers.plate.parts import Document
from edge_agent.drivers.plate.paths import Path, Place, TextAt, is_there
from edge_agent.drivers.plate.plate_text import MAX_PLATE_CHARS, normal_plate
from edge_agent.drivers.plate.schema import PictureFacts, PlateProfile, Scale
from edge_agent.drivers.plate.tree import TreeError, Value, text_of

MAX_EVENTS = 1_000  # of one document; a poll's longest answer has about 500

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
        facts, names, track = profile.events, profile.names, profile.track
        self._facts = facts
        self._answers = frozenset(name.lower() for name in facts.answers)
        self._lists = tuple(Path(text).steps for text in facts.lists)
        self._type, self._state, self._marks = TextAt(facts.type), TextAt(facts.state), _paths(facts.marks)
        self._over = frozenset(state.lower() for state in facts.over)
        self._ignored = frozenset(state.lower() for state in facts.ignored)
        self._heartbeats = tuple((_like(sign.type), _like(sign.state)) for sign in facts.heartbeats)
        self._plates = tuple(_like(each) for each in facts.plates)
        self._plate = TextAt(profile.plate.paths)
        self._nothing = frozenset(word.upper() for word in profile.plate.nothing)
        self._confidence = tuple((TextAt(each.paths), each.scale) for each in profile.confidence)
        self._direction = TextAt(profile.direction.paths if profile.direction else ())
        self._words = {k.lower(): v for k, v in profile.direction.words.items()} if profile.direction else {}
        self._lane = TextAt(profile.lane.paths if profile.lane else ())
        self._lane_is_number = profile.lane is not None and profile.lane.number
        self._times = tuple((TextAt(e.paths), TextAt(e.clock), e) for e in profile.time)
        self._camera, self._channel = TextAt(names.camera), TextAt(names.channel)
        self._names = tuple(TextAt((each,)) for each in names.event)
        self._cursor = TextAt(names.cursor)
        self._track = TextAt(track.id if track else ())
        self._track_state = TextAt(track.state if track else ())
        self._pictures = tuple((Path(each.path), each) for each in profile.picture)

    def read(self, document: Document) -> tuple[Event, ...]:
        """The document's events; never raises."""
        if document.form == "word":
            return (Heartbeat(),)
        try:
            value = tree_of(document)
        except TreeError as error:
            return (Unreadable(str(error), document.raw),)
        roots = value if isinstance(value, list) else [value]
        if not roots:
            return (Unreadable("The document is an empty list", document.raw),)
        return tuple(event for root in roots[:MAX_EVENTS] for event in self._root(root, document.raw))

    def _root(self, root: Value, raw: bytes) -> Iterator[Event]:
        if not isinstance(root, dict):
            yield Unreadable("The document has no fields", raw)
            return
        chains = [chain for steps in self._lists for chain in entries(root, steps)]
        if not chains and text_of(root.get("#root")).lower() not in self._answers:
            chains = [(root,)]
        for chain in chains[:MAX_EVENTS]:
            try:
                yield self._event(Place(*chain), raw)
            except TreeError as error:  # one that is unreadable does not take the others with it
                yield Unreadable(str(error), raw)

    def _event(self, place: Place, raw: bytes) -> Event:
        kind, state, written = self._type(place), self._state(place), self._plate(place)
        if any(type_is(kind) and state_is(state) for type_is, state_is in self._heartbeats):
            return Heartbeat(self._time(place)[0])
        if state.lower() not in self._ignored and (written or self._begins(kind, state, place)):
            return self._vehicle(kind, written, place)
        if not kind and not self._facts.untyped:
            root = text_of(place.trees[-1].get("#root"))
            return Unreadable(f"{f'<{root}>' if root else 'The document'} has no type of event and no plate", raw)
        return OtherEvent(kind, state, self._time(place)[0])

    def _begins(self, kind: str, state: str, place: Place) -> bool:
        """An event without a plate is about a vehicle, and not about its end."""
        if state.lower() in self._over:
            return False
        return any(is_plates(kind) for is_plates in self._plates) or is_there(self._marks, place)

    def _vehicle(self, kind: str, written: str, place: Place) -> VehicleEvent:
        plate = None if written.upper() in self._nothing else normal_plate(written)
        if plate and len(plate) > MAX_PLATE_CHARS:
            raise TreeError(f"The plate has {len(plate)} characters, more than {MAX_PLATE_CHARS}")
        time, time_written = self._time(place)
        return VehicleEvent(
            type=kind,
            plate=plate,
            plate_as_written=written,
            confidence=self._confidence_of(place),
            direction=self._direction_of(place),
            lane=self._lane_of(place),
            time=time,
            time_written=time_written,
            camera=self._camera(place).lower(),
            channel=self._channel(place),
            names=tuple([text for name in self._names if (text := name(place))]),
            cursor=self._cursor(place),
            track=self._track(place),
            state=self._track_state(place).lower(),
            pictures=tuple(self._inline(place)),
        )

    def _confidence_of(self, place: Place) -> Decimal | None:
        for text_at, scale in self._confidence:
            if (value := confidence(text_at(place), scale)) is not None:
                return value
        return None

    def _direction_of(self, place: Place) -> str | None:
        text = self._direction(place).lower()
        return None if text in _NOTHING else self._words.get(text, text)

    def _lane_of(self, place: Place) -> str | int | None:
        text = self._lane(place)
        if text.lower() in _NOTHING:
            return None
        return int(text) if self._lane_is_number and re.fullmatch(r"-?\d{1,9}", text) else text

    def _time(self, place: Place) -> tuple[str | None, str]:
        """The time resolved, and as it was written."""
        for text_at, clock_at, facts in self._times:
            if not (text := text_at(place)):
                continue
            written = f"{text} {clock_at(place)}" if facts.clock else text
            if (time := capture_time(written, facts.form, self._clock, is_utc=facts.zone == "utc")) is not None:
                return time, written
        return None, ""

    def _inline(self, place: Place) -> Iterator[InlinePicture]:
        for path, facts in self._pictures:
            for value in path.values(place):
                if (picture := _decoded(text_of(value), facts)) is not None:
                    yield picture


def confidence(written: str, scale: Scale) -> Decimal | None:
    """0 to 1, exact but for a 255th part (four decimal places); None for no number or one beyond the scale."""
    if not (match := _NUMBER.fullmatch(written)):
        return None
    value = Decimal(f"{match[1]}.{match[2] or 0}") if match[2] else Decimal(match[1])
    top = 1 if scale == "percent-or-fraction" and match[2] and value <= 1 else _TOP[scale]
    if value > top:
        return None
    return (value / top).quantize(_BYTE_PLACES) if scale == "byte" else value / top


def _decoded(text: str, facts: PictureFacts) -> InlinePicture | None:
    _, _, data = text.rpartition(",") if text.startswith("data:") else ("", "", text)
    try:
        body = base64.b64decode(data, validate=False)
    except (binascii.Error, ValueError):
        return None
    media_type = next((kind for magic, kind in _MAGIC.items() if body.startswith(magic)), None)
    return InlinePicture(facts.role, media_type, body) if media_type else None


def _paths(texts: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(Path(text) for text in texts)


def _like(pattern: str) -> Callable[[str], bool]:
    """Is a text this, in any case? A "*" at either end of the pattern stands for anything."""
    wanted = pattern.lower().strip("*")
    match pattern.startswith("*"), pattern.endswith("*"):
        case True, True:
            return lambda text: wanted in text.lower()
        case True, False:
            return lambda text: text.lower().endswith(wanted)
        case False, True:
            return lambda text: text.lower().startswith(wanted)
        case _:
            return lambda text: text.lower() == wanted
