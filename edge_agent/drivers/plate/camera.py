"""What a plate camera says, put together: messages (events with their pictures) and the readings in them. Pure.

A push is one message. In a stream, pictures follow the document they belong to.
"""

from __future__ import annotations

import hashlib
import json
from typing import NamedTuple

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


class CameraPicture(NamedTuple):
    """A picture of a message: role "plate" (the cut-out) or "vehicle" (more); media type by its first bytes."""

    role: str
    media_type: str
    body: bytes


class Message(NamedTuple):
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
        self._open: _Gathering | None = None

    @property
    def waits(self) -> bool:
        """Whether an event waits for pictures that may follow it."""
        return self._open is not None

    def push(self, body: bytes) -> Message:
        """A whole push as one message; never raises. One without any document is one Unreadable."""
        reader, gathering = BodyReader(), _Gathering(self._events)
        for token in (*reader.feed(body), *reader.flush()):
            gathering.add(token)
        if not gathering.documents and not any(isinstance(event, Unreadable) for event in gathering.events):
            gathering.events.append(Unreadable("There is no document in it" if body else "The body is empty", body))
        return gathering.message()

    def feed(self, data: bytes) -> list[Message]:
        """The messages of a stream that these bytes complete."""
        return self._messages(self._body.feed(data))

    def settle(self) -> list[Message]:
        """What waits for pictures, now that none has followed for long enough."""
        waiting, self._open = self._open, None
        return [waiting.message()] if waiting is not None else []

    def flush(self) -> list[Message]:
        """What was held back, now that the stream has ended; the reader is then as new."""
        return self._messages(self._body.flush()) + self.settle()

    def _messages(self, tokens: list[Token]) -> list[Message]:
        done: list[Message] = []
        waiting = self._open
        for token in tokens:
            if waiting is not None:
                if isinstance(token, (Picture, Fault)):
                    waiting.add(token)
                    continue
                done.append(waiting.message())
            gathering = _Gathering(self._events)
            gathering.add(token)
            waiting = gathering if gathering.has_vehicles else None
            if waiting is None:
                done.append(gathering.message())
        self._open = waiting
        return done


class _Gathering:
    """A message under way."""

    __slots__ = ("_reader", "documents", "events", "faults", "has_vehicles", "pictures")

    def __init__(self, reader: EventReader) -> None:
        self._reader = reader
        self.events: list[Event] = []
        self.pictures: list[CameraPicture] = []
        self.documents: list[Document] = []
        self.faults: list[str] = []
        self.has_vehicles = False

    def add(self, token: Token) -> None:
        """What came next."""
        match token:
            case Document():
                self.documents.append(token)
                for event in self._reader.read(token)[: MAX_EVENTS - len(self.events)]:
                    self.events.append(event)
                    if isinstance(event, VehicleEvent):
                        self.has_vehicles = True
                        for role, media_type, body in event.pictures:
                            self._show(role, media_type, body)
            case Picture(name, media_type, body):
                self._show(_role(name), media_type, body)
            case Fault(text):
                self.faults.append(text)
            case Noise(raw, reason):
                self.events.append(Unreadable(reason, raw))

    def message(self) -> Message:
        """All of it."""
        return Message(tuple(self.events), tuple(self.pictures), tuple(self.documents), tuple(self.faults))

    def _show(self, role: str, media_type: str, body: bytes) -> None:
        if len(self.pictures) < MAX_PICTURES:
            self.pictures.append(CameraPicture(role, media_type, body))


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
