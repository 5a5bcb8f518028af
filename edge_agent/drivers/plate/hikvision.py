"""What a Hikvision camera pushes: multipart with an event and its pictures, and what that says about vehicles. Pure.

Names of the parts as logged from an iDS-2CD7A46G0/P and from DS-TCG40x cameras.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from edge_agent.drivers.plate.hikvision_events import (
    Event,
    Heartbeat,
    OtherEvent,
    Source,
    Unreadable,
    VehicleEvent,
    parse_event,
    parse_events,
)
from edge_agent.drivers.plate.multipart import MultipartError, Part, parse_multipart
from edge_agent.drivers.plate.xml_tree import looks_like_xml
from edge_agent.model.moment import Moment
from edge_agent.model.readings import EvidenceRef, PlateSeen

__all__ = [
    "Event",
    "Heartbeat",
    "OtherEvent",
    "ParsedPush",
    "Picture",
    "Source",
    "Unreadable",
    "VehicleEvent",
    "parse_event",
    "parse_events",
    "parse_push",
    "plate_seen",
    "plates_seen",
]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a push: role "plate" (the cut-out) or "vehicle" (anything wider); media type by its first bytes."""

    role: str
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class ParsedPush:
    """One push understood.

    Attributes:
        events: what its documents say.
        pictures: its pictures.
        faults: what was wrong with it and did not stop that, in words.
        documents: its XML documents as they came.
    """

    events: tuple[Event, ...]
    pictures: tuple[Picture, ...]
    faults: tuple[str, ...] = ()
    documents: tuple[bytes, ...] = ()


def parse_push(content_type: str, body: bytes) -> ParsedPush:
    """Understand one pushed body, or one chunk of an alertStream; never raises.

    A body without any document is one Unreadable. A picture that may have been cut is left out and said to be.
    """
    try:
        message = parse_multipart(content_type, body)
    except MultipartError as error:
        return ParsedPush((Unreadable(str(error), body),), ())
    documents: list[bytes] = []
    events: list[Event] = []
    pictures: list[Picture] = []
    faults = list(message.faults)
    for number, part in enumerate(message.parts, start=1):
        called = f"part {number} ({part.name or part.filename or 'no name'})"
        if looks_like_xml(part.body) or (part.body and "xml" in part.content_type.lower()):
            documents.append(part.body)
            events.extend(parse_events(part.body))
        elif not (media_type := _media_type(part.body)):
            faults.append(f"{called} is neither XML nor JPEG nor PNG" if part.body else f"{called} is empty")
        elif not (part.complete or part.body.endswith((b"\xff\xd9", b"IEND\xaeB`\x82"))):
            faults.append(f"{called} was cut and is left out")
        else:
            pictures.append(Picture(_role(part), media_type, part.body))
    if not documents:
        events.append(Unreadable(f"None of {len(message.parts)} parts is an XML document", body))
    return ParsedPush(tuple(events), tuple(pictures), tuple(faults), tuple(documents))


def plates_seen(
    push: ParsedPush, device_id: str, at: Moment, pictures: tuple[EvidenceRef, ...]
) -> tuple[PlateSeen, ...]:
    """A reading for each vehicle of the push; () for heartbeats, other events and garbage.

    Args:
        push: as parsed.
        device_id: the camera's, from the site file.
        at: when the push arrived. A push read again from the spool must be given its first arrival.
        pictures: the push's pictures, stored; every vehicle of the push gets them.

    The `event_id` is the first 32 hexadecimal digits of a SHA-256 over what names the message: the device, MAC address
    (or IP address, where none is given), channel, UUID, picName, dateTime, plate and lane. What changes from one try to
    the next (activePostCount, isDataRetransmission) is not in it, so a repetition has the same id. The UUID alone would
    not do: it names the vehicle, so a camera that saw it, and then read it, would lose the plate. A message with no
    UUID, picName or dateTime is named by its pictures; one without pictures, too, by its arrival, because a vehicle
    recorded twice is found later and a vehicle lost is not.
    """
    return tuple(
        PlateSeen(
            device_id=device_id,
            at=at,
            text=event.plate or "",
            confidence=event.confidence,
            direction=event.direction,
            camera_lane=event.lane,
            device_time=event.source.date_time,
            event_id=_event_id(event, push.pictures, device_id, at),
            pictures=pictures,
        )
        for event in push.events
        if isinstance(event, VehicleEvent)
    )


def plate_seen(push: ParsedPush, device_id: str, at: Moment, pictures: tuple[EvidenceRef, ...]) -> PlateSeen | None:
    """The reading of a push's first vehicle, None without one; `plates_seen` has those of a list, too."""
    return next(iter(plates_seen(push, device_id, at, pictures)), None)


def _event_id(event: VehicleEvent, pictures: tuple[Picture, ...], device_id: str, at: Moment) -> str:
    source = event.source
    camera = source.mac_address.lower() or source.ip_address
    names = [device_id, camera, source.channel_id, event.uuid, event.pic_name, source.date_time]
    names += [event.plate or "", event.lane]
    if not (event.uuid or event.pic_name or source.date_time):
        digests = [hashlib.sha256(picture.body).hexdigest() for picture in pictures]
        names += digests or [at.boot_id.hex(), str(at.mono)]
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()[:32]


def _media_type(body: bytes) -> str:
    if body.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/png" if body.startswith(b"\x89PNG\r\n\x1a\n") else ""


def _role(part: Part) -> str:
    """Cameras call the cut-out licensePlatePicture; vehiclePicture, detectionPicture and the rest show more."""
    return "plate" if "plate" in f"{part.name} {part.filename}".lower() else "vehicle"
