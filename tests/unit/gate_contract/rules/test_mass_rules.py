from __future__ import annotations

import pytest

from gate_contract.rules import Policy
from gate_contract.v1 import passage_pb2, reading_pb2
from tests.unit.gate_contract.rules.builders import (
    HOLD,
    REVIEW,
    a_box,
    a_declaration,
    a_passage,
    a_weighing,
    codes,
    judge,
    the_finding,
)

BOX, OTHER = "CSQU3054383", "MSKU1234565"


def axles(*kilograms: str, total: str = "", uncertainty: str = "") -> reading_pb2.Reading:
    weights = reading_pb2.AxleWeights(
        axle_kilograms=kilograms, total_kilograms=total, uncertainty_kilograms=uncertainty
    )
    return reading_pb2.Reading(device_id="axles-1", axles=weights)


def weighed(weight: str, *readings: reading_pb2.Reading, uncertainty: str = "20") -> passage_pb2.Passage:
    weighings = [a_weighing(weight, uncertainty=uncertainty)] if weight else []
    return a_passage(weighings=weighings, readings=readings)


@pytest.mark.parametrize(
    ("count", "limit"), [(2, 18_000), (3, 27_000), (4, 36_000), (5, 43_000), (6, 49_000), (8, 49_000)]
)
def test_w02_holds_what_is_over_the_limit_of_its_axles_by_more_than_the_scales_error(count: int, limit: int) -> None:
    seen = axles(*["5000"] * count)
    assert codes(judge(weighed(str(limit + 40), seen))) == []
    decision = judge(weighed(str(limit + 41), seen))
    finding = the_finding(decision, "W02")
    assert (decision.action, finding.severity) == (HOLD, 4)
    assert f"the legal limit is {limit} kg" in finding.explanation


def test_w02_takes_the_sum_of_axles_where_nothing_else_weighs() -> None:
    seen = axles("9000", "9400", uncertainty="150")
    assert codes(judge(weighed("", seen))) == ["W02"]
    assert codes(judge(weighed("", axles("9000", "9300", uncertainty="150")))) == []


@pytest.mark.parametrize(
    "passage",
    [
        weighed("60000"),
        weighed("60000", axles("60000")),
        weighed("60000", axles("9000", "none")),
        weighed("60000", axles("9000", "-1")),
        weighed("60000", axles("9000", "9000"), uncertainty=""),
        weighed("", axles("30000", "30000")),
    ],
)
def test_w02_is_silent_without_axles_or_without_an_error_to_subtract(passage: passage_pb2.Passage) -> None:
    assert "W02" not in codes(judge(passage))


def test_w02_keeps_to_the_sites_limits() -> None:
    air = Policy.from_toml("[W02]\nfour_axles_kilograms = 37000")
    seen = weighed("37000", axles("9000", "9000", "9000", "10000"))
    assert codes(judge(seen)) == ["W02"]
    assert codes(judge(seen, policy=air)) == []


@pytest.mark.parametrize(("second", "fires"), [("8250", False), ("8251", True), ("7750", False), ("7749", True)])
def test_w04_compares_the_axles_with_the_scale_within_both_errors(second: str, fires: bool) -> None:
    # u of the axles 75 kg, of the scale 100 kg: 2u together 250 kg
    seen = weighed("16000", axles("8000", second, uncertainty="75"), uncertainty="100")
    decision = judge(seen)
    assert codes(decision) == (["W04"] if fires else [])
    if fires:
        assert decision.action == REVIEW


@pytest.mark.parametrize(("total", "fires"), [("16000", False), ("16150", False), ("16151", True), ("?", False)])
def test_w04_compares_the_axles_with_the_sum_that_their_weigher_tells(total: str, fires: bool) -> None:
    seen = weighed("", axles("8000", "8000", total=total, uncertainty="75"))
    assert codes(judge(seen)) == (["W04"] if fires else [])


def test_w04_is_silent_without_an_error_or_a_total() -> None:
    assert codes(judge(weighed("16000", axles("8000", "2000")))) == []
    assert codes(judge(weighed("", axles("8000", "2000", uncertainty="75")))) == []


@pytest.mark.parametrize(
    ("weight", "fires"),
    [("27700", False), ("28235", False), ("28236", True), ("26235", False), ("26234", True)],
)
def test_w05_holds_a_container_that_is_not_what_was_verified(weight: str, fires: bool) -> None:
    # 12,000 kg vehicle, two persons, 15,085 kg verified: 27,235 kg expected, 1,000 kg allowed
    policy = Policy.from_toml("[W05]\nshare_of_verified_percent = 20")
    trip = a_declaration(equipment=[a_box(BOX, verified_gross="15085")], box_tare="2200", cargo="12885")
    decision = judge(weighed(weight), [trip], policy=policy)
    assert ("W05" in codes(decision)) is fires
    if fires:
        assert decision.action == HOLD


@pytest.mark.parametrize(("weight", "fires"), [("22650", False), ("22651", True)])
def test_w05_allows_the_smaller_of_a_share_and_an_amount(weight: str, fires: bool) -> None:
    # 12,000 kg vehicle, two persons, 10,000 kg verified: 22,150 kg expected, 500 kg allowed
    trip = a_declaration(equipment=[a_box(BOX, verified_gross="10000")], box_tare="2200", cargo="7800")
    assert ("W05" in codes(judge(weighed(weight), [trip]))) is fires


def test_w05_adds_two_containers_up_and_needs_both() -> None:
    boxes = [a_box(BOX, verified_gross="5000"), a_box(OTHER, verified_gross="8000")]
    trip = a_declaration(equipment=boxes, box_tare="4400", cargo="8600")
    assert codes(judge(weighed("25150"), [trip])) == []
    assert "containers together: 13000 kg" in the_finding(judge(weighed("30000"), [trip]), "W05").explanation
    one = a_declaration(equipment=[boxes[0], a_box(OTHER)], box_tare="4400", cargo="8600")
    assert "W05" not in codes(judge(weighed("30000"), [one]))


def test_w05_takes_a_verified_mass_of_the_whole_vehicle() -> None:
    trip = [a_declaration(verified_gross="25000")]
    assert codes(judge(weighed("25150"), trip)) == []
    assert "vehicle: 25000 kg" in the_finding(judge(weighed("26151"), trip), "W05").explanation


@pytest.mark.parametrize(("weight", "uncertainty"), [("30000", "5000"), ("30000", ""), ("", "20")])
def test_w05_accuses_nobody_by_a_coarse_scale_or_none(weight: str, uncertainty: str) -> None:
    trip = a_declaration(verified_gross="25000")
    assert "W05" not in codes(judge(weighed(weight, uncertainty=uncertainty), [trip]))


@pytest.mark.parametrize("verified", ["", "0", "much"])
def test_w05_is_silent_without_a_verified_mass(verified: str) -> None:
    assert "W05" not in codes(judge(weighed("30000"), [a_declaration(verified_gross=verified)]))
