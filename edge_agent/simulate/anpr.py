"""What a Hikvision plate camera posts: `anpr.xml` and two pictures as multipart/form-data, and its heartbeat. Pure.

Sources: the field order and texts of EventNotificationAlert as posted by iDS-2CD7A46G0/P and DS-TCG40x cameras and
described in the maker's ISAPI document (ANPR alarm); the parts' headers as logged from an iDS-2CD7A46G0/P.
"""

from __future__ import annotations

import hashlib
import html
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from edge_agent.simulate.jpeg import tiles_as_jpeg

PlateColour = Literal["blue", "yellow", "newEnergyGreen", "newEnergyYellowGreen"]
"""As the maker's document names them (ANPR/plateColor)."""

COLOUR_WORDS: dict[PlateColour, str] = {
    "blue": "蓝",
    "yellow": "黄",
    "newEnergyGreen": "绿",
    "newEnergyYellowGreen": "黄绿",
}
BOUNDARY = "boundary"  # the cameras' literal boundary
PLATE_PICTURE_TILES = (16, 4)  # 128 x 32 pixels
VEHICLE_PICTURE_TILES = (20, 12)  # 160 x 96 pixels
NAMESPACE = "http://www.hikvision.com/ver20/XMLSchema"


@dataclass(frozen=True, slots=True)
class CameraDetails:
    """What a camera says about itself in every event.

    Attributes:
        line: the camera's own number of the lane.
        writes_colour: write the plate's colour before it, 蓝粤B12345 for a blue 粤B12345, as the maker's document
            has it for Chinese plates; other firmware leaves it away.
    """

    serial_number: str
    ip_address: str = "192.0.2.64"
    mac_address: str = "24:32:ae:00:00:01"
    channel_id: int = 1
    channel_name: str = "Gate"
    line: int = 1
    writes_colour: bool = False


@dataclass(frozen=True, slots=True)
class PlateEvent:
    """One vehicle as a camera saw it; posting it again changes nothing but the post count.

    Attributes:
        uuid: names the event; equal in every post of it.
        plate: as read; "" when a vehicle was seen and its plate was not read.
        confidence: 0 to 100.
    """

    uuid: str
    at: datetime
    plate: str
    colour: PlateColour
    confidence: int
    direction: Literal["forward", "reverse"]
    plate_picture: bytes
    vehicle_picture: bytes


def plate_event(
    details: CameraDetails,
    number: int,
    at: datetime,
    plate: str,
    colour: PlateColour,
    *,
    confidence: int = 96,
    direction: Literal["forward", "reverse"] = "forward",
) -> PlateEvent:
    """The camera's event number `number`, seen at `at` (with zone), with two pictures that no other event has."""
    name = f"{details.serial_number} event {number} at {at.isoformat()}"
    uuid = at.strftime("%Y%m%d%H%M%S%f")[:17] + hashlib.sha256(name.encode()).hexdigest()[:24]
    return PlateEvent(
        uuid=uuid,
        at=at,
        plate=plate,
        colour=colour,
        confidence=confidence,
        direction=direction,
        plate_picture=_picture(f"{name}: plate {plate or 'not read'}", PLATE_PICTURE_TILES),
        vehicle_picture=_picture(f"{name}: vehicle", VEHICLE_PICTURE_TILES),
    )


def event_body(details: CameraDetails, event: PlateEvent, post_count: int) -> bytes:
    """The body of the camera's POST; `post_count` is 1 for the first post of an event, one more for each repetition."""
    return (
        _part("anpr.xml", "anpr.xml", "text/xml", event_xml(details, event, post_count))
        + _part("licensePlatePicture.jpg", f"{event.uuid}01.jpg", "image/jpeg", event.plate_picture)
        + _part("vehiclePicture.jpg", f"{event.uuid}02.jpg", "image/jpeg", event.vehicle_picture)
        + f"--{BOUNDARY}--\r\n".encode()
    )


def event_xml(details: CameraDetails, event: PlateEvent, post_count: int) -> bytes:
    """The event without its pictures; fields in the order in which the cameras send them."""
    taken = event.at.strftime("%Y%m%d%H%M%S%f")[:17]
    pictures = "".join(
        f"<pictureInfo>\n<fileName>{name}.jpg</fileName>\n<type>{name}</type>\n<dataType>0</dataType>\n"
        f"<absTime>{taken}</absTime>\n<pId>{event.uuid}{number:02d}</pId>\n</pictureInfo>\n"
        for number, name in enumerate(("licensePlatePicture", "vehiclePicture"), start=1)
    )
    plate = event.plate or "unknown"
    written = COLOUR_WORDS[event.colour] + plate if details.writes_colour and event.plate else plate
    new_energy = event.colour in {"newEnergyGreen", "newEnergyYellowGreen"}
    anpr = (
        f"<ANPR>\n<licensePlate>{html.escape(written)}</licensePlate>\n<line>{details.line}</line>\n"
        f"<direction>{event.direction}</direction>\n<confidenceLevel>{event.confidence}</confidenceLevel>\n"
        f"<plateType>{'newEnergy' if new_energy else '92TypeCivil'}</plateType>\n"
        f"<plateColor>{event.colour}</plateColor>\n<licenseBright>128</licenseBright>\n"
        f"<plateCharBelieve>{','.join([str(event.confidence)] * len(event.plate))}</plateCharBelieve>\n"
        f"<vehicleType>truck</vehicleType>\n<detectDir>8</detectDir>\n<detectType>0</detectType>\n"
        f"<alarmDataType>0</alarmDataType>\n<pictureInfoList>\n{pictures}</pictureInfoList>\n"
        f"<originalLicensePlate>{html.escape(plate)}</originalLicensePlate>\n</ANPR>\n"
    )
    return _alert(
        details,
        event.at,
        post_count,
        event_type="ANPR",
        state="active",
        description="ANPR",
        rest=f"{anpr}<UUID>{event.uuid}</UUID>\n<picNum>2</picNum>\n<monitoringSiteID></monitoringSiteID>\n"
        f"<isDataRetransmission>{'true' if post_count > 1 else 'false'}</isDataRetransmission>\n",
    )


def heartbeat_xml(details: CameraDetails, at: datetime) -> bytes:
    """The keep-alive of these cameras: a video loss that is not there."""
    return _alert(details, at, 0, event_type="videoloss", state="inactive", description="videoloss alarm", rest="")


def _alert(
    details: CameraDetails, at: datetime, post_count: int, *, event_type: str, state: str, description: str, rest: str
) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<EventNotificationAlert version="2.0" xmlns="{NAMESPACE}">\n'
        f"<ipAddress>{details.ip_address}</ipAddress>\n<portNo>80</portNo>\n<protocol>HTTP</protocol>\n"
        f"<macAddress>{details.mac_address}</macAddress>\n<channelID>{details.channel_id}</channelID>\n"
        f"<dateTime>{at.isoformat(timespec='seconds')}</dateTime>\n<activePostCount>{post_count}</activePostCount>\n"
        f"<eventType>{event_type}</eventType>\n<eventState>{state}</eventState>\n"
        f"<eventDescription>{description}</eventDescription>\n"
        f"<channelName>{html.escape(details.channel_name)}</channelName>\n{rest}</EventNotificationAlert>\n"
    ).encode()


def _part(name: str, file_name: str, media_type: str, content: bytes) -> bytes:
    headers = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n'
        f"Content-Type: {media_type}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return headers.encode() + content + b"\r\n"


def _picture(name: str, tiles: tuple[int, int]) -> bytes:
    """A picture of grey tiles drawn from `name`, which it also carries as a comment."""
    width, height = tiles
    greys = hashlib.shake_256(name.encode()).digest(width * height)
    rows = [greys[start : start + width] for start in range(0, len(greys), width)]
    return tiles_as_jpeg(rows, f"Picture of an emulated camera: {name}")
