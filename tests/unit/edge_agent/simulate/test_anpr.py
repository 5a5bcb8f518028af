from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest
from defusedxml import ElementTree

from edge_agent.simulate.anpr import (
    CameraDetails,
    PlateColour,
    PlateEvent,
    event_body,
    event_xml,
    heartbeat_xml,
    plate_event,
)

PUSH = Path(__file__).resolve().parents[5] / "shared" / "captures" / "hikvision_anpr" / "push_multipart.multipart"
AT = datetime(2025, 6, 1, 9, 12, 3, 456_000, tzinfo=timezone(timedelta(hours=8)))
CAMERA = CameraDetails("DS-1", channel_name="lane <1> & co")


def an_event(number: int = 1, plate: str = "粤B12345", colour: PlateColour = "blue") -> PlateEvent:
    return plate_event(CAMERA, number, AT, plate, colour, confidence=88)


def fields(xml: bytes) -> dict[str, str]:
    root = ElementTree.fromstring(xml)
    return {element.tag.partition("}")[2]: (element.text or "").strip() for element in root.iter()}


def parts(body: bytes) -> list[tuple[str, str, object]]:
    """Name, media type and content of each part, as an independent parser reads them."""
    head = b"MIME-Version: 1.0\r\nContent-Type: multipart/form-data; boundary=boundary\r\n\r\n"
    message = BytesParser(policy=policy.HTTP).parsebytes(head + body)
    return [
        (
            str(part.get_param("name", header="content-disposition")),
            part.get_content_type(),
            part.get_payload(decode=True),
        )
        for part in message.iter_parts()
    ]


def tags(xml: str) -> list[str]:
    return re.findall(r"<([A-Za-z]\w*)[ >]", xml)


def test_an_event_says_what_was_seen() -> None:
    said = fields(event_xml(CAMERA, an_event(), 1))
    assert said["eventType"] == "ANPR"
    assert said["licensePlate"] == said["originalLicensePlate"] == "粤B12345"
    assert (said["confidenceLevel"], said["direction"], said["line"]) == ("88", "forward", "1")
    assert said["dateTime"] == "2025-06-01T09:12:03+08:00"
    assert said["plateColor"] == "blue"
    assert said["channelName"] == "lane <1> & co"


def test_a_body_is_made_of_the_event_and_two_pictures_with_true_lengths() -> None:
    event = an_event()
    body = event_body(CAMERA, event, 1)
    assert parts(body) == [
        ("anpr.xml", "text/xml", event_xml(CAMERA, event, 1)),
        ("licensePlatePicture.jpg", "image/jpeg", event.plate_picture),
        ("vehiclePicture.jpg", "image/jpeg", event.vehicle_picture),
    ]
    assert f"Content-Length: {len(event.plate_picture)}\r\n\r\n".encode() + event.plate_picture + b"\r\n--" in body
    assert f"Content-Length: {len(event.vehicle_picture)}\r\n\r\n".encode() + event.vehicle_picture + b"\r\n--" in body
    assert body.endswith(b"\r\n--boundary--\r\n")


def test_a_body_has_the_shape_of_the_captured_push() -> None:
    if not PUSH.exists():
        pytest.skip(f"no captures beside this checkout ({PUSH})")
    theirs, ours = PUSH.read_bytes(), event_body(CAMERA, an_event(), 1)
    assert [name for name, *_ in parts(ours)] == [name for name, *_ in parts(theirs)]
    header = re.compile(rb"^([A-Za-z-]+): ", re.MULTILINE)
    assert header.findall(ours) == header.findall(theirs)
    their_tags = tags(theirs.split(b"\r\n\r\n")[1].decode())
    our_tags = tags(event_xml(CAMERA, an_event(), 1).decode())
    assert [tag for tag in our_tags if tag in their_tags] == their_tags


def test_a_repetition_differs_in_the_post_count_and_the_retransmission_mark_only() -> None:
    first, second = (event_body(CAMERA, an_event(), count) for count in (1, 2))
    assert first != second
    first = first.replace(b"<activePostCount>1<", b"<activePostCount>2<")
    first = first.replace(b"<isDataRetransmission>false<", b"<isDataRetransmission>true<")
    strip = re.compile(rb"(?<=text/xml\r\nContent-Length: )\d+")
    assert strip.sub(b"", first) == strip.sub(b"", second)


def test_every_event_has_its_own_name_and_its_own_pictures() -> None:
    events = [an_event(number) for number in range(1, 50)]
    assert len({event.uuid for event in events}) == 49
    assert len({picture for event in events for picture in (event.plate_picture, event.vehicle_picture)}) == 98


def test_a_plate_that_was_not_read_is_unknown() -> None:
    assert fields(event_xml(CAMERA, an_event(plate=""), 1))["licensePlate"] == "unknown"


def test_a_camera_that_writes_the_colour_puts_it_before_the_plate_and_leaves_the_original_alone() -> None:
    camera = replace(CAMERA, writes_colour=True)
    said = fields(event_xml(camera, an_event(plate="粤BD12345", colour="newEnergyGreen"), 1))
    assert (said["licensePlate"], said["originalLicensePlate"]) == ("绿粤BD12345", "粤BD12345")
    assert said["plateType"] == "newEnergy"
    assert fields(event_xml(camera, an_event(plate=""), 1))["licensePlate"] == "unknown"


def test_a_heartbeat_is_a_video_loss_that_is_not_there() -> None:
    said = fields(heartbeat_xml(CAMERA, AT))
    assert (said["eventType"], said["eventState"]) == ("videoloss", "inactive")
    assert "licensePlate" not in said
