"""The documents of a Hikvision camera, through its firmware versions."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.plate.hikvision_events import (
    Event,
    Heartbeat,
    OtherEvent,
    Unreadable,
    VehicleEvent,
    parse_event,
    parse_events,
)

HEAD = "<ipAddress>192.0.2.64</ipAddress><macAddress>02:00:5e:10:00:01</macAddress><channelID>7</channelID>"
TIME = "<dateTime>2026-03-02T08:15:30+08:00</dateTime>"


def alert(content: str, event_type: str = "ANPR", state: str = "active") -> bytes:
    return (
        f"<EventNotificationAlert>{HEAD}{TIME}<eventType>{event_type}</eventType><eventState>{state}</eventState>"
        f"{content}</EventNotificationAlert>"
    ).encode()


def vehicle(content: str, event_type: str = "ANPR", state: str = "active") -> VehicleEvent:
    event = parse_event(alert(content, event_type, state))
    assert isinstance(event, VehicleEvent), event
    return event


def anpr(fields: str) -> VehicleEvent:
    return vehicle(f"<ANPR>{fields}</ANPR>")


def test_a_plate_event_says_which_camera_saw_which_vehicle_when() -> None:
    event = vehicle(
        "<ANPR><country>59</country><licensePlate>蓝粤B·12345</licensePlate><line>2</line><direction>reverse</direction>"
        "<confidenceLevel>78</confidenceLevel></ANPR><UUID>46dd0716</UUID>"
    )
    assert (event.source.ip_address, event.source.mac_address) == ("192.0.2.64", "02:00:5e:10:00:01")
    assert (event.source.channel_id, event.source.date_time) == ("7", "2026-03-02T08:15:30+08:00")
    assert (event.plate, event.plate_as_written) == ("粤B12345", "蓝粤B·12345")
    assert (event.confidence, event.direction, event.lane) == (0.78, "reverse", "2")
    assert (event.country, event.uuid) == ("59", "46dd0716")


@pytest.mark.parametrize(
    "content",
    [
        "<ANPR><licensePlate>AB123</licensePlate></ANPR>",
        "<anpr><plateNumber>AB123</plateNumber></anpr>",
        "<ANPR><license>AB123</license></ANPR>",
        "<ANPR><vehicleInfo><plateNumber>AB123</plateNumber></vehicleInfo></ANPR>",
        "<ANPR><licensePlate/><PlateInfoList><PlateInfo><licensePlate>AB123</licensePlate></PlateInfo></PlateInfoList></ANPR>",
        "<ANPR><originalLicensePlate>AB123</originalLicensePlate></ANPR>",
        "<vehicleInfo><license>AB123</license></vehicleInfo>",
        "<Traffic><Target><plateNo>AB123</plateNo></Target></Traffic>",
        "<licensePlate>AB123</licensePlate>",
    ],
)
@pytest.mark.parametrize("event_type", ["ANPR", "vehicleDetection"])
def test_the_plate_is_found_where_the_firmware_versions_put_it(content: str, event_type: str) -> None:
    assert vehicle(content, event_type).plate == "AB123"


def test_the_plate_of_the_anpr_block_goes_before_those_of_its_list() -> None:
    listed = "<PlateInfoList><PlateInfo><licensePlate>SECOND</licensePlate></PlateInfo></PlateInfoList>"
    assert vehicle(f"{listed}<ANPR><licensePlate>FIRST</licensePlate></ANPR>").plate == "FIRST"


@pytest.mark.parametrize("written", ["unknown", "noPlate", "", "--", "无车牌"])
def test_a_vehicle_whose_plate_was_not_read_is_an_event_without_a_plate(written: str) -> None:
    event = anpr(f"<licensePlate>{written}</licensePlate><confidenceLevel>0</confidenceLevel>")
    assert event.plate is None
    assert event.plate_as_written == written
    assert event.confidence == 0.0


@pytest.mark.parametrize(
    ("written", "confidence"),
    [
        ("85", 0.85),
        ("0", 0.0),
        ("1", 0.01),
        ("100", 1.0),
        ("0.93", 0.93),
        ("1.0", 1.0),
        ("0.0", 0.0),
        ("85.5", 0.855),
        ("100.00", 1.0),
        ("101", None),
        ("100.5", None),
        ("-3", None),
        ("high", None),
        ("nan", None),
        ("1e3", None),
        ("", None),
    ],
)
def test_integers_are_per_cent_and_decimals_up_to_one_are_fractions(written: str, confidence: float | None) -> None:
    event = anpr(f"<licensePlate>A</licensePlate><confidenceLevel>{written}</confidenceLevel>")
    assert event.confidence == confidence


@pytest.mark.parametrize("name", ["line", "laneNo", "laneID", "lineNo", "LaneNo"])
def test_the_lane_has_many_names(name: str) -> None:
    assert anpr(f"<licensePlate>A</licensePlate><{name}>4</{name}>").lane == "4"


def test_an_unknown_direction_is_none() -> None:
    assert anpr("<licensePlate>A</licensePlate><direction>unknown</direction>").direction == ""


def test_the_alerts_own_time_goes_before_that_of_the_block_and_is_kept_as_written() -> None:
    plate = "<licensePlate>A</licensePlate>"
    inside = f"<ANPR>{plate}<dateTime>2026-06-20T10:00:00</dateTime></ANPR>"
    assert vehicle(inside).source.date_time == "2026-03-02T08:15:30+08:00"
    event = parse_event(f"<E><eventType>ANPR</eventType>{inside}</E>".encode())
    assert isinstance(event, VehicleEvent)
    assert event.source.date_time == "2026-06-20T10:00:00"


@pytest.mark.parametrize(
    ("content", "box"),
    [
        ("<PlateRect><X>10</X><Y>20</Y><width>120</width><height>40</height></PlateRect>", (10, 20, 120, 40)),
        ("<Rect><height>0.1</height><width>0.2</width><x>0.3</x><y>0.4</y></Rect>", (0.3, 0.4, 0.2, 0.1)),
        (
            "<pictureInfo><plateRect><X>375</X><Y>645</Y><width>227</width><height>118</height></plateRect></pictureInfo>",
            (375, 645, 227, 118),
        ),
        ("<PlateRect><X>0</X><Y>0</Y><width>0</width><height>0</height></PlateRect>", None),
        ("<PlateRect><X>ten</X><Y>0</Y><width>1</width><height>1</height></PlateRect>", None),
        ("", None),
    ],
)
def test_the_plates_rectangle_is_read_unless_it_is_empty(content: str, box: tuple[float, ...] | None) -> None:
    assert anpr(f"<licensePlate>A</licensePlate>{content}").box == box


@pytest.mark.parametrize(
    ("event_type", "state"), [("videoloss", "inactive"), ("VideoLoss", "Inactive"), ("heartBeat", "active")]
)
def test_a_video_that_is_not_lost_is_a_heartbeat(event_type: str, state: str) -> None:
    event = parse_event(alert("", event_type, state))
    assert isinstance(event, Heartbeat)
    assert event.source.ip_address == "192.0.2.64"


@pytest.mark.parametrize(
    ("event_type", "state", "content", "relation"),
    [
        ("videoloss", "active", "", ""),
        ("fielddetection", "active", "<Extensions><x>fielddetection&&DS-7608</x></Extensions>", ""),
        (
            "duration",
            "active",
            "<DurationList><Duration><relationEvent>VMD</relationEvent></Duration></DurationList>",
            "VMD",
        ),
        ("ANPR", "inactive", "", ""),
    ],
)
def test_other_events_say_what_they_are(event_type: str, state: str, content: str, relation: str) -> None:
    event = parse_event(alert(content, event_type, state))
    assert isinstance(event, OtherEvent)
    assert (event.event_type, event.state, event.relation) == (event_type, state, relation)


def test_an_nvr_names_its_channel_by_the_digital_one_when_it_gives_no_other() -> None:
    event = parse_event(b"<E><dynChannelID>33</dynChannelID><channelID></channelID><eventType>VMD</eventType></E>")
    assert isinstance(event, OtherEvent)
    assert event.source.channel_id == "33"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not well-formed"),
        (b"\xff\xd8\xff", "utf-8 or gb18030"),
        (b"<html><body>401</body></html>", "<html> has no eventType and no plate"),
        (b'<!DOCTYPE a [<!ENTITY p "A1">]><EventNotificationAlert/>', "DOCTYPE"),
        (alert(f"<ANPR><licensePlate>{'A' * 33}</licensePlate></ANPR>"), "33 characters"),
        (alert(f"<ANPR><licensePlate>A</licensePlate><line>{'1' * 300}</line></ANPR>"), "<line> has 300 characters"),
        (b"<Plates><Plate/><Plate/></Plates>", "list of 2 plates"),
    ],
)
def test_what_is_no_event_is_a_value_with_its_reason_and_bytes(raw: bytes, why: str) -> None:
    event = parse_event(raw)
    assert isinstance(event, Unreadable)
    assert why in event.reason
    assert event.raw == raw


def test_a_polls_list_gives_every_vehicle_and_one_bad_entry_takes_no_other_with_it() -> None:
    plates = parse_events(
        b'<Plates version="2.0"><Plate><captureTime>20260302T0815300000</captureTime><plateNumber>AB1</plateNumber>'
        b"<picName>202603020815300000</picName><laneNo>1</laneNo></Plate>"
        b"<Plate><plateNumber>"
        + b"X" * 99
        + b"</plateNumber></Plate><Plate><plateNumber>CD2</plateNumber></Plate></Plates>"
    )
    first, bad, last = plates
    assert isinstance(first, VehicleEvent)
    assert (first.plate, first.pic_name, first.source.date_time) == ("AB1", "202603020815300000", "20260302T0815300000")
    assert isinstance(bad, Unreadable)
    assert isinstance(last, VehicleEvent)
    assert last.plate == "CD2"


def test_a_polls_longest_list_takes_time_in_proportion_to_its_length() -> None:
    raw = b"<Plates>" + b"<Plate><plateNumber>A</plateNumber></Plate>" * 3_900 + b"</Plates>"
    began = time.process_time()
    assert len(parse_events(raw)) == 3_900
    assert time.process_time() - began < 4.0  # about 0.3 s


def test_a_poll_without_news_is_no_event() -> None:
    assert parse_events(b'<Plates version="2.0"/>') == ()


NAMES = st.sampled_from(
    ["ANPR", "licensePlate", "Plate", "Plates", "eventType", "line", "plateRect", "X", "confidenceLevel"]
)
TEXTS = st.text(alphabet="ANPR19.&<蓝粤·-x \r\n", max_size=8)
TREES = st.recursive(
    st.builds("<{0}>{1}</{0}>".format, NAMES, TEXTS),
    lambda children: st.builds(
        lambda name, inner: f"<{name}>{''.join(inner)}</{name}>", NAMES, st.lists(children, max_size=4)
    ),
    max_leaves=12,
)


@given(st.one_of(st.binary(max_size=100), TREES.map(str.encode)))
def test_no_bytes_make_the_parser_raise(raw: bytes) -> None:
    events: tuple[Event, ...] = parse_events(raw)
    assert all(isinstance(event, VehicleEvent | Heartbeat | OtherEvent | Unreadable) for event in events)
    assert parse_event(raw) in events or len(events) != 1
