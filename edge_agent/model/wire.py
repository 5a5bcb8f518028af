"""The model's values as messages of the gate contract, and back. Pure; the only place that knows both."""

from __future__ import annotations

from edge_agent.model.moment import Moment, MonoNs, WallNs
from edge_agent.model.readings import CharacterRead, EvidenceRef, PlateSeen
from gate_contract.v1 import passage_pb2 as pb
from gate_contract.v1 import reading_pb2
from gate_contract.v1.evidence_pb2 import Evidence
from gate_contract.v1.stamp_pb2 import CLOCK_STATE_SYNCHRONISED, CLOCK_STATE_UNSYNCHRONISED, Stamp


def stamp_of(moment: Moment) -> Stamp:
    """A moment as a stamp."""
    return Stamp(
        wall_unix_ns=moment.wall,
        monotonic_ns=moment.mono,
        boot_id=moment.boot_id,
        clock=CLOCK_STATE_SYNCHRONISED if moment.synchronised else CLOCK_STATE_UNSYNCHRONISED,
        error_bound_ns=moment.error_bound_ns,
    )


def moment_of(stamp: Stamp) -> Moment:
    """A stamp of this agent as a moment."""
    return Moment(
        WallNs(stamp.wall_unix_ns),
        MonoNs(stamp.monotonic_ns),
        stamp.boot_id,
        stamp.clock == CLOCK_STATE_SYNCHRONISED,
        stamp.error_bound_ns if stamp.HasField("error_bound_ns") else None,
    )


def plate_message(plate: PlateSeen, *, late: bool = False) -> pb.PlateRead:
    """A plate event as a message."""
    return pb.PlateRead(
        device_id=plate.device_id,
        at=stamp_of(plate.at),
        text=plate.text,
        confidence=plate.confidence,
        direction=plate.direction,
        camera_lane=plate.camera_lane,
        device_time=plate.device_time,
        event_id=plate.event_id,
        pictures=[evidence_message(picture) for picture in plate.pictures],
        late=late,
        characters=[character_message(character) for character in plate.characters],
    )


def plate_of(message: pb.PlateRead) -> PlateSeen:
    """What `plate_message` wrote."""
    return PlateSeen(
        device_id=message.device_id,
        at=moment_of(message.at),
        text=message.text,
        confidence=message.confidence if message.HasField("confidence") else None,
        direction=message.direction,
        camera_lane=message.camera_lane,
        device_time=message.device_time,
        event_id=message.event_id,
        pictures=tuple(evidence_of(picture) for picture in message.pictures),
        characters=tuple(character_of(character) for character in message.characters),
    )


def character_message(character: CharacterRead) -> reading_pb2.CharacterRead:
    """A character as a message."""
    choices = [reading_pb2.CharacterChoice(text=text, confidence=value) for text, value in character.alternatives]
    return reading_pb2.CharacterRead(text=character.text, confidence=character.confidence, alternatives=choices)


def character_of(message: reading_pb2.CharacterRead) -> CharacterRead:
    """What `character_message` wrote."""
    choices = tuple((each.text, each.confidence) for each in message.alternatives)
    return CharacterRead(message.text, message.confidence, choices)


def evidence_message(evidence: EvidenceRef) -> Evidence:
    """A reference as a message."""
    return Evidence(
        sha256=evidence.sha256,
        size=evidence.size,
        media_type=evidence.media_type,
        role=evidence.role,
        not_kept=evidence.not_kept,
    )


def evidence_of(message: Evidence) -> EvidenceRef:
    """What `evidence_message` wrote."""
    return EvidenceRef(message.sha256, message.size, message.media_type, message.role, message.not_kept)
