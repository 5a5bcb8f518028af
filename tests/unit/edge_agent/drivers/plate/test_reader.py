"""What cameras' documents say, by the shipped profiles, through the firmware versions."""

from __future__ import annotations

import base64
import json
import time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.plate.body import read_all
from edge_agent.drivers.plate.capture_time import CameraClock
from edge_agent.drivers.plate.events import Event, Heartbeat, OtherEvent, Unreadable, VehicleEvent
from edge_agent.drivers.plate.parts import Document
from edge_agent.drivers.plate.reader import EventReader, confidence
from edge_agent.drivers.plate.schema import PlateProfile, Scale
from edge_agent.profiles import load_profile, profile_names

HEAD = "<ipAddress>192.0.2.64</ipAddress><macAddress>02:00:5E:10:00:01</macAddress><channelID>7</channelID>"
TIME = "<dateTime>2026-03-02T08:15:30+08:00</dateTime>"
PROFILES = [name for name in profile_names() if name.startswith("plate/")]


def reader(name: str, clock: CameraClock | None = None) -> EventReader:
    return EventReader(load_profile(f"plate/{name}", of=PlateProfile), clock)


HIKVISION, DAHUA, ONVIF = reader("hikvision-isapi-push"), reader("dahua-event-stream"), reader("onvif-profile-m")


def events(raw: bytes, of: EventReader = HIKVISION) -> list[Event]:
    found: list[Event] = []
    for token in read_all(raw):
        assert isinstance(token, Document), token
        found += of.read(token)
    return found


def alert(content: str, event_type: str = "ANPR", state: str = "active") -> bytes:
    return (
        f"<EventNotificationAlert>{HEAD}{TIME}<eventType>{event_type}</eventType><eventState>{state}</eventState>"
        f"{content}</EventNotificationAlert>"
    ).encode()


def vehicle(raw: bytes, of: EventReader = HIKVISION) -> VehicleEvent:
    (event,) = events(raw, of)
    assert isinstance(event, VehicleEvent), event
    return event


def anpr(fields: str) -> VehicleEvent:
    return vehicle(alert(f"<ANPR>{fields}</ANPR>"))


def dahua(data: object, code: str = "TrafficJunction", action: str = "Pulse") -> bytes:
    return f"Code={code};action={action};index=0;data={json.dumps(data)}".encode()


def test_a_plate_event_says_which_camera_saw_which_vehicle_when() -> None:
    event = vehicle(
        alert(
            "<ANPR><country>59</country><licensePlate>蓝粤B·12345</licensePlate><line>2</line>"
            "<direction>Reverse</direction><confidenceLevel>78</confidenceLevel></ANPR><UUID>46dd0716</UUID>"
        )
    )
    assert (event.plate, event.plate_as_written, event.confidence) == ("粤B12345", "蓝粤B·12345", Decimal("0.78"))
    assert (event.direction, event.lane, event.time) == ("reverse", "2", "2026-03-02T08:15:30+08:00")
    assert (event.camera, event.channel, event.names) == ("02:00:5e:10:00:01", "7", ("46dd0716",))


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
    assert vehicle(alert(content, event_type)).plate == "AB123"


def test_the_plate_of_the_anpr_block_goes_before_those_of_its_list() -> None:
    listed = "<PlateInfoList><PlateInfo><licensePlate>SECOND</licensePlate></PlateInfo></PlateInfoList>"
    assert vehicle(alert(f"{listed}<ANPR><licensePlate>FIRST</licensePlate></ANPR>")).plate == "FIRST"


@pytest.mark.parametrize("written", ["unknown", "noPlate", "", "--", "无车牌"])
def test_a_vehicle_whose_plate_was_not_read_is_an_event_without_a_plate(written: str) -> None:
    event = anpr(f"<licensePlate>{written}</licensePlate><confidenceLevel>0</confidenceLevel>")
    assert (event.plate, event.plate_as_written, event.confidence) == (None, written, Decimal(0))


@pytest.mark.parametrize(
    ("written", "scale", "value"),
    [
        ("85", "percent-or-fraction", "0.85"),
        ("0", "percent-or-fraction", "0"),
        ("1", "percent-or-fraction", "0.01"),
        ("100", "percent-or-fraction", "1"),
        ("0.93", "percent-or-fraction", "0.93"),
        ("1.0", "percent-or-fraction", "1"),
        ("85.5", "percent-or-fraction", "0.855"),
        ("101", "percent-or-fraction", None),
        ("100.5", "percent-or-fraction", None),
        ("093", "percent", "0.93"),
        ("92,5", "percent", "0.925"),
        ("0.5", "percent", "0.005"),
        ("0.719034", "fraction", "0.719034"),
        ("1", "fraction", "1"),
        ("1.01", "fraction", None),
        ("255", "byte", "1"),
        ("204", "byte", "0.8"),
        ("100", "byte", "0.3922"),
        ("256", "byte", None),
        ("-3", "percent", None),
        ("high", "percent", None),
        ("nan", "fraction", None),
        ("1e3", "percent", None),
        ("", "percent", None),
    ],
)
def test_confidence_is_brought_to_0_to_1_exactly(written: str, scale: Scale, value: str | None) -> None:
    assert confidence(written, scale) == (None if value is None else Decimal(value))


@pytest.mark.parametrize("name", ["line", "laneNo", "laneID", "lineNo", "LaneNo"])
def test_the_lane_has_many_names(name: str) -> None:
    assert anpr(f"<licensePlate>A</licensePlate><{name}>4</{name}>").lane == "4"


@pytest.mark.parametrize("written", ["unknown", "", "Unknown"])
def test_an_unknown_direction_or_lane_is_none(written: str) -> None:
    event = anpr(f"<licensePlate>A</licensePlate><direction>{written}</direction><line>{written}</line>")
    assert (event.direction, event.lane) == (None, None)


def test_the_alerts_own_time_goes_before_that_of_the_block() -> None:
    inside = "<ANPR><licensePlate>A</licensePlate><dateTime>2026-06-20T10:00:00</dateTime></ANPR>"
    assert vehicle(alert(inside)).time == "2026-03-02T08:15:30+08:00"
    assert vehicle(f"<E><eventType>ANPR</eventType>{inside}</E>".encode()).time == "2026-06-20T10:00:00"


@pytest.mark.parametrize(
    ("event_type", "state"), [("videoloss", "inactive"), ("VideoLoss", "Inactive"), ("heartBeat", "active")]
)
def test_a_video_that_is_not_lost_is_a_heartbeat(event_type: str, state: str) -> None:
    (event,) = events(alert("", event_type, state))
    assert isinstance(event, Heartbeat)


@pytest.mark.parametrize(
    ("event_type", "state"), [("videoloss", "active"), ("fielddetection", "active"), ("ANPR", "inactive")]
)
def test_other_events_say_what_they_are(event_type: str, state: str) -> None:
    assert events(alert("<x>a&&b</x>", event_type, state)) == [
        OtherEvent(event_type, state, "2026-03-02T08:15:30+08:00")
    ]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"<html><body>401</body></html>", "<html> has no type of event and no plate"),
        (b'{"login": "please"}', "The document has no type of event and no plate"),
        (b'<!DOCTYPE a [<!ENTITY p "A1">]><EventNotificationAlert/>', "DOCTYPE"),
        (b"<E><a></b></E>", "not well-formed"),
        (b'{"a" "b"}', "not JSON"),
        (b"[[1]]", "has no fields"),
        (alert(f"<ANPR><licensePlate>{'A' * 33}</licensePlate></ANPR>"), "33 characters"),
        (alert(f"<ANPR><licensePlate>A</licensePlate><line>{'1' * 300}</line></ANPR>"), "300 characters"),
    ],
)
def test_what_is_no_event_is_a_value_with_its_reason_and_bytes(raw: bytes, why: str) -> None:
    (event,) = events(raw)
    assert isinstance(event, Unreadable)
    assert why in event.reason
    assert event.raw == raw


def test_a_polls_list_gives_every_vehicle_and_one_bad_entry_takes_no_other_with_it() -> None:
    first, bad, last = events(
        b'<Plates version="2.0"><Plate><captureTime>20260302T0815300000</captureTime><plateNumber>AB1</plateNumber>'
        b"<picName>202603020815300000</picName><laneNo>1</laneNo></Plate><Plate><plateNumber>"
        + b"X" * 99
        + b"</plateNumber></Plate><Plate><plateNumber>CD2</plateNumber></Plate></Plates>"
    )
    assert isinstance(first, VehicleEvent)
    assert (first.plate, first.cursor, first.time) == ("AB1", "202603020815300000", "2026-03-02T08:15:30")
    assert isinstance(bad, Unreadable)
    assert isinstance(last, VehicleEvent)
    assert last.plate == "CD2"
    assert events(b'<Plates version="2.0"/>') == []


def test_the_longest_list_takes_time_in_proportion_to_its_length() -> None:
    raw = b"<Plates>" + b"<Plate><plateNumber>A</plateNumber></Plate>" * 3_900 + b"</Plates>"
    began = time.process_time()
    assert len(events(raw)) == 1_000
    assert time.process_time() - began < 5.0  # about 0.3 s


def test_dahuas_object_is_a_plate_only_if_it_says_so() -> None:
    brand = {"Object": {"ObjectType": "Vehicle", "Text": "Toyota", "Confidence": 200}, "TrafficCar": {"Lane": 3}}
    event = vehicle(dahua(brand), DAHUA)
    assert (event.plate, event.confidence, event.lane) == (None, None, 3)
    plate = {"Object": {"ObjectType": "Plate", "Text": "琼A12345", "Confidence": 51}}
    event = vehicle(dahua(plate), DAHUA)
    assert (event.plate, event.confidence) == ("琼A12345", Decimal("0.51"))


@pytest.mark.parametrize(("said", "value"), [(0, "0"), (86, "0.86"), (100, "1"), (204, "0.8"), (256, None)])
def test_dahuas_confidence_is_per_cent_and_only_above_that_of_255(said: int, value: str | None) -> None:
    event = vehicle(dahua({"Object": {"ObjectType": "Plate", "Text": "A1", "Confidence": said}}), DAHUA)
    assert event.confidence == (None if value is None else Decimal(value))


@pytest.mark.parametrize(
    ("data", "direction"),
    [
        (
            {"TrafficCar": {"DrivingDirection": ["Leave", "", ""], "Direction": 1}, "JunctionDirection": "Obverse"},
            "leave",
        ),
        ({"TrafficCar": {"DrivingDirection": ["", ""], "Direction": 4}, "JunctionDirection": "Reverse"}, "reverse"),
        ({"TrafficCar": {"Direction": "1"}}, "Approaching"),
        ({"TrafficCar": {"Direction": 0}}, None),
        ({"TrafficCar": {"Direction": 8}}, None),
    ],
)
def test_dahuas_movement_goes_before_the_compass_direction_of_the_lane(data: object, direction: str | None) -> None:
    assert vehicle(dahua(data), DAHUA).direction == direction


def test_dahuas_real_utc_goes_before_its_utc_which_may_be_local_time() -> None:
    data = {"TrafficCar": {"PlateNumber": "A1"}, "UTC": 1706625295}
    lies = reader("dahua-event-stream", CameraClock(ZoneInfo("Asia/Bangkok"), local_as_utc=True))
    assert vehicle(dahua(data), DAHUA).time == "2024-01-30T14:34:55Z"
    assert vehicle(dahua(data), lies).time == "2024-01-30T14:34:55+07:00"
    assert vehicle(dahua(data | {"RealUTC": 1706600095}), lies).time == "2024-01-30T07:34:55Z"


def test_an_event_that_stops_is_a_vehicle_only_if_it_says_a_plate() -> None:
    assert events(dahua({"TrafficCar": {"Lane": 1}}, action="Stop"), DAHUA) == [OtherEvent("TrafficJunction", "Stop")]
    assert vehicle(dahua({"TrafficCar": {"PlateNumber": "A1"}}, action="Stop"), DAHUA).plate == "A1"


@pytest.mark.parametrize("prefix", ["Events", "ReturnEvents"])
def test_dahuas_lines_of_several_events_are_several_vehicles(prefix: str) -> None:
    raw = "".join(
        f"{prefix}[{n}].EventBaseInfo.Code=TrafficJunction\r\n{prefix}[{n}].TrafficCar.PlateNumber=A{n}\r\n"
        for n in range(2)
    )
    found = [event for event in events(raw.encode(), DAHUA) if isinstance(event, VehicleEvent)]
    assert [event.plate for event in found] == ["A0", "A1"]


def test_what_an_object_lacks_is_taken_from_its_own_frame_and_never_from_its_neighbours() -> None:
    def frame(hour: int, number: int, lane: str) -> str:
        plate = f"<LicensePlateInfo><PlateNumber>A{number}</PlateNumber></LicensePlateInfo>"
        return f'<Frame UtcTime="2026-01-01T0{hour}:00:00Z"><Object ObjectId="{number}">{plate}{lane}</Object></Frame>'

    lane = '<Properties><Property name="Lane">5</Property></Properties>'
    raw = f"<MetadataStream><VideoAnalytics>{frame(1, 1, lane)}{frame(2, 2, '')}</VideoAnalytics></MetadataStream>"
    one, two = events(raw.encode(), ONVIF)
    assert isinstance(one, VehicleEvent)
    assert isinstance(two, VehicleEvent)
    assert (one.time, one.lane, one.track) == ("2026-01-01T01:00:00Z", "5", "1")
    assert (two.time, two.lane, two.track) == ("2026-01-01T02:00:00Z", None, "2")


def test_pictures_inside_a_document_are_taken_out_and_what_is_none_is_left() -> None:
    body = b"\xff\xd8\xff" + b"x" * 20
    text = base64.b64encode(body).decode()
    raw = f"<M><PLATE_STRING>A1</PLATE_STRING><IMAGE_OCR>{text}</IMAGE_OCR><IMAGE_CTX>BASE64_JPG</IMAGE_CTX></M>"
    (picture,) = vehicle(raw.encode(), reader("tattile")).pictures
    assert (picture.role, picture.media_type, picture.body) == ("plate", "image/jpeg", body)


NAMES = st.sampled_from(
    ["ANPR", "licensePlate", "Plate", "Plates", "eventType", "line", "Object", "X", "confidenceLevel", "Frame"]
)
TEXTS = st.text(alphabet="ANPR19.&<蓝粤·-x \r\n", max_size=8)
XML_TREES = st.recursive(
    st.builds("<{0}>{1}</{0}>".format, NAMES, TEXTS),
    lambda children: st.builds(
        lambda name, inner: f"<{name}>{''.join(inner)}</{name}>", NAMES, st.lists(children, max_size=4)
    ),
    max_leaves=12,
)
KEYS = st.sampled_from(["TrafficCar", "PlateNumber", "Object", "Events", "anpr", "decision", "@plate", "carID", "UTC"])
JSON_TREES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS),
    lambda children: st.one_of(st.lists(children, max_size=3), st.dictionaries(KEYS, children, max_size=4)),
    max_leaves=12,
)
READERS = [reader(name.removeprefix("plate/")) for name in PROFILES]


@given(st.one_of(st.binary(max_size=100), XML_TREES.map(str.encode), JSON_TREES.map(json.dumps).map(str.encode)))
def test_no_document_makes_any_profile_raise(raw: bytes) -> None:
    for each in READERS:
        for form in ("xml", "json", "dahua", "pairs"):
            found = each.read(Document(form, raw))
            assert all(isinstance(event, VehicleEvent | Heartbeat | OtherEvent | Unreadable) for event in found)
