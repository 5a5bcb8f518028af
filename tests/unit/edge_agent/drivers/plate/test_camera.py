"""Messages of pushes and streams, readings, and what names an event."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge_agent.drivers.plate.camera import CameraReader, Message, plates_seen
from edge_agent.drivers.plate.events import Heartbeat, Unreadable
from edge_agent.drivers.plate.schema import PlateProfile
from edge_agent.model.moment import Moment, MonoNs, WallNs
from edge_agent.model.readings import EvidenceRef, PlateSeen
from edge_agent.profiles import load_profile

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
JPEG = b"\xff\xd8\xffpixels\xff\xd9"


def reader(profile: str = "hikvision-isapi-push") -> CameraReader:
    return CameraReader(load_profile(f"plate/{profile}", of=PlateProfile))


def xml(**changes: str | None) -> bytes:
    """EVENT with some fields changed, or left away when None."""
    fields = {name: text for name, text in (EVENT | changes).items() if text is not None}
    content = "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())
    return f"<EventNotificationAlert>{content}</EventNotificationAlert>".encode()


def push_of(**changes: str | None) -> Message:
    return reader().push(xml(**changes))


def part(body: bytes, name: str = "x") -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + body + b"\r\n"


def seen(message: Message, device_id: str = "camera-1", at: Moment = AT) -> PlateSeen:
    ((_, reading),) = plates_seen(message, device_id, at, ())
    return reading


def event_id(message: Message, device_id: str = "camera-1", at: Moment = AT) -> str:
    return seen(message, device_id, at).event_id


def test_a_vehicle_becomes_a_reading_with_all_the_camera_said() -> None:
    picture = EvidenceRef(b"s" * 32, 1234, "image/jpeg", "plate")
    message = reader().push(
        b"<E><eventType>ANPR</eventType><dateTime>2026-03-02T08:15:30+08:00</dateTime><ANPR><line>2</line>"
        b"<licensePlate>AB 123</licensePlate><direction>reverse</direction><confidenceLevel>97</confidenceLevel></ANPR>"
        b"</E>"
    )
    ((_, reading),) = plates_seen(message, "camera-1", AT, (picture,))
    assert reading == PlateSeen(
        device_id="camera-1",
        at=AT,
        text="AB123",
        confidence=0.97,
        direction="reverse",
        camera_lane="2",
        device_time="2026-03-02T08:15:30+08:00",
        event_id=event_id(message),
        pictures=(picture,),
    )


def test_an_unread_vehicle_is_a_reading_with_an_empty_text() -> None:
    assert seen(push_of(licensePlate="unknown")).text == ""


@pytest.mark.parametrize(
    "body",
    [
        b"<E><eventType>videoloss</eventType><eventState>inactive</eventState></E>",
        b"<E><eventType>VMD</eventType></E>",
        b"?",
        b"",
    ],
)
def test_heartbeats_other_events_and_garbage_are_no_readings(body: bytes) -> None:
    assert plates_seen(reader().push(body), "camera-1", AT, ()) == ()


def test_every_vehicle_of_a_list_is_a_reading_of_its_own() -> None:
    message = reader().push(
        b"<Plates><Plate><plateNumber>A1</plateNumber></Plate><Plate><plateNumber>B2</plateNumber></Plate></Plates>"
    )
    readings = [reading for _, reading in plates_seen(message, "camera-1", AT, ())]
    assert [reading.text for reading in readings] == ["A1", "B2"]
    assert len({reading.event_id for reading in readings}) == 2


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
    def message(picture: bytes) -> Message:
        document = b"<E><eventType>ANPR</eventType><ANPR><licensePlate>unknown</licensePlate></ANPR></E>"
        return reader().push(part(document) + part(b"\xff\xd8\xff" + picture) + b"--b--\r\n")

    assert event_id(message(b"one")) == event_id(message(b"one"), at=LATER)
    assert event_id(message(b"one")) != event_id(message(b"two"))


def test_a_message_that_names_nothing_and_has_no_picture_is_never_taken_for_a_repetition() -> None:
    message = reader().push(b"<E><ANPR><licensePlate>unknown</licensePlate></ANPR></E>")
    assert event_id(message, at=AT) != event_id(message, at=LATER)
    assert event_id(message, at=AT) == event_id(message, at=AT)


@pytest.mark.parametrize(
    ("name", "role"),
    [("licensePlatePicture.jpg", "plate"), ("detectionPicture.jpg", "vehicle"), ("vehiclePicture.jpg", "vehicle")],
)
def test_a_pictures_role_comes_from_its_names(name: str, role: str) -> None:
    message = reader().push(part(JPEG, name) + b"--b--\r\n")
    assert [(one.role, one.body) for one in message.pictures] == [(role, JPEG)]


def test_a_push_without_a_document_is_unreadable_and_keeps_its_bytes_and_pictures() -> None:
    body = part(JPEG) + b"--b--\r\n"
    message = reader().push(body)
    assert message.events == (Unreadable("There is no document in it", body),)
    assert len(message.pictures) == 1


def test_an_answer_to_a_poll_without_news_is_no_garbage() -> None:
    assert reader().push(b"<Plates/>").events == ()


def test_in_a_stream_pictures_belong_to_the_event_before_them() -> None:
    camera = reader("hikvision-isapi-alertstream")
    heartbeat = b"<E><eventType>videoloss</eventType><eventState>inactive</eventState></E>"
    assert camera.feed(part(xml()) + part(JPEG, "licensePlatePicture")) == []
    assert camera.waits
    event, beat = camera.feed(part(heartbeat))
    assert [picture.role for picture in event.pictures] == ["plate"]
    assert len(event.vehicles) == 1
    assert beat.events == (Heartbeat(),)
    assert not camera.waits


def test_an_event_that_waits_for_pictures_goes_out_when_told_to_or_at_the_end() -> None:
    camera = reader("hikvision-isapi-alertstream")
    assert camera.feed(part(xml())) == []
    (event,) = camera.settle()
    assert len(event.vehicles) == 1
    assert camera.settle() == []
    camera.feed(part(xml(UUID="two")))
    (event,) = camera.flush()
    assert len(event.vehicles) == 1


@given(st.binary(max_size=200))
@example(b"[]")
@example(b"{}")
@example(b"[[]]")
def test_no_push_makes_the_reader_raise(body: bytes) -> None:
    message = reader().push(body)
    assert plates_seen(message, "camera-1", AT, ()) == ()
    assert any(isinstance(event, Unreadable) for event in message.events)


def test_a_captured_push_that_was_sent_again_is_the_same_event() -> None:
    folder = Path(__file__).resolve().parents[4] / "captures/plate/hikvision-isapi-push"
    rows = [json.loads(line) for line in (folder / "expected.jsonl").read_text("utf-8").splitlines()]
    again = [(row["file"], row["same_event_as"]) for row in rows if "same_event_as" in row]
    assert again
    for one, other in again:
        first, second = (reader().push((folder / name).read_bytes()) for name in (one, other))
        assert event_id(first, at=LATER) == event_id(second)
