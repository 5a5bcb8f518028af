"""Passages as messages of the gate contract, and back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeVar, cast

from edge_agent.model.observation import Observation
from edge_agent.model.observation_wire import message_of, observation_of
from edge_agent.model.passage import ClosedBy, Direction, LaneKind, Missing, OpenedBy, Passage
from edge_agent.model.readings import Stability, StableWeight, Weight, WeightKind, WeightUnit
from edge_agent.model.wire import evidence_message, evidence_of, moment_of, plate_message, plate_of, stamp_of
from gate_contract.v1 import passage_pb2 as pb
from gate_contract.v1.reading_pb2 import Reading

K = TypeVar("K")
V = TypeVar("V")

OPENINGS = {
    OpenedBy.WEIGHT: pb.PASSAGE_OPENING_WEIGHT,
    OpenedBy.PLATE: pb.PASSAGE_OPENING_PLATE,
    OpenedBy.TRIGGER: pb.PASSAGE_OPENING_TRIGGER,
    OpenedBy.CONTAINER: pb.PASSAGE_OPENING_CONTAINER,
    OpenedBy.DOCUMENT: pb.PASSAGE_OPENING_DOCUMENT,
    OpenedBy.OTHER: pb.PASSAGE_OPENING_READING,
}
LANE_KINDS: dict[LaneKind, pb.LaneKind.ValueType] = {
    "vehicle": pb.LANE_KIND_VEHICLE,
    "empty-container": pb.LANE_KIND_EMPTY_CONTAINER,
    "passenger": pb.LANE_KIND_PASSENGER,
    "observation": pb.LANE_KIND_OBSERVATION,
}
CLOSINGS = {
    ClosedBy.COMPLETE: pb.PASSAGE_CLOSING_COMPLETE,
    ClosedBy.GRACE_EXPIRED: pb.PASSAGE_CLOSING_GRACE_EXPIRED,
    ClosedBy.DEPARTED: pb.PASSAGE_CLOSING_DEPARTED,
    ClosedBy.SUPERSEDED: pb.PASSAGE_CLOSING_SUPERSEDED,
    ClosedBy.BACKED_OUT: pb.PASSAGE_CLOSING_BACKED_OUT,
}
DIRECTIONS: dict[Direction | None, pb.Direction.ValueType] = {
    None: pb.DIRECTION_UNSPECIFIED,
    "inbound": pb.DIRECTION_INBOUND,
    "outbound": pb.DIRECTION_OUTBOUND,
}
KINDS: dict[WeightKind | None, pb.WeightKind.ValueType] = {
    None: pb.WEIGHT_KIND_UNSPECIFIED,
    "gross": pb.WEIGHT_KIND_GROSS,
    "net": pb.WEIGHT_KIND_NET,
}
STABILITIES = {Stability.DEVICE: pb.STABILITY_DEVICE, Stability.INFERRED: pb.STABILITY_INFERRED}


def passage_message(passage: Passage) -> pb.Passage:
    """A passage as a message, without a decision."""
    return pb.Passage(
        passage_id=passage.passage_id,
        revision=passage.revision,
        lane_id=passage.lane_id,
        lane_kind=LANE_KINDS[passage.lane_kind],
        direction=DIRECTIONS[passage.direction],
        opened=stamp_of(passage.opened),
        decided=stamp_of(passage.decided),
        opened_by=OPENINGS[passage.opened_by],
        closed_by=CLOSINGS[passage.closed_by],
        plates=[plate_message(p, late=i in passage.late_plates) for i, p in enumerate(passage.plates)],
        weighings=[_weighing_message(w, late=i in passage.late_weighings) for i, w in enumerate(passage.weighings)],
        missing=[pb.MissingReading(device_id=m.device_id, kind=m.kind, reason=m.reason) for m in passage.missing],
        revision_reason=passage.revision_reason,
        readings=[message_of(reading) for reading in passage.readings],
        late_readings=sorted(passage.late_readings),
    )


def passage_of(message: pb.Passage) -> Passage:
    """What `passage_message` wrote."""
    return Passage(
        passage_id=message.passage_id,
        revision=message.revision,
        lane_id=message.lane_id,
        direction=_key(DIRECTIONS, message.direction),
        opened=moment_of(message.opened),
        decided=moment_of(message.decided),
        opened_by=_key(OPENINGS, message.opened_by),
        closed_by=_key(CLOSINGS, message.closed_by),
        plates=tuple(plate_of(plate) for plate in message.plates),
        weighings=tuple(_weighing_of(weighing) for weighing in message.weighings),
        missing=tuple(Missing(m.device_id, m.kind, m.reason) for m in message.missing),
        late_plates=frozenset(i for i, plate in enumerate(message.plates) if plate.late),
        late_weighings=frozenset(i for i, weighing in enumerate(message.weighings) if weighing.late),
        revision_reason=message.revision_reason,
        lane_kind=_key(LANE_KINDS, message.lane_kind),
        readings=tuple(_observation(reading) for reading in message.readings),
        late_readings=frozenset(message.late_readings),
    )


def _observation(message: Reading) -> Observation:
    if (observation := observation_of(message)) is None:
        raise ValueError("a passage holds a reading that belongs to none")
    return observation


def _weighing_message(weight: StableWeight, *, late: bool) -> pb.Weighing:
    return pb.Weighing(
        device_id=weight.device_id,
        at=stamp_of(weight.at),
        kilograms=_text(weight.kilograms),
        device_weight=_text(weight.weight.value),
        device_unit=weight.weight.unit,
        kind=KINDS[weight.weight.kind],
        stability=STABILITIES[weight.stability],
        uncertainty_kilograms=_text(weight.uncertainty_kilograms),
        division_kilograms="" if weight.division_kilograms is None else _text(weight.division_kilograms),
        sample_count=weight.samples,
        span_ms=weight.span_ms,
        raw_frame=weight.weight.raw,
        curve=None if weight.curve is None else evidence_message(weight.curve),
        late=late,
    )


def _weighing_of(message: pb.Weighing) -> StableWeight:
    return StableWeight(
        device_id=message.device_id,
        at=moment_of(message.at),
        weight=Weight(
            value=Decimal(message.device_weight),
            unit=cast("WeightUnit", message.device_unit),
            kind=_key(KINDS, message.kind),
            # The bit itself is not kept beside the weight; what was made of it is `stability`.
            stable=True if message.stability == pb.STABILITY_DEVICE else None,
            tare=None,
            raw=message.raw_frame,
        ),
        stability=_key(STABILITIES, message.stability),
        samples=message.sample_count,
        span_ms=message.span_ms,
        uncertainty_kilograms=Decimal(message.uncertainty_kilograms),
        division_kilograms=Decimal(message.division_kilograms) if message.division_kilograms else None,
        curve=evidence_of(message.curve) if message.HasField("curve") else None,
    )


def _text(value: Decimal) -> str:
    """Decimal text without an exponent."""
    return f"{value:f}"


def _key(table: Mapping[K, V], value: V) -> K:
    return next(key for key, known in table.items() if known == value)
