"""Emulated cameras say what the shared captures and makers' documents have."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

from defusedxml.ElementTree import fromstring

from edge_agent.simulate.anpr import CameraDetails, plate_event
from edge_agent.simulate.camera_bodies import (
    PlateList,
    alert_stream_event,
    alert_stream_heartbeat,
    dahua_event,
    dahua_heartbeat,
)

DETAILS = CameraDetails("DS-1")
EVENT = plate_event(DETAILS, 1, datetime(2026, 3, 2, 8, 15, 30, tzinfo=UTC), "粤B12345", "blue", confidence=80)
NAMESPACE = "{http://www.hikvision.com/ver20/XMLSchema}"


def test_an_alert_stream_has_an_event_and_two_pictures_as_parts_with_true_lengths() -> None:
    body = alert_stream_event(DETAILS, EVENT)
    parts = body.split(b"--boundary\r\n")[1:]
    assert [re.findall(rb"Content-Type: ([\w/]+)", part)[0] for part in parts] == [
        b"application/xml",
        b"image/jpeg",
        b"image/jpeg",
    ]
    for part in parts:
        head, _, content = part.partition(b"\r\n\r\n")
        assert re.findall(rb"Content-Length: (\d+)", head) == [str(len(content) - 2).encode()]


def test_its_heartbeat_is_a_video_that_is_not_lost() -> None:
    content = alert_stream_heartbeat(DETAILS, EVENT).partition(b"\r\n\r\n")[2]
    root = fromstring(content.decode())
    assert root.findtext(f"{NAMESPACE}eventType") == "videoloss"
    assert root.findtext(f"{NAMESPACE}eventState") == "inactive"


def test_dahuas_event_is_json_over_several_lines_under_a_length_of_nothing() -> None:
    head, _, body = dahua_event(EVENT, 7).partition(b"\r\n\r\n")
    assert b"Content-Length:0" in head
    code, _, data = body.decode().partition("data=")
    assert code == "Code=TrafficJunction;action=Pulse;index=0;"
    assert data.count("\n") > 5
    told = json.loads(data)
    assert told["TrafficCar"]["PlateNumber"] == "粤B12345"
    assert told["Object"]["Confidence"] == 80  # per cent
    assert told["UTC"] - told["RealUTC"] == 8 * 3600  # local time counted as UTC, as seen on real ones
    assert dahua_heartbeat().endswith(b"\r\n\r\nHeartbeat\r\n\r\n")


def test_a_list_answers_with_what_comes_after_the_cursor() -> None:
    plates = PlateList()
    first, second = plates.see(EVENT), plates.see(EVENT)
    assert len(first) == 18

    def names(cursor: str) -> list[str | None]:
        root = fromstring(plates.after(f"<AfterTime><picTime>{cursor}</picTime></AfterTime>".encode()))
        return [plate.findtext(f"{NAMESPACE}picName") for plate in root]

    assert names("0") == [first, second]
    assert names(first) == [second]
    assert names(second) == []
