"""Readings of pictures as messages of the gate contract. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from edge_agent.model.moment import Moment
from edge_agent.model.readings import EvidenceRef
from edge_agent.model.vision_readings import CameraHealth, ContainerSeen, FaceChecked, VisionReading
from edge_agent.model.wire import character_message, stamp_of
from gate_contract.v1 import evidence_pb2, reading_pb2


def vision_message(device_id: str, lane_id: str, at: Moment, reading: VisionReading) -> reading_pb2.Reading:
    """A reading as a message; `at` is when its picture was captured, `lane_id` "" for none."""
    message = reading_pb2.Reading(device_id=device_id, lane_id=lane_id, at=stamp_of(at))
    match reading:
        case ContainerSeen():
            message.container.CopyFrom(_container(reading))
        case FaceChecked():
            message.face.CopyFrom(_face(reading))
        case CameraHealth():
            message.camera.CopyFrom(_health(reading))
    return message


def _container(seen: ContainerSeen) -> reading_pb2.ContainerSeen:
    return reading_pb2.ContainerSeen(
        number=seen.number,
        check_digit_ok=seen.check_digit_ok,
        confidence=seen.confidence,
        unattended=seen.unattended,
        size_type=seen.size_type,
        layout=seen.layout,
        views=seen.views,
        characters=[character_message(character) for character in seen.characters],
        pictures=_evidence(seen.pictures),
    )


def _face(checked: FaceChecked) -> reading_pb2.FaceChecked:
    return reading_pb2.FaceChecked(
        outcome=checked.outcome,
        reason=checked.reason,
        reason_zh=checked.reason_zh,
        compared=checked.compared,
        score=checked.score,
        threshold=checked.threshold,
        model_sha256=checked.model_sha256,
        calibration_id=checked.calibration_id,
        tries=checked.tries,
        pseudonym=checked.pseudonym,
        quality=[
            reading_pb2.FaceMeasure(name=each.name, value=each.value, unit=each.unit, ok=each.ok)
            for each in checked.quality
        ],
        liveness=checked.liveness,
        liveness_model_sha256=checked.liveness_model_sha256,
        gallery_size=checked.gallery_size,
        pictures=_evidence(checked.pictures),
    )


def _health(health: CameraHealth) -> reading_pb2.CameraHealth:
    return reading_pb2.CameraHealth(
        condition=health.condition,
        brightness=health.brightness,
        blown_out=health.blown_out,
        contrast=health.contrast,
        sharpness=health.sharpness,
        seen=health.seen,
        dropped=health.dropped,
        spoiled=health.spoiled,
    )


def _evidence(references: Iterable[EvidenceRef]) -> list[evidence_pb2.Evidence]:
    return [
        evidence_pb2.Evidence(
            sha256=each.sha256, size=each.size, media_type=each.media_type, role=each.role, not_kept=each.not_kept
        )
        for each in references
    ]
