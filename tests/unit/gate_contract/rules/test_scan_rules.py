from __future__ import annotations

from dataclasses import replace

import pytest

from gate_contract.rules import Policy
from gate_contract.v1 import decision_pb2, passage_pb2, reading_pb2
from tests.unit.gate_contract.rules.builders import (
    HOLD,
    RELEASE,
    REVIEW,
    a_context,
    a_declaration,
    a_passage,
    a_scan,
    codes,
    judge,
    the_finding,
)

ORDERED = replace(a_context(), scan_ordered="drawn for inspection")


def scanned(*scans: reading_pb2.Reading) -> passage_pb2.Passage:
    return a_passage(readings=scans)


@pytest.mark.parametrize(
    ("seen", "declared", "fires"),
    [
        ("fruit", "08051000", False),
        ("tobacco", "08051000", True),
        ("Tobacco; FRUIT", "0805", False),
        ("metal", "72", False),
        ("metal", "83", False),
        ("metal", "84", True),
        ("tobacco, thingummy", "0805", False),
        ("empty", "0805", False),
        ("", "0805", False),
        ("tobacco", "", False),
        ("tobacco", "8", False),
    ],
)
def test_x01_compares_the_scanners_classes_with_the_declared_chapter(seen: str, declared: str, fires: bool) -> None:
    decision = judge(scanned(a_scan(seen)), [a_declaration(hs_codes=[declared])])
    assert codes(decision) == (["X01"] if fires else [])
    if fires:
        assert decision.action == REVIEW


def test_x01_is_content_with_one_of_several_declared_chapters() -> None:
    assert codes(judge(scanned(a_scan("tobacco")), [a_declaration(hs_codes=["0805", "2402"])])) == []


@pytest.mark.parametrize(("confidence", "fires"), [("0.49", False), ("0.5", True), ("", True), ("sure", True)])
def test_x01_takes_a_class_from_policys_confidence_on(confidence: str, fires: bool) -> None:
    decision = judge(scanned(a_scan("tobacco", confidence=confidence)), [a_declaration(hs_codes=["0805"])])
    assert ("X01" in codes(decision)) is fires


def test_x01_knows_the_classes_that_a_site_gives_its_scanner() -> None:
    policy = Policy.from_toml('[X01.chapters]\n"烟草" = [24]')
    trip = [a_declaration(hs_codes=["0805"])]
    assert codes(judge(scanned(a_scan("烟草")), trip, policy=policy)) == ["X01"]
    assert codes(judge(scanned(a_scan("tobacco")), trip, policy=policy)) == []


def test_x01_has_nothing_to_compare_without_a_booking() -> None:
    assert codes(judge(scanned(a_scan("tobacco")), [])) == []


@pytest.mark.parametrize(
    ("verdict", "action"), [("alarm", HOLD), ("suspect", REVIEW), ("clear", RELEASE), ("", RELEASE)]
)
def test_x02_follows_the_scanners_verdict(verdict: str, action: decision_pb2.Action.ValueType) -> None:
    decision = judge(scanned(a_scan(verdict=verdict)))
    assert decision.action == action
    assert codes(decision) == ([] if action == RELEASE else ["X02"])


@pytest.mark.parametrize(("gamma", "neutron"), [(True, False), (False, True), (True, True)])
def test_x02_holds_a_radiation_alarm(gamma: bool, neutron: bool) -> None:
    portal = reading_pb2.RadiationOccupancy(gamma_alarm=gamma, neutron_alarm=neutron)
    decision = judge(scanned(reading_pb2.Reading(device_id="portal-1", radiation=portal)))
    finding = the_finding(decision, "X02")
    assert (finding.action, finding.severity) == (HOLD, 4)
    assert ("gamma" in finding.explanation, "neutron" in finding.explanation) == (gamma, neutron)


def test_x02_never_judges_counts_only_the_portals_word() -> None:
    portal = reading_pb2.RadiationOccupancy(max_gamma_1s_sum=4_000_000, complete=False)
    assert codes(judge(scanned(reading_pb2.Reading(device_id="portal-1", radiation=portal)))) == []


def test_x02_goes_by_the_last_record_of_a_scan() -> None:
    assert codes(judge(scanned(a_scan(verdict="alarm"), a_scan(verdict="clear")))) == []
    assert codes(judge(scanned(a_scan(verdict="alarm"), a_scan(verdict="clear", scan_id="8")))) == ["X02"]


def test_x03_holds_what_was_to_be_scanned_and_was_not() -> None:
    decision = judge(scanned(), context=ORDERED)
    assert (decision.action, codes(decision)) == (HOLD, ["X03"])
    assert "drawn for inspection" in the_finding(decision, "X03").explanation


def test_x03_tells_why_the_scan_is_missing() -> None:
    passage = a_passage(missing={"scan": "device silent since 09:00"})
    assert "device silent since 09:00" in the_finding(judge(passage, context=ORDERED), "X03").explanation


@pytest.mark.parametrize(
    ("scan", "fires"),
    [
        (a_scan(), False),
        (a_scan(verdict=""), True),
        (a_scan(problem="it did not come within 30 s"), True),
    ],
)
def test_x03_wants_a_verdict_and_the_picture(scan: reading_pb2.Reading, fires: bool) -> None:
    assert ("X03" in codes(judge(scanned(scan), context=ORDERED))) is fires


def test_x03_asks_for_no_scan_that_nobody_ordered() -> None:
    assert codes(judge(scanned())) == []


@pytest.mark.parametrize("kind", ["scan", "radiation"])
def test_x03_asks_a_person_where_the_lanes_own_screening_told_nothing(kind: str) -> None:
    passage = a_passage(missing={kind: "the portal told no occupancy; portal-1 is silent: no bytes for 60 s"})
    decision = judge(passage)
    assert (decision.action, codes(decision)) == (REVIEW, ["X03"])
    assert "portal-1 is silent" in the_finding(decision, "X03").explanation


def test_x03_holds_where_an_ordered_scan_is_missing_and_says_so_once() -> None:
    decision = judge(a_passage(missing={"scan": "the scanner told no scan"}), context=ORDERED)
    assert (decision.action, codes(decision)) == (HOLD, ["X03"])


def test_x03_does_not_ask_who_went_back_nor_for_what_the_lane_does_not_expect() -> None:
    back = a_passage(missing={"radiation": "the vehicle went back the way it came"})
    back.closed_by = passage_pb2.PASSAGE_CLOSING_BACKED_OUT
    assert "X03" not in codes(judge(back))
    assert codes(judge(a_passage(missing={"distance": "the distance sensor told no change"}))) == []
