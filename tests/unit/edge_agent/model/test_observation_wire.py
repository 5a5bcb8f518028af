"""Readings as a lane sees them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from edge_agent.model.moment import Moment, MonoNs, WallNs
from edge_agent.model.observation_wire import axles_weighed, message_of, observation_of
from edge_agent.model.readings import Stability, StableWeight, Weight
from edge_agent.model.wire import stamp_of
from gate_contract.v1 import reading_pb2 as pb

NOW = Moment(WallNs(1_790_000_000_000_000_000), MonoNs(5_000), b"b" * 16, synchronised=True)
OF_NO_PASSAGE = {"vessel", "position", "tag", "camera"}
OF_A_PASSAGE = {"radiation", "scan", "input", "distance", "container", "face", "axles", "document", "seal"}


def reading(**body: object) -> pb.Reading:
    return pb.Reading(device_id="d1", lane_id="L1", at=stamp_of(NOW), raw=b"raw", **body)  # type: ignore[arg-type]


def test_of_each_kind_of_reading_it_is_known_whether_it_belongs_to_passages() -> None:
    kinds = {field.name for field in pb.Reading.DESCRIPTOR.oneofs_by_name["body"].fields}
    assert kinds == OF_NO_PASSAGE | OF_A_PASSAGE


@pytest.mark.parametrize("kind", sorted(OF_A_PASSAGE))
def test_a_reading_goes_through_a_lane_unchanged(kind: str) -> None:
    message = reading()
    getattr(message, kind).SetInParent()
    observation = observation_of(message)
    assert observation is not None
    assert (observation.kind, observation.at, observation.device_id) == (kind, NOW, "d1")
    assert message_of(observation) == message


@pytest.mark.parametrize("kind", sorted(OF_NO_PASSAGE))
def test_what_belongs_to_no_passage_is_none(kind: str) -> None:
    message = reading()
    getattr(message, kind).SetInParent()
    assert observation_of(message) is None


def test_a_person_is_named_by_the_pseudonym_and_by_no_visa() -> None:
    passport = observation_of(reading(document=pb.DocumentSeen(kind="TD3", pseudonym=b"\x01\x02")))
    visa = observation_of(reading(document=pb.DocumentSeen(kind="MRV-B", pseudonym=b"\x03")))
    face = observation_of(reading(face=pb.FaceChecked(outcome="matched", pseudonym="p")))
    assert passport is not None
    assert visa is not None
    assert face is not None
    assert (passport.name, visa.name, face.name, face.active) == ("0102", "", "p", True)


def test_an_input_is_named_by_its_device_and_itself() -> None:
    found = observation_of(reading(input=pb.InputChanged(name="loop-in", active=True, initial=True)))
    assert found
    assert (found.name, found.active, found.initial) == ("d1/loop-in", True, True)


def test_the_axles_of_a_ticket_are_a_reading_with_their_sum() -> None:
    weight = StableWeight(
        "scale-1",
        NOW,
        Weight(Decimal("16.00"), "t", None, None, None, b"ticket"),
        Stability.DEVICE,
        1,
        0,
        Decimal("28.5"),
        Decimal(20),
        axles=(Decimal(7000), Decimal("9000.0")),
    )
    observation = axles_weighed(weight, "L1")
    message = message_of(observation)
    assert (observation.kind, message.device_id, message.lane_id, message.raw) == ("axles", "scale-1", "L1", b"ticket")
    assert list(message.axles.axle_kilograms) == ["7000", "9000.0"]
    assert (message.axles.total_kilograms, message.axles.uncertainty_kilograms) == ("16000.00", "28.5")
    assert observation_of(message) == observation
