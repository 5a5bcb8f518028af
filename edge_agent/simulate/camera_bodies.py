"""What emulated cameras that are asked say: parts of Hikvision's and Dahua's streams, and Hikvision's list. Pure.

Sources: the maker's "How to integrate with Hikvision LPR function via ISAPI" (list), its ISAPI document (alertStream);
Dahua's HTTP API for eventManager attach (`Content-Length` of events is left 0, as recorders do).
"""

from __future__ import annotations

import html
import json
from dataclasses import dataclass, field

from edge_agent.simulate.anpr import CameraDetails, PlateEvent, event_xml, heartbeat_xml

DAHUA_BOUNDARY = "myboundary"


def alert_stream_event(details: CameraDetails, event: PlateEvent) -> bytes:
    """An event with its pictures, as parts of an alertStream."""
    return (
        _part("boundary", 'application/xml; charset="UTF-8"', event_xml(details, event, 1))
        + _part("boundary", "image/jpeg", event.plate_picture, name="licensePlatePicture")
        + _part("boundary", "image/jpeg", event.vehicle_picture, name="vehiclePicture")
    )


def alert_stream_heartbeat(details: CameraDetails, event: PlateEvent) -> bytes:
    """The keep-alive of an alertStream, at the time of an event."""
    return _part("boundary", 'application/xml; charset="UTF-8"', heartbeat_xml(details, event.at))


def dahua_event(event: PlateEvent, number: int, *, lane: int = 1) -> bytes:
    """A TrafficJunction event of eventManager: JSON over several lines, and a Content-Length that lies."""
    seconds = int(event.at.timestamp())
    data = {
        "EventID": number,
        "GroupID": number,
        "Lane": lane,
        "Object": {"ObjectType": "Plate", "Text": event.plate, "Confidence": event.confidence},
        "RealUTC": seconds,
        "TrafficCar": {"PlateNumber": event.plate, "DrivingDirection": ["Approach", "in", "out"]},
        "UTC": seconds + 8 * 3600,
    }
    text = json.dumps(data, indent=3, ensure_ascii=False)
    body = f"Code=TrafficJunction;action=Pulse;index=0;data={text}".encode()
    return f"--{DAHUA_BOUNDARY}\r\nContent-Type: text/plain\r\nContent-Length:0\r\n\r\n".encode() + body + b"\r\n\r\n"


def dahua_heartbeat() -> bytes:
    """What eventManager sends every `heartbeat` seconds."""
    return f"--{DAHUA_BOUNDARY}\r\nContent-Type: text/plain\r\nContent-Length:9\r\n\r\nHeartbeat\r\n\r\n".encode()


@dataclass
class PlateList:
    """The plates a camera keeps, and its answer to the question for those after one."""

    entries: list[tuple[str, PlateEvent]] = field(default_factory=list)

    def see(self, event: PlateEvent) -> str:
        """Keep one; its picName: date, time, milliseconds and a counter, in 18 digits."""
        name = f"{event.at:%Y%m%d%H%M%S}{len(self.entries) % 10_000:04d}"
        self.entries.append((name, event))
        return name

    def after(self, body: bytes) -> bytes:
        """The answer to `<AfterTime><picTime>…</picTime></AfterTime>`."""
        cursor = body.decode().partition("<picTime>")[2].partition("</picTime>")[0]
        plates = "".join(
            f"  <Plate>\n    <captureTime>{event.at:%Y%m%dT%H%M%S}0000</captureTime>\n"
            f"    <plateNumber>{html.escape(event.plate or 'unknown')}</plateNumber>\n    <picName>{name}</picName>\n"
            f"    <country>CHN</country>\n    <laneNo>1</laneNo>\n    <direction>{event.direction}</direction>\n"
            f"  </Plate>\n"
            for name, event in self.entries
            if (len(name), name) > (len(cursor), cursor)
        )
        head = '<?xml version="1.0" encoding="UTF-8"?>\n<Plates version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">\n'
        return f"{head}{plates}</Plates>\n".encode()


def _part(boundary: str, media_type: str, content: bytes, *, name: str = "") -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"\r\n' if name else ""
    head = f"--{boundary}\r\n{disposition}Content-Type: {media_type}\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content + b"\r\n"
