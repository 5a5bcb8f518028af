"""Readings of the other devices as messages of the gate contract. Pure."""

from __future__ import annotations

from decimal import Decimal

from edge_agent.model.document_reading import DocumentSeen
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
from edge_agent.model.moment import Moment
from edge_agent.model.wire import stamp_of
from gate_contract.v1 import evidence_pb2, reading_pb2

MOST_RAW = 4096
"""Bytes of a frame that a record keeps."""


def reading_message(
    device_id: str, lane_id: str, at: Moment, raw: bytes, reading: DeviceReading
) -> reading_pb2.Reading:
    """A reading as a message; `raw` is what it was read from, `lane_id` "" for none."""
    message = reading_pb2.Reading(device_id=device_id, lane_id=lane_id, at=stamp_of(at), raw=raw[:MOST_RAW])
    match reading:
        case RadiationOccupancy():
            message.radiation.CopyFrom(_radiation(reading))
        case Scan():
            message.scan.CopyFrom(_scan(reading))
        case Vessel():
            message.vessel.CopyFrom(_vessel(reading))
        case Position():
            message.position.CopyFrom(_position(reading))
        case TagSeen():
            message.tag.CopyFrom(_tag(reading))
        case InputChanged():
            input_changed = reading_pb2.InputChanged(name=reading.name, active=reading.active, initial=reading.initial)
            message.input.CopyFrom(input_changed)
        case Distance():
            message.distance.CopyFrom(_distance(reading))
        case DocumentSeen():
            message.document.CopyFrom(_document(reading))
    return message


def _radiation(occupancy: RadiationOccupancy) -> reading_pb2.RadiationOccupancy:
    return reading_pb2.RadiationOccupancy(
        number=occupancy.number,
        gamma_alarm=occupancy.gamma_alarm,
        neutron_alarm=occupancy.neutron_alarm,
        gamma_samples=occupancy.gamma_samples,
        neutron_samples=occupancy.neutron_samples,
        max_gamma_1s_sum=occupancy.max_gamma_1s_sum,
        max_neutron=occupancy.max_neutron,
        neutron_background=_text(occupancy.neutron_background),
        gamma_background=occupancy.gamma_background,
        speeds_kph=[_text(speed) for speed in occupancy.speeds_kph],
        complete=occupancy.complete,
    )


def _scan(scan: Scan) -> reading_pb2.Scan:
    image = None
    if (ref := scan.image) is not None:
        image = evidence_pb2.Evidence(sha256=ref.sha256, size=ref.size, media_type=ref.media_type, role=ref.role)
    return reading_pb2.Scan(
        scan_id=scan.scan_id or "",
        verdict=scan.verdict or "",
        device_verdict=scan.device_verdict or "",
        object_class=scan.object_class or "",
        confidence=_text(scan.confidence),
        image_name=scan.image_name or "",
        image=image,
        image_problem=scan.image_problem,
    )


def _vessel(vessel: Vessel) -> reading_pb2.Vessel:
    return reading_pb2.Vessel(
        mmsi=vessel.mmsi,
        message_type=vessel.message_type,
        latitude_degrees=vessel.latitude_degrees,
        longitude_degrees=vessel.longitude_degrees,
        speed_knots=vessel.speed_knots,
        course_degrees=vessel.course_degrees,
        heading_degrees=vessel.heading_degrees,
        status=vessel.status or "",
        name=vessel.name or "",
        call_sign=vessel.call_sign or "",
        imo=vessel.imo,
        ship_type=vessel.ship_type,
        destination=vessel.destination or "",
    )


def _position(position: Position) -> reading_pb2.Position:
    return reading_pb2.Position(
        fix=position.fix,
        latitude_degrees=_text(position.latitude_degrees),
        longitude_degrees=_text(position.longitude_degrees),
        altitude_metres=_text(position.altitude_metres),
        satellites=position.satellites,
        hdop=_text(position.hdop),
        time=position.time or "",
    )


def _tag(tag: TagSeen) -> reading_pb2.TagSeen:
    return reading_pb2.TagSeen(
        epc=tag.epc, antenna=tag.antenna, rssi_dbm=tag.rssi_dbm, first_seen_us=tag.first_seen_us, count=tag.count
    )


def _distance(distance: Distance) -> reading_pb2.Distance:
    return reading_pb2.Distance(
        millimetres=_text(distance.millimetres),
        uncertainty_mm=_text(distance.uncertainty_mm),
        occupied=bool(distance.occupied),
        raw_count=distance.raw,
    )


def _document(document: DocumentSeen) -> reading_pb2.DocumentSeen:
    return reading_pb2.DocumentSeen(
        kind=document.kind,
        issuer=document.issuer,
        pseudonym=document.pseudonym,
        expires=document.expires,
        faults=document.faults,
        sealed=document.sealed,
        key_id=document.key_id,
    )


def _text(value: Decimal | None) -> str:
    """Decimal text without an exponent; "" for nothing."""
    return "" if value is None else f"{value:f}"
