from __future__ import annotations

import math
from decimal import Decimal

import pytest

from gate_contract.rules import Declared, PassageFacts
from gate_contract.rules.amounts import Absent, amount
from gate_contract.v1 import declaration_pb2, passage_pb2, stamp_pb2
from tests.unit.gate_contract.rules.builders import NOON, a_declaration, a_passage, a_plate, a_weighing


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", "0"), ("12.340", "12.34"), ("+5", "5"), ("5.59732985800000000001",) * 2],
)
def test_decimal_text_is_taken_exactly(text: str, value: str) -> None:
    assert amount(text) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not given"),
        ("12,5", "given as '12,5', which is no decimal number of kilograms"),
        ("1e3", "given as '1e3', which is no decimal number of kilograms"),
        ("NaN", "given as 'NaN', which is no decimal number of kilograms"),
        ("١٢", "given as '١٢', which is no decimal number of kilograms"),
        ("1_000", "given as '1_000', which is no decimal number of kilograms"),
        ("1234567890", "given as '1234567890', which is no decimal number of kilograms"),
        ("-5", "given as -5 kg, less than nothing"),
    ],
)
def test_what_cannot_be_used_is_absent_with_the_reason(text: str, reason: str) -> None:
    assert amount(text) == Absent(reason)


def test_a_negative_weight_is_a_weight_where_it_may_be_one() -> None:
    assert amount("-5", negative=True) == Decimal(-5)


def test_an_empty_passage_is_a_passage_of_nothing() -> None:
    assert PassageFacts.of(passage_pb2.Passage()) == PassageFacts("", None, 0, (), (), ())


def test_an_empty_declaration_declares_nothing() -> None:
    declared = Declared.of(declaration_pb2.Declaration())
    assert declared.vehicle_tare_kilograms == declared.cargo_kilograms == Absent("not given")
    assert (declared.persons, declared.departure_unix_ns, declared.lodged_unix_ns) == (None, None, None)
    assert declared.name == "(no id) version 0"


@pytest.mark.parametrize("confidence", [-0.1, 1.1, math.nan, math.inf, None])
def test_a_confidence_outside_0_to_1_is_none(confidence: float | None) -> None:
    assert PassageFacts.of(a_passage(plates=[a_plate(confidence=confidence)])).plates[0].confidence is None


@pytest.mark.parametrize(
    ("clock", "wall", "known"),
    [
        (stamp_pb2.CLOCK_STATE_SYNCHRONISED, NOON, NOON),
        (stamp_pb2.CLOCK_STATE_UNSPECIFIED, NOON, NOON),
        (stamp_pb2.CLOCK_STATE_UNSYNCHRONISED, NOON, None),
        (stamp_pb2.CLOCK_STATE_SYNCHRONISED, 0, None),
        (stamp_pb2.CLOCK_STATE_SYNCHRONISED, -5, None),
    ],
)
def test_the_time_of_a_passage_is_known_only_from_a_clock_that_can_be_believed(
    clock: stamp_pb2.ClockState.ValueType, wall: int, known: int | None
) -> None:
    assert PassageFacts.of(a_passage(at=wall, clock=clock)).at_unix_ns == known


def test_enum_values_of_a_later_version_count_as_not_said() -> None:
    message = a_weighing()
    message.MergeFromString(a_weighing(kind=passage_pb2.WEIGHT_KIND_UNSPECIFIED).SerializeToString())
    message.ParseFromString(b"\x30\x63" + b"\x38\x63")  # kind = 99, stability = 99
    weighing = PassageFacts.of(a_passage(weighings=[message])).weighings[0]
    assert (weighing.kind, weighing.stability) == (None, None)


@pytest.mark.parametrize(
    ("containers", "box_tare", "value"),
    [
        ((), "", Decimal(0)),
        ((), "2200", Decimal(2200)),
        (("MSKU1234565",), "2200", Decimal(2200)),
        (("MSKU1234565",), "", Absent("not given")),
    ],
)
def test_without_containers_the_box_tare_need_not_be_declared(
    containers: tuple[str, ...], box_tare: str, value: Decimal | Absent
) -> None:
    assert Declared.of(a_declaration(containers=containers, box_tare=box_tare)).box_tare_kilograms == value
