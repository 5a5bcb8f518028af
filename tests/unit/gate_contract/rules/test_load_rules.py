from __future__ import annotations

from decimal import Decimal

import pytest

from gate_contract.rules import Policy
from gate_contract.v1 import declaration_pb2, passage_pb2, reading_pb2
from tests.unit.gate_contract.rules.builders import (
    HOLD,
    INSPECT,
    a_box,
    a_container,
    a_declaration,
    a_passage,
    a_scan,
    codes,
    inputs_of,
    judge,
    the_finding,
)

BOX, OTHER = "CSQU3054383", "MSKU1234565"
EMPTIES = passage_pb2.LANE_KIND_EMPTY_CONTAINER
BOUND = "283"
"""3u of a scale of 20 kg, empty mass 60 kg and fuel 70 kg, kilograms."""


def declared(full: bool | None, *, cargo: str = "0", numbers: tuple[str, ...] = (BOX,)) -> declaration_pb2.Declaration:
    """12,000 kg vehicle, 2,200 kg container, one person: 14,275 kg with nothing in it."""
    return a_declaration(
        equipment=[a_box(number, full=full) for number in numbers], box_tare="2200", cargo=cargo, persons=1
    )


def a_distance(*, occupied: bool) -> reading_pb2.Reading:
    return reading_pb2.Reading(device_id="ultrasonic-1", distance=reading_pb2.Distance(occupied=occupied))


def passage(
    *readings: reading_pb2.Reading, weight: str = "", lane: passage_pb2.LaneKind.ValueType = EMPTIES
) -> passage_pb2.Passage:
    return a_passage(
        weighings=[weight] if weight else [],
        readings=[a_container(BOX), *readings],
        lane=lane,
    )


def test_an_empty_container_that_all_three_find_empty_passes() -> None:
    seen = passage(a_distance(occupied=False), a_scan("empty"), weight="14275")
    assert codes(judge(seen, [declared(False)])) == []


@pytest.mark.parametrize(
    ("readings", "weight"),
    [([a_distance(occupied=True)], ""), ([a_scan("machinery")], ""), ([], "14559")],
)
def test_c05_inspects_what_one_witness_calls_loaded(readings: list[reading_pb2.Reading], weight: str) -> None:
    decision = judge(passage(*readings, weight=weight), [declared(False)])
    finding = the_finding(decision, "C05")
    assert (finding.action, finding.severity) == (INSPECT, 4)


@pytest.mark.parametrize(
    ("readings", "weight"),
    [
        ([a_distance(occupied=True), a_scan("machinery")], ""),
        ([a_distance(occupied=True)], "20000"),
        ([a_scan("machinery"), a_distance(occupied=False)], "20000"),
    ],
)
def test_c05_holds_what_two_witnesses_call_loaded(readings: list[reading_pb2.Reading], weight: str) -> None:
    finding = the_finding(judge(passage(*readings, weight=weight), [declared(False)]), "C05")
    assert finding.action == HOLD


@pytest.mark.parametrize(("above", "fires"), [("283.0", False), ("283.1", True)])
def test_c05_weighs_from_three_uncertainties_above_the_tare(above: str, fires: bool) -> None:
    weight = str(14275 + Decimal(above))
    decision = judge(passage(weight=weight), [declared(False)])
    assert ("C05" in codes(decision)) is fires
    strict = Policy.from_toml("[C05]\ntimes_uncertainty = 1")
    assert "C05" in codes(judge(passage(weight=weight), [declared(False)], policy=strict))


def test_c05_says_nothing_of_what_is_not_declared_empty() -> None:
    full = [a_distance(occupied=True), a_scan("machinery")]
    assert codes(judge(passage(*full), [declared(None)])) == []
    assert codes(judge(passage(*full), [declared(True, cargo="13000")])) == []
    assert codes(judge(passage(*full), [])) == []


def test_c05_says_nothing_where_one_of_two_containers_is_loaded() -> None:
    boxes = [a_box(BOX, full=False), a_box(OTHER, full=True)]
    trip = a_declaration(equipment=boxes, box_tare="4400")
    assert codes(judge(passage(a_distance(occupied=True)), [trip])) == []


def test_a_distance_sensor_on_a_lane_for_vehicles_sees_the_vehicle() -> None:
    seen = passage(a_distance(occupied=True), lane=passage_pb2.LANE_KIND_VEHICLE)
    assert codes(judge(seen, [declared(False)])) == []


def test_c05_takes_no_class_that_policy_does_not_know() -> None:
    assert codes(judge(passage(a_scan("thingummy")), [declared(False)])) == []


@pytest.mark.parametrize(
    ("readings", "weight"),
    [([a_distance(occupied=False)], ""), ([a_scan("empty")], ""), ([], "14275")],
)
def test_c06_inspects_what_is_declared_loaded_and_found_empty(readings: list[reading_pb2.Reading], weight: str) -> None:
    decision = judge(passage(*readings, weight=weight), [declared(True, cargo="13000")])
    finding = the_finding(decision, "C06")
    assert (finding.action, finding.severity) == (INSPECT, 3)


def test_c06_is_silent_when_one_witness_says_loaded_or_none_says_anything() -> None:
    trip = [declared(True, cargo="13000")]
    assert codes(judge(passage(a_distance(occupied=False), weight="27275"), trip)) == []
    assert codes(judge(passage(), trip)) == []


def test_c06_does_not_take_goods_for_nothing_that_are_too_light_to_weigh() -> None:
    assert "C06" not in codes(judge(passage(weight="14275"), [declared(True, cargo="500")]))
    assert (
        inputs_of(the_finding(judge(passage(weight="14275"), [declared(True, cargo="600")]), "C06"))["weight"]
        == f"0 kg above the tares, 3u = {BOUND} kg"
    )
