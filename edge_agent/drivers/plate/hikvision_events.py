"""The documents of a Hikvision camera: EventNotificationAlert, and the Plates list that answers a poll. Pure.

Sources: the maker's "Intelligent Security API (ANPR)" document, XML_EventNotificationAlert_ANPR; its "How to integrate
with Hikvision LPR function via ISAPI" 1.1.0 (poll); captures of DS-TCG40x, iDS-2CD7A46G0/P and NVR firmware. Names of
elements are compared without namespace and case, because both change with the firmware.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from edge_agent.drivers.plate.plate_text import MAX_PLATE_CHARS, normal_plate
from edge_agent.drivers.plate.xml_tree import MAX_TEXT_CHARS, Node, XmlError, read_xml

Box = tuple[float, float, float, float]
"""x, y, width, height as written: pixels, thousandths or fractions of the picture, depending on the firmware."""

# Names of one thing through the firmware versions, the usual one first; lower case.
_PLATE = ("licenseplate", "platenumber", "plateno", "license", "licensenumber", "originallicenseplate")
_PLATE_ANYWHERE = ("licenseplate", "platenumber", "plateno")  # these mean a plate wherever they stand
_CONFIDENCE = ("confidencelevel", "confidence", "plateconfidence")
_LANE = ("line", "laneno", "laneid", "lineno", "lane")
_TIME = ("datetime", "capturetime", "pictime")
_BOX = ("platerect", "rect")
_VEHICLE_BLOCKS = ("anpr", "vehicleinfo", "plateinfo")

_INTEGER = re.compile(r"\d{1,3}")
_NUMBER = re.compile(r"\d{1,3}(?:\.\d{1,9})?")
_COORDINATE = re.compile(r"-?\d{1,6}(?:\.\d{1,9})?")
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Source:
    """Which camera sent a message and when, as it wrote it; "" where it does not say.

    `date_time` is ISO 8601, perhaps without a zone; in a poll's answer like 20200424T1616270000.
    """

    ip_address: str = ""
    mac_address: str = ""
    channel_id: str = ""
    date_time: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class VehicleEvent:
    """A vehicle passed and its plate was read, or was not.

    Attributes:
        plate: without separators and colour, upper case; None when it was not read or there is none.
        plate_as_written: what the camera wrote, e.g. "蓝粤B·12345" or "unknown".
        confidence: 0 to 1; None when the camera does not say or it makes no sense.
        direction: as written ("forward", "reverse"); "" for "unknown" or nothing.
        lane: the camera's own lane number; "" when it does not say.
        uuid: names the vehicle: captures of the same vehicle have the same one (the maker's document).
        pic_name: names the picture, and is a poll's cursor; 18 digits, so it stays text.
    """

    source: Source
    plate: str | None
    plate_as_written: str
    confidence: float | None
    direction: str
    lane: str
    country: str
    uuid: str
    pic_name: str
    box: Box | None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The camera is alive: it says that no video is lost."""

    source: Source


@dataclass(frozen=True, slots=True)
class OtherEvent:
    """An event that is about no vehicle; `relation` is what a `duration` event goes on about."""

    source: Source
    event_type: str
    state: str
    relation: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Bytes that are no event; a value with its reason, not an error."""

    reason: str
    raw: bytes


Event = VehicleEvent | Heartbeat | OtherEvent | Unreadable


def parse_event(xml: bytes) -> Event:
    """The one event of a document; a document with several or none is Unreadable (see `parse_events`)."""
    events = parse_events(xml)
    return events[0] if len(events) == 1 else Unreadable(f"The document is a list of {len(events)} plates", xml)


def parse_events(xml: bytes) -> tuple[Event, ...]:
    """All events of a document: one, or as many as a poll's Plates list has (perhaps none); never raises."""
    try:
        root = read_xml(xml)
    except XmlError as error:
        return (Unreadable(str(error), xml),)
    if root.name == "plates":
        return tuple(_entry(root, plate, xml) for plate in root.children if plate.name == "plate")
    try:
        return (_event(root, xml),)
    except XmlError as error:
        return (Unreadable(str(error), xml),)


def _event(root: Node, raw: bytes) -> Event:
    event_type, state = _text([root], ("eventtype",)), _text([root], ("eventstate",))
    is_over = state.lower() == "inactive"
    about_plates = event_type.lower() == "anpr" or root.child("anpr") is not None
    # An ANPR event that is over and names no plate is about no vehicle.
    if _names_a_plate(root) or (about_plates and not is_over):
        return _vehicle(root, root)
    if not event_type:
        return Unreadable(f"<{root.name}> has no eventType and no plate", raw)
    source = _source(root, [root])
    if event_type.lower() == "heartbeat" or (event_type.lower() == "videoloss" and is_over):
        return Heartbeat(source)
    return OtherEvent(source, event_type, state, _text(root.descendants(), ("relationevent",)))


def _names_a_plate(root: Node) -> bool:
    return any(
        node.name in _PLATE_ANYWHERE or (node.name in _VEHICLE_BLOCKS and any(map(node.child, _PLATE)))
        for node in root.descendants()
    )


def _entry(plates: Node, plate: Node, raw: bytes) -> Event:
    """One entry of a poll's list; one that is unreadable does not take the others with it."""
    try:
        return _vehicle(plates, plate)
    except XmlError as error:
        return Unreadable(str(error), raw)


def _vehicle(root: Node, vehicle: Node) -> VehicleEvent:
    """`vehicle` is the whole document, or one entry of a poll's list.

    Raises:
        XmlError: a field exceeds its bound.
    """
    scopes = _scopes(vehicle)
    written = _text(scopes, _PLATE)
    plate = normal_plate(written)
    if plate and len(plate) > MAX_PLATE_CHARS:
        raise XmlError(f"The plate has {len(plate)} characters, more than {MAX_PLATE_CHARS}")
    direction = _text(scopes, ("direction",))
    return VehicleEvent(
        source=_source(root, [vehicle, *scopes]),
        plate=plate,
        plate_as_written=written,
        confidence=_confidence(_text(scopes, _CONFIDENCE)),
        direction="" if direction.lower() == "unknown" else direction,
        lane=_text(scopes, _LANE),
        country=_text(scopes, ("country",)),
        uuid=_text(scopes, ("uuid",)),
        pic_name=_text(scopes, ("picname",)),
        box=_box(vehicle),
    )


def _source(root: Node, scopes: list[Node]) -> Source:
    return Source(
        ip_address=_text(scopes, ("ipaddress",)),
        mac_address=_text(scopes, ("macaddress",)),
        channel_id=_text(scopes, ("channelid", "dynchannelid")),
        date_time=_text(scopes, _TIME),
        namespace=root.namespace,
    )


def _scopes(document: Node) -> list[Node]:
    """Where a vehicle's fields may stand, in the order of trust: its blocks, the document itself, then anywhere."""
    nodes = list(document.descendants())
    blocks = [node for name in _VEHICLE_BLOCKS for node in nodes if node.name == name]
    return [*blocks, document, *nodes]


def _text(scopes: Iterable[Node], names: tuple[str, ...]) -> str:
    """The first text of a child of the scopes with one of the names: names before scopes; "" when there is none."""
    scopes = list(scopes)
    for name in names:
        for scope in scopes:
            for child in scope.children:
                if child.name == name and child.text:
                    return _bounded(child)
    return ""


def _bounded(node: Node) -> str:
    if len(node.text) > MAX_TEXT_CHARS:
        raise XmlError(f"<{node.name}> has {len(node.text)} characters, more than {MAX_TEXT_CHARS}")
    return node.text


def _confidence(written: str) -> float | None:
    """0 to 1, however written; None for no number or one beyond 100.

    An integer is per cent, so "1" is 0.01 and "100" is 1: the maker's document gives confidenceLevel as an integer from
    0 to 100. A number with a decimal point is a fraction up to "1.0", and per cent above.
    """
    if _INTEGER.fullmatch(written):
        value = int(written) / _PERCENT
    elif _NUMBER.fullmatch(written):
        value = float(written) if float(written) <= 1 else float(written) / _PERCENT
    else:
        return None
    return value if value <= 1 else None


def _box(vehicle: Node) -> Box | None:
    """The first plate rectangle that is not empty."""
    for name in _BOX:
        for rect in (node for node in vehicle.descendants() if node.name == name):
            texts = [child.text if (child := rect.child(side)) else "" for side in ("x", "y", "width", "height")]
            if all(_COORDINATE.fullmatch(text) for text in texts):
                x, y, width, height = map(float, texts)
                if width > 0 and height > 0:
                    return (x, y, width, height)
    return None
