"""Readings of pictures as messages: every field arrives, and what is not known stays unset."""

from __future__ import annotations

import pytest

from edge_agent.model.readings import CharacterRead, EvidenceRef
from edge_agent.model.vision_readings import (
    CameraHealth,
    ContainerSeen,
    FaceChecked,
    FaceMeasure,
    VisionReading,
)
from edge_agent.model.vision_wire import vision_message
from gate_contract.v1.reading_pb2 import Reading
from tests.unit.edge_agent.drivers.moments import moment

PICTURE = EvidenceRef(bytes(32), 9, "image/jpeg", "container", "the disk is full")
FULL: dict[str, VisionReading] = {
    "container": ContainerSeen(
        "CSQU3054383", True, 0.93, True, "22G1", "two-part", 4, (CharacterRead("C", 0.93, (("G", 0.05),)),), (PICTURE,)
    ),
    "face": FaceChecked(
        "matched", "the same", "一致", "1:N", 0.97, 0.94, "a" * 64, "b" * 64, 2, "0f" * 16,
        (FaceMeasure("size", 61.0, "px", ok=True),), "live", "c" * 64, 2000, (PICTURE,),
    ),
    "camera": CameraHealth("fog", 120.5, 0.25, 31.0, 0.02, 900, 40, 3),
}  # fmt: skip


@pytest.mark.parametrize("body", FULL)
def test_every_field_of_a_reading_arrives(body: str) -> None:
    message = Reading.FromString(vision_message("cam", "in-1", moment(1), FULL[body]).SerializeToString())

    assert message.WhichOneof("body") == body
    assert (message.device_id, message.lane_id, message.raw) == ("cam", "in-1", b"")
    told = getattr(message, body)
    assert {field.name for field, _ in told.ListFields()} == {field.name for field in told.DESCRIPTOR.fields}


def test_a_face_that_nothing_was_compared_with_has_no_score() -> None:
    checked = FaceChecked("staffed lane", "no face", "未检测到人脸", "1:1", None, 0.94, "a" * 64, "none", 3)
    face = vision_message("cam", "", moment(1), checked).face

    assert not face.HasField("score")
    assert not face.HasField("gallery_size")
    assert face.liveness == "not checked"


def test_a_character_keeps_what_else_it_may_have_been() -> None:
    (character,) = vision_message("cam", "", moment(1), FULL["container"]).container.characters

    assert (character.text, character.confidence) == ("C", 0.93)
    assert [(choice.text, choice.confidence) for choice in character.alternatives] == [("G", 0.05)]
