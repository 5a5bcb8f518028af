"""What a camera's document says, by its profile: vehicles, signs of life, and the rest. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from edge_agent.drivers.plate.capture_time import CameraClock, TimeForm, capture_time
from edge_agent.drivers.plate.parts import Document
from edge_agent.drivers.plate.paths import Path, Place, first_text, is_there
from edge_agent.drivers.plate.plate_text import MAX_PLATE_CHARS, normal_plate
from edge_agent.drivers.plate.schema import PictureFacts, PlateProfile, Scale, Sign
from edge_agent.drivers.plate.tree import Tree, TreeError, Value, bounded_text, read_json, read_pairs, text_of
from edge_agent.drivers.plate.xml_tree import read_xml

MAX_EVENTS = 1_000  # of one document; a poll's longest answer has about 500

_INTEGER = re.compile(r"\d{1,3}")
_NUMBER = re.compile(r"(\d{1,3})(?:[.,](\d{1,18}))?")
_NOTHING = frozenset({"", "unknown", "unknow", "none", "null", "undefined"})
_DAHUA = re.compile(rb"\s*([A-Za-z]+)\s*=\s*([^;\r\n]*)(?:;|\s*\Z)")
_DAHUA_DATA = re.compile(rb";?[ \t]*data[ \t]*=[ \t]*", re.IGNORECASE)
_MAGIC = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png"}
_TOP: dict[Scale, int] = {"fraction": 1, "percent": 100, "byte": 255, "percent-or-fraction": 100}
_BYTE_PLACES = Decimal("0.0001")  # a 255th part has no exact decimal; finer than the camera's own steps


@dataclass(frozen=True, slots=True)
class InlinePicture:
    """A picture that stood inside the document; role "plate" or "vehicle"."""

    role: str
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class VehicleEvent:
    """A vehicle passed and its plate was read, or was not.

    Attributes:
        type: the device's own word for the event; "" when it has none.
        plate: without separators and colour, upper case; None when it was not read or there is none.
        plate_as_written: what the camera wrote, e.g. "蓝粤B·12345" or "unknown".
        confidence: 0 to 1; None when the camera does not say or it makes no sense.
        direction: lower case as written, or as the profile translates its code; None when it does not say.
        lane: the camera's own lane, a number where the profile says so; None when it does not say.
        time: ISO 8601, see `capture_time`; None when it does not say.
        time_written: as the camera wrote it; "" when it does not say.
        camera: its MAC or IP address or serial number; "" when the message has none.
        channel: of that camera.
        names: what names the event (a UUID, the picture's name); those that are there.
        cursor: what a poll asks for next; "".
        track: equal in all packets of one vehicle; "" when the profile has no tracks.
        state: of the vehicle in that packet, e.g. "lost", lower case.
        pictures: those inside the document.
    """

    type: str
    plate: str | None
    plate_as_written: str
    confidence: Decimal | None
    direction: str | None
    lane: str | int | None
    time: str | None
    time_written: str
    camera: str
    channel: str
    names: tuple[str, ...] = ()
    cursor: str = ""
    track: str = ""
    state: str = ""
    pictures: tuple[InlinePicture, ...] = ()


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The camera is alive."""

    time: str | None = None


@dataclass(frozen=True, slots=True)
class OtherEvent:
    """An event that is about no vehicle."""

    type: str
    state: str
    time: str | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Bytes that are no event; a value with its reason, not an error."""

    reason: str
    raw: bytes


Event = VehicleEvent | Heartbeat | OtherEvent | Unreadable


class EventReader:
    """Reads the documents of one model of camera."""

    def __init__(self, profile: PlateProfile, clock: CameraClock | None = None) -> None:
        """`clock` is what the site knows of this camera's; None: nothing."""
        self._clock = clock or CameraClock()
        facts, names, track = profile.events, profile.names, profile.track
        self._facts = facts
        self._answers = frozenset(name.lower() for name in facts.answers)
        self._lists = _paths(facts.lists)
        self._type, self._state, self._marks = _paths(facts.type), _paths(facts.state), _paths(facts.marks)
        self._over = frozenset(state.lower() for state in facts.over)
        self._ignored = frozenset(state.lower() for state in facts.ignored)
        self._plate = _paths(profile.plate.paths)
        self._nothing = frozenset(word.upper() for word in profile.plate.nothing)
        self._confidence = tuple((_paths(each.paths), each.scale) for each in profile.confidence)
        self._direction = _paths(profile.direction.paths) if profile.direction else ()
        self._words = {k.lower(): v for k, v in profile.direction.words.items()} if profile.direction else {}
        self._lane = _paths(profile.lane.paths) if profile.lane else ()
        self._lane_is_number = profile.lane is not None and profile.lane.number
        self._times = tuple((_paths(e.paths), _paths(e.clock), e.form, e.zone == "utc") for e in profile.time)
        self._camera, self._channel = _paths(names.camera), _paths(names.channel)
        self._names = tuple(Path(each) for each in names.event)
        self._cursor = _paths(names.cursor)
        self._track = _paths(track.id) if track else ()
        self._track_state = _paths(track.state) if track else ()
        self._pictures = tuple((Path(each.path), each) for each in profile.picture)

    def read(self, document: Document) -> tuple[Event, ...]:
        """The document's events; never raises."""
        if document.form == "word":
            return (Heartbeat(),)
        try:
            value = _tree(document)
        except TreeError as error:
            return (Unreadable(str(error), document.raw),)
        roots = value if isinstance(value, list) else [value]
        return tuple(event for root in roots[:MAX_EVENTS] for event in self._root(root, document.raw))

    def _root(self, root: Value, raw: bytes) -> Iterator[Event]:
        if not isinstance(root, dict):
            yield Unreadable("The document has no fields", raw)
            return
        entries = [chain for path in self._lists for chain in _chains(root, path)]
        if not entries and text_of(root.get("#root")).lower() not in self._answers:
            entries = [(root,)]
        for chain in entries[:MAX_EVENTS]:
            try:
                yield self._event(Place(*chain), raw)
            except TreeError as error:  # one that is unreadable does not take the others with it
                yield Unreadable(str(error), raw)

    def _event(self, place: Place, raw: bytes) -> Event:
        kind, state = self._text(self._type, place), self._text(self._state, place)
        written = bounded_text(first_text(self._plate, place))
        is_over, about = state.lower() in self._over, self._is_about_plates(kind, place)
        if any(_is(sign, kind, state) for sign in self._facts.heartbeats):
            return Heartbeat(self._time(place)[0])
        if state.lower() not in self._ignored and (written or (about and not is_over)):
            return self._vehicle(kind, written, place)
        if not kind and not self._facts.untyped:
            root = text_of(place.trees[-1].get("#root"))
            return Unreadable(f"{f'<{root}>' if root else 'The document'} has no type of event and no plate", raw)
        return OtherEvent(kind, state, self._time(place)[0])

    def _is_about_plates(self, kind: str, place: Place) -> bool:
        return any(_like(kind, each) for each in self._facts.plates) or is_there(self._marks, place)

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
            camera=self._text(self._camera, place).lower(),
            channel=self._text(self._channel, place),
            names=tuple(text for path in self._names if (text := self._text((path,), place))),
            cursor=self._text(self._cursor, place),
            track=self._text(self._track, place),
            state=self._text(self._track_state, place).lower(),
            pictures=tuple(self._inline(place)),
        )

    def _confidence_of(self, place: Place) -> Decimal | None:
        for paths, scale in self._confidence:
            if (value := confidence(self._text(paths, place), scale)) is not None:
                return value
        return None

    def _direction_of(self, place: Place) -> str | None:
        text = self._text(self._direction, place).lower()
        return None if text in _NOTHING else self._words.get(text, text)

    def _lane_of(self, place: Place) -> str | int | None:
        text = self._text(self._lane, place)
        if text.lower() in _NOTHING:
            return None
        return int(text) if self._lane_is_number and re.fullmatch(r"-?\d{1,9}", text) else text

    def _time(self, place: Place) -> tuple[str | None, str]:
        """The time resolved, and as it was written."""
        for paths, clocks, form, is_utc in self._times:
            if not (text := self._text(paths, place)):
                continue
            written = f"{text} {self._text(clocks, place)}" if clocks else text
            if (time := self._resolved(written, form, is_utc=is_utc)) is not None:
                return time, written
        return None, ""

    def _resolved(self, written: str, form: TimeForm, *, is_utc: bool) -> str | None:
        return capture_time(written, form, self._clock, is_utc=is_utc)

    def _text(self, paths: tuple[Path, ...], place: Place) -> str:
        return bounded_text(first_text(paths, place)) if paths else ""

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


def _tree(document: Document) -> Value:
    match document.form:
        case "xml":
            return read_xml(document.raw)
        case "json":
            return read_json(document.raw)
        case "pairs":
            return read_pairs(document.raw)
        case _:
            return _read_dahua(document.raw)


def _read_dahua(raw: bytes) -> Tree:
    """`Code=…;action=…;index=…;data={…}`: the data's own tree with "code", "action" and "index" around it."""
    data = _DAHUA_DATA.search(raw)
    head = raw[: data.start()] if data else raw
    around: Tree = {}
    for pair in _DAHUA.finditer(head):
        around.setdefault(pair[1].decode().lower(), pair[2].decode("utf-8", "replace").strip())
    if data and data.end() < len(raw.rstrip()):
        body = raw[data.end() :].strip()
        around["data"] = read_json(body) if body[:1] in (b"{", b"[") else body.decode("utf-8", "replace")
    return around


def _chains(tree: Tree, path: Path) -> Iterator[tuple[Tree, ...]]:
    """What stands at the path, each with what is around it, the nearest first."""
    chains: list[tuple[Tree, ...]] = [(tree,)]
    for step in path.steps:
        chains = [(each, *chain) for chain in chains for each in step.values(Place(chain[0])) if isinstance(each, dict)]
    yield from chains


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


def _like(text: str, pattern: str) -> bool:
    """Equal in any case; a "*" at either end of the pattern stands for anything."""
    text, pattern = text.lower(), pattern.lower()
    wanted = pattern.strip("*")
    match pattern.startswith("*"), pattern.endswith("*"):
        case True, True:
            return wanted in text
        case True, False:
            return text.endswith(wanted)
        case False, True:
            return text.startswith(wanted)
        case _:
            return text == wanted


def _is(sign: Sign, kind: str, state: str) -> bool:
    return _like(kind, sign.type) and _like(state, sign.state)
