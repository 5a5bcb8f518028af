"""What a camera says, once understood: vehicles, signs of life, the rest, and bytes that are none of these.

Named tuples, as in `parts`: they are made thousands of times a second.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple


class InlinePicture(NamedTuple):
    """A picture that stood inside the document; role "plate" or "vehicle"."""

    role: str
    media_type: str
    body: bytes


class VehicleEvent(NamedTuple):
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


class Heartbeat(NamedTuple):
    """The camera is alive."""

    time: str | None = None


class OtherEvent(NamedTuple):
    """An event that is about no vehicle."""

    type: str
    state: str
    time: str | None = None


class Unreadable(NamedTuple):
    """Bytes that are no event; a value with its reason, not an error."""

    reason: str
    raw: bytes


Event = VehicleEvent | Heartbeat | OtherEvent | Unreadable
