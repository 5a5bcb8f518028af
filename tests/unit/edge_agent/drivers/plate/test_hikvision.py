"""Whole pushes of a Hikvision camera: own captures, shared captures, and what names a message."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.plate.hikvision import (
    Heartbeat,
    OtherEvent,
    ParsedPush,
    Unreadable,
    VehicleEvent,
    parse_push,
    plate_seen,
    plates_seen,
)
from edge_agent.model.moment import Moment, MonoNs, WallNs
from edge_agent.model.readings import EvidenceRef, PlateSeen

REPOSITORY = Path(__file__).parents[5]
OWN = REPOSITORY / "tests/captures/plate/hikvision-isapi-push"
SHARED = REPOSITORY.parent / "shared/captures/hikvision_anpr"
AT = Moment(WallNs(1_772_410_530_000_000_000), MonoNs(5_000_000_000), b"b" * 16, synchronised=True)
LATER = replace(AT, wall=WallNs(AT.wall + 9_000_000_000), mono=MonoNs(AT.mono + 9_000_000_000))
EVENT = {
    "ipAddress": "192.0.2.64",
    "macAddress": "02:00:5e:10:00:01",
    "channelID": "1",
    "dateTime": "2026-03-02T08:15:30+08:00",
    "activePostCount": "1",
    "eventType": "ANPR",
    "licensePlate": "粤B12345",
    "line": "1",
    "UUID": "46dd0716-1dd2-11b2-821f-8ba17e6f56b7",
    "isDataRetransmission": "false",
}


def rows(folder: Path) -> list[dict[str, Any]]:
    expected = folder / "expected.jsonl"
    if not expected.exists():
        return []
    return [json.loads(line) for line in expected.read_text("utf-8").splitlines()]


def push_of(**changes: str | None) -> ParsedPush:
    """A push of EVENT with some fields changed, or left away when None."""
    fields = {name: text for name, text in (EVENT | changes).items() if text is not None}
    return parse_push("application/xml", _xml(fields))


def _xml(fields: dict[str, str]) -> bytes:
    content = "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())
    return f"<EventNotificationAlert>{content}</EventNotificationAlert>".encode()


def event_id(push: ParsedPush, device_id: str = "camera-1", at: Moment = AT) -> str:
    seen = plate_seen(push, device_id, at, ())
    assert seen is not None
    return seen.event_id


@pytest.mark.parametrize("row", rows(OWN), ids=lambda row: row["file"])
def test_own_captures_are_understood_as_expected(row: dict[str, Any]) -> None:
    push = parse_push(row["content_type"], (OWN / row["file"]).read_bytes())
    assert [_summary(push, number) for number in range(len(push.events))] == row["events"]
    pictures = [{"role": one.role, "media_type": one.media_type, "bytes": len(one.body)} for one in push.pictures]
    assert pictures == row["pictures"]
    assert len(push.faults) == row["faults"]
    if first := row.get("same_event_as"):
        assert event_id(push, at=LATER) == event_id(parse_push(row["content_type"], (OWN / first).read_bytes()))


def test_own_captures_are_all_listed() -> None:
    samples = {path.name for path in OWN.iterdir()} - {"expected.jsonl", "SOURCES.md"}
    assert samples == {row["file"] for row in rows(OWN)}


def _summary(push: ParsedPush, number: int) -> dict[str, Any]:
    event = push.events[number]
    if isinstance(event, Heartbeat):
        return {"kind": "heartbeat"}
    assert isinstance(event, VehicleEvent), event
    return {
        "kind": "vehicle",
        "plate": event.plate,
        "confidence": event.confidence,
        "direction": event.direction,
        "lane": event.lane,
        "device_time": event.source.date_time,
    }


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared captures are not beside this repository")
@pytest.mark.parametrize("row", rows(SHARED), ids=lambda row: row["id"])
def test_shared_captures_are_understood_as_expected(row: dict[str, Any]) -> None:
    expected: dict[str, Any] = row["expected"]
    push = parse_push(expected.get("content_type", ""), (SHARED / row["file"]).read_bytes())
    event = push.events[0]
    described = expected | expected.get("event", {}) | (expected.get("plates") or [{}])[0]
    if described.get("heartbeat"):
        assert isinstance(event, Heartbeat)
    elif "eventType" in described:
        assert isinstance(event, OtherEvent)
        assert event.event_type == described["eventType"]
        assert event.relation == described.get("relationEvent", "")
        assert event.source.channel_id == str(described.get("channel", event.source.channel_id))
        assert described.get("schema", "") in event.source.namespace
        assert plates_seen(push, "camera-1", AT, ()) == ()
    else:
        assert isinstance(event, VehicleEvent)
        _check_vehicle(event, described)
    assert [len(one.body) for one in push.pictures] == [image["bytes"] for image in expected.get("images", [])]


def _check_vehicle(event: VehicleEvent, described: dict[str, Any]) -> None:
    assert event.plate == described["plate"]
    assert event.confidence == described["confidence"]
    assert event.direction == (described["direction"] or "")
    assert event.lane == (described["lane"] or "")
    time = described.get("time", described.get("time_naive"))
    assert time is None or event.source.date_time == time
    assert event.pic_name == described.get("cursor", "")
    assert "bbox" not in described or event.box == tuple(described["bbox"])


def test_a_vehicle_becomes_a_reading_with_all_the_camera_said() -> None:
    picture = EvidenceRef(b"s" * 32, 1234, "image/jpeg", "plate")
    push = parse_push(
        "",
        b"<E><eventType>ANPR</eventType><dateTime>2026-03-02T08:15:30+08:00</dateTime><ANPR><line>2</line>"
        b"<licensePlate>AB 123</licensePlate><direction>reverse</direction><confidenceLevel>97</confidenceLevel></ANPR>"
        b"</E>",
    )
    seen = plate_seen(push, "camera-1", AT, (picture,))
    assert seen == PlateSeen(
        device_id="camera-1",
        at=AT,
        text="AB123",
        confidence=0.97,
        direction="reverse",
        camera_lane="2",
        device_time="2026-03-02T08:15:30+08:00",
        event_id=event_id(push),
        pictures=(picture,),
    )


def test_an_unread_vehicle_is_a_reading_with_an_empty_text() -> None:
    seen = plate_seen(push_of(licensePlate="unknown"), "camera-1", AT, ())
    assert seen is not None
    assert seen.text == ""


@pytest.mark.parametrize(
    "body",
    [
        b"<E><eventType>videoloss</eventType><eventState>inactive</eventState></E>",
        b"<E><eventType>VMD</eventType></E>",
        b"?",
    ],
)
def test_heartbeats_other_events_and_garbage_are_no_readings(body: bytes) -> None:
    assert plate_seen(parse_push("", body), "camera-1", AT, ()) is None


def test_every_vehicle_of_a_list_is_a_reading_of_its_own() -> None:
    push = parse_push(
        "", b"<Plates><Plate><plateNumber>A1</plateNumber></Plate><Plate><plateNumber>B2</plateNumber></Plate></Plates>"
    )
    readings = plates_seen(push, "camera-1", AT, ())
    assert [seen.text for seen in readings] == ["A1", "B2"]
    assert len({seen.event_id for seen in readings}) == 2


@pytest.mark.parametrize(
    "changes", [{"activePostCount": "2"}, {"isDataRetransmission": "true"}, {"macAddress": "02:00:5E:10:00:01"}]
)
def test_a_repetition_has_the_same_id_whenever_it_arrives(changes: dict[str, str]) -> None:
    assert event_id(push_of(**changes), at=LATER) == event_id(push_of())


@pytest.mark.parametrize(
    "changes",
    [
        {"UUID": "another"},
        {"dateTime": "2026-03-02T08:15:31+08:00"},
        {"licensePlate": "粤B12346"},
        {"line": "2"},
        {"channelID": "2"},
        {"macAddress": "02:00:5e:10:00:02"},
        {"macAddress": None},
    ],
)
def test_another_vehicle_lane_channel_or_camera_has_another_id(changes: dict[str, str | None]) -> None:
    assert event_id(push_of(**changes)) != event_id(push_of())
    assert event_id(push_of(), "camera-2") != event_id(push_of(), "camera-1")


def test_a_vehicle_seen_first_and_read_later_under_one_uuid_has_two_ids() -> None:
    assert event_id(push_of(licensePlate="unknown")) != event_id(push_of())


def test_without_a_mac_address_the_ip_address_names_the_camera() -> None:
    one, other = push_of(macAddress=None), push_of(macAddress=None, ipAddress="192.0.2.65")
    assert event_id(one) != event_id(other)


def test_the_same_truck_on_another_day_has_another_id_though_nothing_else_names_the_message() -> None:
    today, tomorrow = push_of(UUID=None), push_of(UUID=None, dateTime="2026-03-03T08:15:30+08:00")
    assert event_id(today) != event_id(tomorrow)
    assert event_id(today) == event_id(push_of(UUID=None), at=LATER)


def test_a_message_that_names_nothing_is_named_by_its_pictures() -> None:
    def push(picture: bytes) -> ParsedPush:
        xml = b"<E><eventType>ANPR</eventType><ANPR><licensePlate>unknown</licensePlate></ANPR></E>"
        return parse_push("", b"--b\r\n\r\n" + xml + b"\r\n--b\r\n\r\n\xff\xd8\xff" + picture + b"\r\n--b--\r\n")

    assert event_id(push(b"one")) == event_id(push(b"one"), at=LATER)
    assert event_id(push(b"one")) != event_id(push(b"two"))


def test_a_message_that_names_nothing_and_has_no_picture_is_never_taken_for_a_repetition() -> None:
    push = parse_push("", b"<E><ANPR><licensePlate>unknown</licensePlate></ANPR></E>")
    assert event_id(push, at=AT) != event_id(push, at=LATER)
    assert event_id(push, at=AT) == event_id(push, at=AT)  # read again from the spool, with its first arrival


@pytest.mark.parametrize(
    ("headers", "body", "role", "media_type"),
    [
        ('name="licensePlatePicture.jpg"; filename="1.jpg"', b"\xff\xd8\xff\xe0", "plate", "image/jpeg"),
        ('name="image_file"; filename="licensePlatePicture.jpg"', b"\x89PNG\r\n\x1a\n", "plate", "image/png"),
        ('name="detectionPicture.jpg"', b"\xff\xd8\xff\xe1", "vehicle", "image/jpeg"),
        ('name="vehiclePicture.jpg"', b"\xff\xd8\xff\xdb", "vehicle", "image/jpeg"),
        ('name="x"', b"\xff\xd8\xff\xdb", "vehicle", "image/jpeg"),
    ],
)
def test_a_pictures_type_comes_from_its_bytes_and_its_role_from_its_names(
    headers: str, body: bytes, role: str, media_type: str
) -> None:
    head = (
        f"--b\r\nContent-Disposition: form-data; {headers}\r\nContent-Type: application/octet-stream\r\n\r\n".encode()
    )
    push = parse_push("multipart/form-data; boundary=b", head + body + b"\r\n--b--\r\n")
    assert [(one.role, one.media_type, one.body) for one in push.pictures] == [(role, media_type, body)]


def test_a_push_without_a_document_is_unreadable_and_keeps_its_bytes_and_pictures() -> None:
    body = b"--b\r\n\r\n\xff\xd8\xffx\r\n--b\r\n\r\n{}\r\n--b\r\n\r\n\r\n--b--\r\n"
    push = parse_push("multipart/form-data; boundary=b", body)
    assert push.events == (Unreadable("None of 3 parts is an XML document", body),)
    assert len(push.pictures) == 1
    assert push.faults == ("part 2 (no name) is neither XML nor JPEG nor PNG", "part 3 (no name) is empty")


def test_an_answer_to_a_poll_without_news_is_no_garbage() -> None:
    assert parse_push("application/xml", b"<Plates/>").events == ()


def test_a_cut_picture_is_kept_only_if_its_own_end_is_there() -> None:
    head = b"--b\r\n\r\n<E><eventType>VMD</eventType></E>\r\n--b\r\n\r\n\xff\xd8\xffpixels"
    assert parse_push("", head).pictures == ()
    assert "was cut and is left out" in parse_push("", head).faults[-1]
    assert [one.body for one in parse_push("", head + b"\xff\xd9").pictures] == [b"\xff\xd8\xffpixels\xff\xd9"]


@given(st.text(max_size=40), st.binary(max_size=200))
def test_no_push_makes_the_parser_raise(content_type: str, body: bytes) -> None:
    push = parse_push(content_type, body)
    assert plates_seen(push, "camera-1", AT, ()) == ()
    assert any(isinstance(event, Unreadable) for event in push.events)
