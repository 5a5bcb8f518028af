"""What a lane would have recorded, as messages of the contract. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from edge_agent.simulate.story.declared import Box, Said
from gate_contract.v1 import passage_pb2, reading_pb2, stamp_pb2

BOOT = bytes(16)
SCALE_UNCERTAINTY_KILOGRAMS = 10
AXLE_DIVISION_KILOGRAMS = 20

LANE_KINDS = {
    "vehicle": passage_pb2.LANE_KIND_VEHICLE,
    "empty-container": passage_pb2.LANE_KIND_EMPTY_CONTAINER,
    "passenger": passage_pb2.LANE_KIND_PASSENGER,
    "observation": passage_pb2.LANE_KIND_OBSERVATION,
}
DIRECTIONS = {
    "": passage_pb2.DIRECTION_UNSPECIFIED,
    "inbound": passage_pb2.DIRECTION_INBOUND,
    "outbound": passage_pb2.DIRECTION_OUTBOUND,
}


def stamp(at: datetime, bound_ms: int = 20) -> stamp_pb2.Stamp:
    """A moment on a synchronised clock; `bound_ms` is what its kernel says of it."""
    ns = int(at.timestamp() * 1_000_000) * 1000
    return stamp_pb2.Stamp(
        wall_unix_ns=ns,
        monotonic_ns=ns,
        boot_id=BOOT,
        clock=stamp_pb2.CLOCK_STATE_SYNCHRONISED,
        error_bound_ns=bound_ms * 1_000_000,
    )


def passage(passage_id: str, lane_id: str, kind: str, direction: str, at: datetime) -> passage_pb2.Passage:
    """One that is complete, with nothing read yet."""
    return passage_pb2.Passage(
        passage_id=passage_id,
        revision=1,
        lane_id=lane_id,
        lane_kind=LANE_KINDS[kind],
        direction=DIRECTIONS[direction],
        opened=stamp(at),
        decided=stamp(at),
        opened_by=passage_pb2.PASSAGE_OPENING_TRIGGER,
        closed_by=passage_pb2.PASSAGE_CLOSING_COMPLETE,
    )


def restamp(message: passage_pb2.Passage, at: datetime) -> None:
    """It passes then."""
    for moment in (message.opened, message.decided):
        moment.CopyFrom(stamp(at))


def plate(text: str, at: datetime, confidence: float = 0.97, camera: str = "told-camera") -> passage_pb2.PlateRead:
    """A plate that was read."""
    return passage_pb2.PlateRead(device_id=camera, at=stamp(at), text=text, confidence=confidence)


def weighing(kilograms: int, at: datetime, uncertainty: int = SCALE_UNCERTAINTY_KILOGRAMS) -> passage_pb2.Weighing:
    """A weight on which the scale stood still."""
    return passage_pb2.Weighing(
        device_id="told-scale",
        at=stamp(at),
        kilograms=str(kilograms),
        device_weight=str(kilograms),
        device_unit="kg",
        kind=passage_pb2.WEIGHT_KIND_GROSS,
        stability=passage_pb2.STABILITY_DEVICE,
        uncertainty_kilograms=str(uncertainty),
        division_kilograms="20",
        sample_count=20,
        span_ms=2000,
    )


def container(number: str, at: datetime, size_type: str = "22G1") -> reading_pb2.Reading:
    """A container's number that was read surely."""
    seen = reading_pb2.ContainerSeen(
        number=number, check_digit_ok=True, confidence=0.95, unattended=True, size_type=size_type, views=3
    )
    return reading_pb2.Reading(device_id="told-containers", at=stamp(at), container=seen)


def scan(at: datetime, verdict: str = "clear", object_class: str = "") -> reading_pb2.Reading:
    """A scan with its picture; the class in the scanner's words."""
    seen = reading_pb2.Scan(
        scan_id=f"S-{at:%H%M%S%f}", verdict=verdict, device_verdict=verdict.upper(), object_class=object_class
    )
    return reading_pb2.Reading(device_id="told-xray", at=stamp(at), scan=seen)


def radiation(at: datetime, *, gamma_alarm: bool = False) -> reading_pb2.Reading:
    """A vehicle in the portal."""
    seen = reading_pb2.RadiationOccupancy(gamma_alarm=gamma_alarm, gamma_samples=12, neutron_samples=2, complete=True)
    return reading_pb2.Reading(device_id="told-portal", at=stamp(at), radiation=seen)


def shares(kilograms: int, axles: int) -> list[int]:
    """About equal loads of so many axles, in whole divisions."""
    divisions, extra = divmod(kilograms // AXLE_DIVISION_KILOGRAMS, axles)
    return [(divisions + (number < extra)) * AXLE_DIVISION_KILOGRAMS for number in range(axles)]


def axles(kilograms: Iterable[int], at: datetime, uncertainty: int = 60) -> reading_pb2.Reading:
    """Axles weighed one after the other."""
    seen = reading_pb2.AxleWeights(
        axle_kilograms=[str(each) for each in kilograms], uncertainty_kilograms=str(uncertainty)
    )
    return reading_pb2.Reading(device_id="told-axles", at=stamp(at), axles=seen)


def distance(at: datetime, *, occupied: bool) -> reading_pb2.Reading:
    """A distance sensor that looks into a container."""
    seen = reading_pb2.Distance(
        millimetres="900" if occupied else "5800", uncertainty_mm="20", occupied=occupied, raw_count=900
    )
    return reading_pb2.Reading(device_id="told-ultrasound", at=stamp(at), distance=seen)


def seal(box: Box, at: datetime, *, state: str = "whole", number: str | None = None) -> reading_pb2.Reading:
    """A seal as somebody saw it."""
    seen = reading_pb2.SealSeen(
        container=box.number, number=box.seals[0] if number is None else number, state=state, confidence=0.9
    )
    return reading_pb2.Reading(device_id="told-seals", at=stamp(at), seal=seen)


def face(at: datetime, score: float, *, liveness: str = "live") -> reading_pb2.Reading:
    """A traveller compared with the document's portrait; matched from 0.94 on."""
    matched = score >= 0.94 and liveness == "live"  # noqa: PLR2004 - the shipped recogniser's threshold
    seen = reading_pb2.FaceChecked(
        outcome="matched" if matched else "staffed lane",
        reason="the face is the document's" if matched else "a person decides",
        reason_zh="人脸与证件相符" if matched else "请到人工通道",
        compared="1:1",
        score=score,
        threshold=0.94,
        model_sha256="0" * 64,
        calibration_id="none",
        tries=1 if matched else 3,
        liveness=liveness,
    )
    return reading_pb2.Reading(device_id="told-face", at=stamp(at), face=seen)


def document(at: datetime, pseudonym: bytes, expires: str = "2031-05-01") -> reading_pb2.Reading:
    """A passport that was read."""
    seen = reading_pb2.DocumentSeen(kind="TD3", issuer="CHN", pseudonym=pseudonym, expires=expires)
    return reading_pb2.Reading(device_id="told-reader", at=stamp(at), document=seen)


def truck(
    passage_id: str, lane_id: str, said: Said, at: datetime, kind: str = "vehicle", *, eyes: bool = False
) -> passage_pb2.Passage:
    """A vehicle that is exactly what was said of it; `eyes`: cameras read its container's number and its seal, too."""
    message = passage(passage_id, lane_id, kind, said.direction, at)
    message.plates.append(plate(said.vehicle_plate, at))
    if said.trailer_plate:
        message.plates.append(plate(said.trailer_plate, at, camera="told-rear-camera"))
    message.weighings.append(weighing(said.gross_kilograms, at))
    for box in said.boxes if eyes else ():
        message.readings.append(container(box.number, at, box.size_type))
        if box.seals:
            message.readings.append(seal(box, at))
    if kind == "vehicle":
        message.readings.append(radiation(at))
    else:
        message.readings.append(distance(at, occupied=said.cargo_kilograms > 0))
    return message
