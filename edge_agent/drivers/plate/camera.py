"""What a plate camera says, put together: messages (events with their pictures) and the readings in them. Pure.

A push is one message. In a stream, pictures follow the document they belong to.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

from edge_agent.drivers.plate.body import BodyReader
from edge_agent.drivers.plate.capture_time import CameraClock
from edge_agent.drivers.plate.events import Event, Unreadable, VehicleEvent
from edge_agent.drivers.plate.parts import Document, Fault, Noise, Picture, Token
from edge_agent.drivers.plate.reader import EventReader
from edge_agent.drivers.plate.schema import PlateProfile
from edge_agent.model.moment import Moment
from edge_agent.model.readings import EvidenceRef, PlateSeen

MAX_PICTURES = 16  # of one message; a camera sends up to five
MAX_EVENTS = 1_000  # of one push


@dataclass(frozen=True, slots=True)
class CameraPicture:
    """A picture of a message: role "plate" (the cut-out) or "vehicle" (more); media type by its first bytes."""

    role: str
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """Events that came together, with their pictures.

    Attributes:
        events: in their order.
        pictures: also those that stood inside documents.
        documents: as they came; those of events about vehicles are evidence.
        faults: what was wrong and could be helped, in words.
    """

    events: tuple[Event, ...] = ()
    pictures: tuple[CameraPicture, ...] = ()
    documents: tuple[Document, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def vehicles(self) -> tuple[VehicleEvent, ...]:
        """Its events about vehicles."""
        return tuple(event for event in self.events if isinstance(event, VehicleEvent))


class CameraReader:
    """One camera's bytes in, messages out; bounded as BodyReader is, plus MAX_PICTURES pictures."""

    def __init__(self, profile: PlateProfile, clock: CameraClock | None = None) -> None:
        """`clock` is what the site knows of this camera's."""
        self._events = EventReader(profile, clock)
        self._body = BodyReader()
        self._open: Message | None = None

    @property
    def waits(self) -> bool:
        """Whether an event waits for pictures that may follow it."""
        return self._open is not None

    def push(self, body: bytes) -> Message:
        """A whole push as one message; never raises. One without any document is one Unreadable."""
        reader = BodyReader()
        message = Message()
        for token in (*reader.feed(body), *reader.flush()):
            message = self._added(message, token)
        if message.documents or any(isinstance(event, Unreadable) for event in message.events):
            return message
        reason = "The body is empty" if not body else "There is no document in it"
        return replace(message, events=(*message.events, Unreadable(reason, body)))

    def feed(self, data: bytes) -> list[Message]:
        """The messages of a stream that these bytes complete."""
        return [message for token in self._body.feed(data) for message in self._take(token)]

    def settle(self) -> list[Message]:
        """What waits for pictures, now that none has followed for long enough."""
        waiting, self._open = self._open, None
        return [waiting] if waiting is not None else []

    def flush(self) -> list[Message]:
        """What was held back, now that the stream has ended; the reader is then as new."""
        return [message for token in self._body.flush() for message in self._take(token)] + self.settle()

    def _take(self, token: Token) -> list[Message]:
        if isinstance(token, Picture | Fault) and self._open is not None:
            self._open = self._added(self._open, token)
            return []
        done = self.settle()
        message = self._added(Message(), token)
        if message.vehicles:
            self._open = message
            return done
        return [*done, message]

    def _added(self, message: Message, token: Token) -> Message:
        match token:
            case Document():
                events = self._events.read(token)[: MAX_EVENTS - len(message.events)]
                pictures = [
                    CameraPicture(each.role, each.media_type, each.body)
                    for event in events
                    if isinstance(event, VehicleEvent)
                    for each in event.pictures
                ]
                return replace(
                    message,
                    events=message.events + events,
                    documents=(*message.documents, token),
                    pictures=(*message.pictures, *pictures)[:MAX_PICTURES],
                )
            case Picture():
                if len(message.pictures) == MAX_PICTURES:
                    return message
                picture = CameraPicture(_role(token.name), token.media_type, token.body)
                return replace(message, pictures=(*message.pictures, picture))
            case Fault():
                return replace(message, faults=(*message.faults, token.text))
            case Noise():
                return replace(message, events=(*message.events, Unreadable(token.reason, token.raw)))


def plates_seen(
    message: Message, device_id: str, at: Moment, pictures: tuple[EvidenceRef, ...]
) -> tuple[tuple[VehicleEvent, PlateSeen], ...]:
    """A reading for each vehicle of the message; () for heartbeats, other events and garbage.

    Args:
        message: as put together.
        device_id: the camera's, from the site file.
        at: when it arrived.
        pictures: the message's pictures, stored; every vehicle of the message gets them.
    """
    return tuple(
        (
            event,
            PlateSeen(
                device_id=device_id,
                at=at,
                text=event.plate or "",
                confidence=None if event.confidence is None else float(event.confidence),
                direction=event.direction or "",
                camera_lane="" if event.lane is None else str(event.lane),
                device_time=event.time or "",
                event_id=_event_id(event, message.pictures, device_id, at),
                pictures=pictures,
            ),
        )
        for event in message.vehicles
    )


def _event_id(event: VehicleEvent, pictures: tuple[CameraPicture, ...], device_id: str, at: Moment) -> str:
    """The first 32 hexadecimal digits of a SHA-256 over what names the message.

    That is the device, the camera's own name and channel, the profile's names of the event, its time, plate and lane.
    What changes from one try to the next (activePostCount, isDataRetransmission) is not in it, so a repetition has the
    same id. A UUID alone would not do: it names the vehicle, so a camera that saw it, and then read it, would lose the
    plate. A message with neither name nor time is named by its pictures; one without pictures, too, by its arrival,
    because a vehicle recorded twice is found later and a vehicle lost is not.
    """
    names = [device_id, event.camera, event.channel, *event.names, event.time_written]
    names += [event.plate or "", "" if event.lane is None else str(event.lane)]
    if not (event.names or event.time_written):
        digests = [hashlib.sha256(picture.body).hexdigest() for picture in pictures]
        names += digests or [at.boot_id.hex(), str(at.mono)]
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()[:32]


def _role(name: str) -> str:
    """Cameras call the cut-out licensePlatePicture; vehiclePicture, detectionPicture and the rest show more."""
    return "plate" if "plate" in name.lower() else "vehicle"
