from __future__ import annotations

import decimal
from collections.abc import Sequence

import pytest

from gate_contract.rules import Policy
from gate_contract.v1 import declaration_pb2, passage_pb2
from tests.unit.gate_contract.rules.builders import (
    INSPECT,
    PLATE,
    RELEASE,
    REVIEW,
    a_declaration,
    a_passage,
    a_weighing,
    codes,
    inputs_of,
    judge,
    the_finding,
)

# The truck declares 12000 + 2 x 75 + 13000 = 25150 kg; 5 % of the cargo are 650 kg.
ONLY_THE_SCALE = Policy.from_toml("[W01]\ntare_uncertainty_kilograms = 0\nfuel_uncertainty_kilograms = 0")


def fired(
    kilograms: str | passage_pb2.Weighing,
    declaration: declaration_pb2.Declaration | None = None,
    policy: Policy | None = None,
) -> list[str]:
    return codes(judge(a_passage(weighings=[kilograms]), [declaration or a_declaration()], policy=policy))


def test_a_truck_as_declared_is_released_without_a_finding() -> None:
    decision = judge(a_passage(), [a_declaration()])
    assert (decision.action, codes(decision)) == (RELEASE, [])


@pytest.mark.parametrize(
    ("kilograms", "codes_expected"),
    [
        ("25800", []),  # exactly 5 % of the cargo
        ("25800.001", ["W01"]),
        ("24500", []),
        ("24499.999", ["W01"]),
    ],
)
def test_w01_fires_beyond_the_share_of_the_declared_cargo_either_way(kilograms: str, codes_expected: list[str]) -> None:
    assert fired(kilograms) == codes_expected


@pytest.mark.parametrize(("kilograms", "codes_expected"), [("43150", []), ("43150.1", ["W01"])])
def test_w01_never_allows_more_than_a_tonne(kilograms: str, codes_expected: list[str]) -> None:
    assert fired(kilograms, a_declaration(cargo="30000")) == codes_expected  # 5 % would be 1500 kg


@pytest.mark.parametrize(("kilograms", "codes_expected"), [("26050", ["W03"]), ("26050.001", ["W01"])])
def test_w01_fires_only_beyond_2u_as_well(kilograms: str, codes_expected: list[str]) -> None:
    weighing = a_weighing(kilograms, uncertainty="450")  # 2u is exactly 900 kg, the tolerance 650 kg
    assert fired(weighing, policy=ONLY_THE_SCALE) == codes_expected


def test_u_is_the_root_of_the_three_squares() -> None:
    policy = Policy.from_toml("[W01]\ntare_uncertainty_kilograms = 200\nfuel_uncertainty_kilograms = 300")
    weighing = a_weighing("26550", uncertainty="600")  # u = 700, 2u = 1400 exactly
    assert fired(weighing, policy=policy) == ["W03"]
    assert fired(a_weighing("26550.1", uncertainty="600"), policy=policy) == ["W01"]


def test_w01_counts_persons_boxes_and_policy() -> None:
    declaration = a_declaration(persons=40, box_tare="2200", containers=["MSKU1234565"])
    assert fired("30200", declaration) == []  # 12000 + 2200 + 40 x 75 + 13000
    heavier = Policy.from_toml("[W01]\nperson_kilograms = 100")
    assert fired("31200", declaration, heavier) == []
    assert fired("31200", declaration) == ["W01"]


def test_w01_asks_for_an_inspection_and_names_everything_that_led_to_it() -> None:
    decision = judge(a_passage(weighings=["27350"]), [a_declaration(version=3)])
    finding = the_finding(decision, "W01")
    assert (decision.action, finding.severity, finding.action) == (INSPECT, 3, INSPECT)
    assert finding.explanation == (
        "27350 kg were weighed, 25150 kg expected by declaration D-1 version 3: 2200 kg more, beyond 650 kg and beyond"
        " 2u = 188.7 kg."
    )
    assert finding.tolerance == "|difference| <= 650 kg (min(5 % of 13000 kg, 1000 kg)) or <= 2u = 188.7 kg"
    inputs = inputs_of(finding)
    assert inputs == {
        "gross_kilograms": "27350",
        "vehicle_tare_kilograms": "12000",
        "box_tare_kilograms": "0",
        "persons": "2",
        "cargo_kilograms": "13000",
        "person_kilograms": "75",
        "expected_kilograms": "25150",
        "difference_kilograms": "2200",
        "scale_uncertainty_kilograms": "20",
        "tare_uncertainty_kilograms": "60",
        "fuel_uncertainty_kilograms": "70",
        "expanded_uncertainty_kilograms": "188.7",
        "plate_read": PLATE,
        "plate_booked": PLATE,
        "open_bookings": "1",
    }
    assert all(each.source for each in finding.inputs)


@pytest.mark.parametrize(
    ("uncertainty", "codes_expected"),
    [
        ("325", []),  # 2u is exactly the tolerance
        ("325.001", ["W03"]),
    ],
)
def test_w03_fires_when_2u_is_larger_than_the_tolerance(uncertainty: str, codes_expected: list[str]) -> None:
    assert fired(a_weighing(uncertainty=uncertainty), policy=ONLY_THE_SCALE) == codes_expected


def test_w03_sends_to_a_static_scale_where_the_scale_is_what_is_coarse() -> None:
    decision = judge(a_passage(weighings=[a_weighing(uncertainty="600")]), [a_declaration()])
    finding = the_finding(decision, "W03")
    assert (decision.action, finding.severity) == (REVIEW, 1)
    assert finding.explanation.endswith("tolerance of 650 kg; weigh it on a static scale.")


def test_w03_does_not_send_to_a_scale_that_could_not_help_either() -> None:
    finding = the_finding(judge(a_passage(weighings=["14150"]), [a_declaration(cargo="2000")]), "W03")
    assert "a better scale would not help" in finding.explanation


def test_w03_is_silent_when_w01_fires() -> None:
    assert fired(a_weighing("40000", uncertainty="600")) == ["W01"]


@pytest.mark.parametrize(("kilograms", "codes_expected"), [("12338", []), ("12338.7", ["W01"]), ("11961", ["W01"])])
def test_an_empty_truck_is_judged_by_2u_alone_because_a_share_of_nothing_is_nothing(
    kilograms: str, codes_expected: list[str]
) -> None:
    assert fired(kilograms, a_declaration(cargo="0")) == codes_expected


@pytest.mark.parametrize(
    ("weighing", "reason"),
    [
        (a_weighing("heavy"), "the weight of scale-1 is given as 'heavy', which is no decimal number of kilograms"),
        (a_weighing(""), "the weight of scale-1 is not given"),
        (a_weighing("0"), "scale-1 shows 0 kg, no weight of a vehicle"),
        (a_weighing("-40"), "scale-1 shows -40 kg, no weight of a vehicle"),
        (a_weighing(kind=passage_pb2.WEIGHT_KIND_NET), "scale-1 shows a net weight"),
        (a_weighing(stability=passage_pb2.STABILITY_UNSPECIFIED), "nobody says that scale-1 stood still"),
        (a_weighing(uncertainty=""), "the uncertainty of scale-1 is not given"),
        (a_weighing(uncertainty="-1"), "the uncertainty of scale-1 is given as -1 kg, less than nothing"),
    ],
)
def test_w03_says_why_a_weighing_cannot_be_judged(weighing: passage_pb2.Weighing, reason: str) -> None:
    decision = judge(a_passage(weighings=[weighing]), [a_declaration()])
    finding = the_finding(decision, "W03")
    assert (decision.action, finding.severity, codes(decision)) == (REVIEW, 1, ["W03"])
    assert "The weight cannot be judged against declaration D-1 version 1: " in finding.explanation
    assert reason in finding.explanation


@pytest.mark.parametrize(
    ("declaration", "reason"),
    [
        (a_declaration(tare=""), "the empty mass of the vehicle is not given"),
        (a_declaration(cargo=""), "the mass of the goods is not given"),
        (a_declaration(cargo="13 t"), "the mass of the goods is given as '13 t'"),
        (a_declaration(cargo="-1"), "the mass of the goods is given as -1 kg, less than nothing"),
        (a_declaration(containers=["X"], box_tare=""), "the empty mass of the containers is not given"),
    ],
)
def test_w03_says_which_declared_mass_is_missing(declaration: declaration_pb2.Declaration, reason: str) -> None:
    decision = judge(a_passage(), [declaration])
    assert (decision.action, codes(decision)) == (REVIEW, ["W03"])
    assert reason in decision.findings[0].explanation


def test_w03_names_every_reason_at_once() -> None:
    decision = judge(a_passage(weighings=[a_weighing(uncertainty="")]), [a_declaration(tare="", cargo="")])
    assert decision.findings[0].explanation.count("not given") == 3


def test_w03_tells_the_reason_a_weight_is_missing() -> None:
    decision = judge(a_passage(weighings=[], missing={"weight": "left before it was stable"}), [a_declaration()])
    assert (decision.action, codes(decision)) == (REVIEW, ["W03"])
    assert "there is no weight: left before it was stable" in decision.findings[0].explanation


def test_a_lane_without_a_scale_has_no_weight_to_judge() -> None:
    assert codes(judge(a_passage(weighings=[]), [a_declaration()])) == []


def test_an_undeclared_vehicle_has_no_declared_weight_to_judge() -> None:
    assert codes(judge(a_passage(weighings=["99000"]), [])) == []


@pytest.mark.parametrize(
    ("weighings", "gross"),
    [
        (["20000", "25150"], "25150"),
        (["25150", a_weighing("27350", late=True)], "27350"),
        (["25150", a_weighing("12000", kind=passage_pb2.WEIGHT_KIND_NET)], "25150"),
        (["25150", a_weighing("0")], "25150"),
        (["25150", a_weighing("30000", stability=passage_pb2.STABILITY_UNSPECIFIED)], "25150"),
    ],
)
def test_the_last_stable_gross_weighing_counts_late_ones_too(
    weighings: Sequence[passage_pb2.Weighing | str], gross: str
) -> None:
    decision = judge(a_passage(weighings=weighings), [a_declaration(cargo="1")])
    assert inputs_of(the_finding(decision, "W01"))["gross_kilograms"] == gross


def test_a_weight_of_a_kind_the_device_does_not_say_is_taken_as_gross_and_the_finding_says_so() -> None:
    weighing = a_weighing("40000", kind=passage_pb2.WEIGHT_KIND_UNSPECIFIED, stability=passage_pb2.STABILITY_INFERRED)
    finding = the_finding(judge(a_passage(weighings=[weighing]), [a_declaration()]), "W01")
    assert finding.inputs[0].source == (
        "scale-1, stable (inferred), gross or net not said by the device: taken as gross"
    )


def test_persons_that_are_not_declared_count_as_the_driver_and_the_finding_says_so() -> None:
    finding = the_finding(judge(a_passage(weighings=["40000"]), [a_declaration(persons=0)]), "W01")
    assert inputs_of(finding)["expected_kilograms"] == "25075"
    assert "not declared by D-1 version 1: the driver is counted" in [each.source for each in finding.inputs]


def test_the_goods_of_all_declarations_of_a_truck_count() -> None:
    bookings = [a_declaration("D-1", sailing="S", cargo="8000"), a_declaration("D-2", sailing="S", cargo="5000")]
    assert codes(judge(a_passage(weighings=["25800"]), bookings)) == []
    finding = the_finding(judge(a_passage(weighings=["25801"]), bookings), "W01")
    assert "25150 kg expected by declarations D-1 version 1 and D-2 version 1" in finding.explanation


def test_the_result_does_not_depend_on_the_callers_decimal_context() -> None:
    passage = a_passage(weighings=[a_weighing("25800.00000000000000000001", uncertainty="20.123456789")])
    expected = judge(passage, [a_declaration()])
    with decimal.localcontext(decimal.Context(prec=3, traps=[decimal.Inexact])):
        assert judge(passage, [a_declaration()]) == expected
    assert codes(expected) == ["W01"]
