"""Readings as messages: every field arrives, and what the device does not say stays unset."""

from __future__ import annotations

from decimal import Decimal

import pytest

from edge_agent.model.lane_readings import (
    DeviceReading,
    Distance,
    InputChanged,
    Position,
    RadiationOccupancy,
    Scan,
    TagSeen,
    Vessel,
)
from edge_agent.model.reading_wire import MOST_RAW, reading_message
from edge_agent.model.readings import EvidenceRef
from gate_contract.v1.reading_pb2 import Reading
from tests.unit.edge_agent.drivers.moments import moment

FULL: dict[str, DeviceReading] = {
    "radiation": RadiationOccupancy(
        17, True, True, 6, 2, 2078, 30, Decimal("1.250"), (386, 391), (Decimal("5.49"),), complete=True
    ),
    "scan": Scan(
        "A-1", "alarm", "ALARM", "刀具", Decimal("0.93"), "A-1.jpg", EvidenceRef(bytes(32), 9, "image/jpeg", "scan")
    ),
    "vessel": Vessel(413999888, 5, 20.05, 110.16, 0.1, 90.5, 91, "moored", "S", "BQXY1", 9123456, 60, "HAIKOU"),
    "position": Position(
        fix=True,
        latitude_degrees=Decimal("20.050000000"),
        longitude_degrees=Decimal("110.16"),
        altitude_metres=Decimal("12.3"),
        satellites=8,
        hdop=Decimal("1.1"),
        time="2026-11-22T06:01:01Z",
    ),
    "tag": TagSeen("e280", 2, -61, 1_795_000_000_000_000, 5),
    "input": InputChanged("loop-in", active=True, initial=True),
    "distance": Distance(Decimal("1169.7750000"), Decimal(15), occupied=True, raw=10_000),
}
EMPTY: dict[str, DeviceReading] = {
    "radiation": RadiationOccupancy(None, False, False, 0, 0, None, None, None, (), (), complete=False),
    "scan": Scan(None, None, None, None, None, None),
    "vessel": Vessel(413999888, 27),
    "position": Position(fix=False),
    "tag": TagSeen("e280"),
    "distance": Distance(None, Decimal(15), occupied=False, raw=65_535),
}


@pytest.mark.parametrize("body", FULL)
def test_every_field_of_a_reading_arrives(body: str) -> None:
    message = Reading.FromString(reading_message("d", "out-1", moment(1), b"raw", FULL[body]).SerializeToString())

    assert message.WhichOneof("body") == body
    assert (message.device_id, message.lane_id, message.raw) == ("d", "out-1", b"raw")
    said = getattr(message, body)
    unset = {field.name for field in said.DESCRIPTOR.fields} - {field.name for field, _ in said.ListFields()}
    assert unset == ({"image_problem"} if body == "scan" else set())


@pytest.mark.parametrize("body", EMPTY)
def test_what_the_device_does_not_say_stays_unset(body: str) -> None:
    said = getattr(reading_message("d", "", moment(1), b"", EMPTY[body]), body)
    told = {field.name for field, _ in said.ListFields()}

    assert told <= {"mmsi", "message_type", "epc", "uncertainty_mm", "raw_count"}


def test_numbers_are_text_without_exponent_and_raw_bytes_are_bounded() -> None:
    tiny = Position(fix=True, latitude_degrees=Decimal("0E-9"), longitude_degrees=Decimal("0.000000001"))
    message = reading_message("d", "", moment(1), b"x" * (MOST_RAW + 1), tiny)

    assert message.position.latitude_degrees == "0.000000000"
    assert message.position.longitude_degrees == "0.000000001"
    assert len(message.raw) == MOST_RAW
