from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from gate_contract.rules import QuantityLeft, UsedRelease
from gate_contract.v1 import declaration_pb2, passage_pb2, stamp_pb2
from tests.unit.gate_contract.rules.builders import (
    HOLD,
    HOUR,
    INSPECT,
    NOON,
    REVIEW,
    a_container,
    a_context,
    a_declaration,
    a_passage,
    codes,
    inputs_of,
    judge,
    the_finding,
)

EARLIER = a_declaration(version=1, cargo="12000", received=NOON - HOUR)
LATER = a_declaration(version=2, cargo="13000", received=NOON + HOUR)
AMENDED = replace(a_context(), superseded=[EARLIER])


def test_d05_judges_both_versions_of_what_was_amended_after_the_reading() -> None:
    decision = judge(a_passage(), [LATER], AMENDED)
    finding = the_finding(decision, "D05")
    assert (finding.action, finding.severity) == (REVIEW, 3)
    assert "D-1 version 1 became version 2: mass of the goods" in finding.explanation
    assert inputs_of(finding)["weight_by_earlier"] == "1000 kg, beyond what W01 allows"
    assert inputs_of(finding)["weight_by_later"] == "0 kg, within what W01 allows"


def test_d05_nobody_amends_away_what_was_found_by_the_version_that_stood() -> None:
    decision = judge(a_passage(), [LATER], AMENDED)
    assert (decision.action, codes(decision)) == (INSPECT, ["W01", "D05"])
    assert "expected by declaration D-1 version 1" in the_finding(decision, "W01").explanation
    worse = judge(a_passage(), [a_declaration(version=2, cargo="9000", received=NOON + HOUR)], AMENDED)
    assert codes(worse) == ["W01", "D05"], "found by both, told once, by the version that stands"
    assert "D-1 version 2" in the_finding(worse, "W01").explanation
    emptied = a_declaration(version=1, containers=["CSQU3054383"], box_tare="0", received=NOON - HOUR)
    seen = a_passage(readings=[a_container("MSCU1234566")])
    listed = a_declaration(version=2, containers=["MSCU1234566"], box_tare="0", received=NOON + HOUR)
    assert codes(judge(seen, [listed], replace(AMENDED, superseded=[emptied]))) == ["C02", "D05"]


@pytest.mark.parametrize(("received", "fires"), [(NOON, True), (NOON + 1, False)])
def test_d05_goes_by_the_version_that_stood_when_the_vehicle_was_read(received: int, fires: bool) -> None:
    earlier = a_declaration(version=1, cargo="12000", received=received)
    decision = judge(a_passage(), [LATER], replace(a_context(), superseded=[earlier]))
    assert ("D05" in codes(decision)) is fires


def test_d05_counts_from_the_selection_where_that_was_earlier() -> None:
    earlier = a_declaration(version=1, cargo="12000", received=NOON - 2 * HOUR)
    assert (
        codes(judge(a_passage(), [LATER], replace(AMENDED, superseded=[EARLIER], selected_unix_ns=NOON - 2 * HOUR)))
        == []
    )
    selected = replace(AMENDED, superseded=[earlier], selected_unix_ns=NOON - 2 * HOUR)
    assert "D05" in codes(judge(a_passage(), [LATER], selected))


@pytest.mark.parametrize(
    ("declarations", "superseded"),
    [
        ([LATER], []),
        ([a_declaration(version=2, received=NOON + HOUR)], [a_declaration(version=1, received=NOON - HOUR)]),
        ([LATER], [a_declaration("D-9", plate="琼B99999", received=NOON - HOUR)]),
        ([EARLIER], [EARLIER]),
    ],
)
def test_d05_says_nothing_where_nothing_changed(
    declarations: list[declaration_pb2.Declaration], superseded: list[declaration_pb2.Declaration]
) -> None:
    assert "D05" not in codes(judge(a_passage(), declarations, replace(a_context(), superseded=superseded)))


def test_d05_tells_of_a_vehicle_that_was_amended_away() -> None:
    away = a_declaration(version=2, plate="琼B99999", received=NOON + HOUR)
    finding = the_finding(judge(a_passage(), [away], AMENDED), "D05")
    assert "D-1 version 1 named this vehicle and no longer does" in finding.explanation


def test_d05_is_silent_while_the_gates_time_cannot_be_believed() -> None:
    passage = a_passage(clock=stamp_pb2.CLOCK_STATE_UNSYNCHRONISED)
    assert codes(judge(passage, [LATER], AMENDED)) == []


@pytest.mark.parametrize(
    ("declared", "counted", "fires"),
    [(20, 40, False), (20, 39, True), (20, 41, True), (0, 41, False), (20, None, False)],
)
def test_d03_inspects_when_another_number_of_packages_was_counted(
    declared: int, counted: int | None, fires: bool
) -> None:
    context = a_context() if counted is None else replace(a_context(), counted={"D-1": counted})
    two_items = a_declaration(hs_codes=["0805", "0806"], packages=declared)
    decision = judge(a_passage(), [two_items], context)
    assert codes(decision) == (["D03"] if fires else [])
    if fires:
        assert decision.action == INSPECT


def test_d06_holds_a_second_vehicle_on_one_release() -> None:
    used = replace(a_context(), used_releases={"D-1": [UsedRelease("P-0", NOON - HOUR)]})
    decision = judge(a_passage(), [a_declaration()], used)
    assert (decision.action, codes(decision)) == (HOLD, ["D06"])
    assert "passage P-0 went on it at 2025-03-01T11:00:00Z" in the_finding(decision, "D06").explanation


def test_d06_does_not_count_the_passage_itself_nor_one_that_backed_out() -> None:
    itself = replace(a_context(), used_releases={"D-1": [UsedRelease("P-1", NOON)]})
    assert codes(judge(a_passage(), [a_declaration()], itself)) == []
    used = replace(a_context(), used_releases={"D-1": [UsedRelease("P-0", NOON)]})
    back = a_passage()
    back.closed_by = passage_pb2.PASSAGE_CLOSING_BACKED_OUT
    assert codes(judge(back, [a_declaration()], used)) == []
    assert codes(judge(a_passage(), [], used)) == []


@pytest.mark.parametrize(("left", "fires"), [("0", False), ("-0.001", True), ("5", False), ("NaN", False)])
def test_d06_holds_when_more_has_passed_than_is_declared(left: str, fires: bool) -> None:
    quantities = {"D-1": [QuantityLeft("HS 0805", Decimal(left), "kg")]}
    decision = judge(a_passage(), [a_declaration()], replace(a_context(), quantities=quantities))
    assert codes(decision) == (["D06"] if fires else [])
