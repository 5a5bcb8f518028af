from __future__ import annotations

from collections.abc import Sequence

import pytest

from gate_contract import iso6346
from gate_contract.v1 import decision_pb2, declaration_pb2, passage_pb2, reading_pb2
from tests.unit.gate_contract.rules.builders import (
    HOLD,
    RELEASE,
    REVIEW,
    a_box,
    a_container,
    a_declaration,
    a_passage,
    a_plate,
    codes,
    judge,
    the_finding,
)

BOX = "CSQU3054383"
EMPTY_LANE = passage_pb2.LANE_KIND_EMPTY_CONTAINER


def valid(body: str) -> str:
    return body + iso6346.check_digit(body)


def with_box(
    *, size_type: str = "", full: bool | None = None, seals: Sequence[str] = ()
) -> list[declaration_pb2.Declaration]:
    box = a_box(BOX, size_type=size_type, full=full, seals=seals)
    return [a_declaration(equipment=[box], box_tare="0")]


def a_seal(number: str = "HC123456", state: str = "whole", container: str = BOX) -> reading_pb2.Reading:
    seal = reading_pb2.SealSeen(container=container, number=number, state=state)
    return reading_pb2.Reading(device_id="camera-3", seal=seal)


@pytest.mark.parametrize("written", [BOX, "CSQU 305438 3", "csqu305438-3"])
def test_a_listed_container_passes_however_it_is_written(written: str) -> None:
    decision = judge(a_passage(readings=[a_container(written)]), with_box())
    assert (decision.action, codes(decision)) == (RELEASE, [])


def test_c01_asks_a_person_about_a_number_whose_check_digit_is_wrong() -> None:
    decision = judge(a_passage(readings=[a_container("CSQU3054384")]), with_box())
    assert (decision.action, codes(decision)) == (REVIEW, ["C01"])
    assert "its check digit should be 3" in the_finding(decision, "C01").explanation


def test_c01_computes_the_check_digit_itself_whatever_the_reader_says() -> None:
    reading = a_container("CSQU3054384")
    reading.container.check_digit_ok = True
    assert codes(judge(a_passage(readings=[reading]))) == ["C01"]


def test_c01_is_silent_when_another_view_shows_which_container_it_is() -> None:
    decision = judge(a_passage(readings=[a_container("CSQU3054384"), a_container(BOX, device="camera-4")]), with_box())
    assert codes(decision) == []


def test_c01_says_what_a_number_looks_like_when_it_is_none() -> None:
    finding = the_finding(judge(a_passage(readings=[a_container("CSQ305")])), "C01")
    assert "three letters, one of U J Z and seven digits" in finding.explanation


def test_no_container_was_read_and_no_rule_of_containers_speaks() -> None:
    assert codes(judge(a_passage(), with_box(size_type="22G1", seals=["HC123456"], full=True))) == []
    assert codes(judge(a_passage(readings=[a_container("")]), with_box())) == []


def test_c02_holds_a_container_that_is_on_no_list() -> None:
    decision = judge(a_passage(readings=[a_container(valid("MSKU123456"))]), with_box())
    assert (decision.action, codes(decision)) == (HOLD, ["C02"])
    assert "names CSQU3054383" in the_finding(decision, "C02").explanation


@pytest.mark.parametrize(("there", "listed"), ["FP", "HR", "GQ", "MW"])
def test_c02_fires_though_a_letter_that_cancels_out_leaves_the_check_digit_right(there: str, listed: str) -> None:
    seen, declared = valid(f"{there}BLU123456"), valid(f"{listed}BLU123456")
    assert seen[-1] == declared[-1]
    decision = judge(
        a_passage(readings=[a_container(seen)]), [a_declaration(equipment=[a_box(declared)], box_tare="0")]
    )
    assert (decision.action, codes(decision)) == (HOLD, ["C02"])
    assert f"{there} for {listed} leaves the check digit right" in the_finding(decision, "C02").explanation


def test_c02_stands_beside_c01_where_a_broken_number_is_near_none_that_is_listed() -> None:
    wrong = valid("MSKU123456")[:-1] + str((int(valid("MSKU123456")[-1]) + 1) % 10)
    decision = judge(a_passage(readings=[a_container(wrong)]), with_box())
    assert (decision.action, codes(decision)) == (HOLD, ["C02", "C01"])


@pytest.mark.parametrize(("broken", "fires"), [("CSQU3054398", False), ("CSQU3055298", True)])
def test_c02_takes_a_broken_number_up_to_two_characters_away_for_a_misread(broken: str, fires: bool) -> None:
    decision = judge(a_passage(readings=[a_container(broken)]), with_box())
    assert ("C02" in codes(decision)) is fires


def test_c02_takes_a_container_where_none_is_declared_for_one_that_is_on_no_list() -> None:
    assert codes(judge(a_passage(readings=[a_container(BOX)]), [a_declaration()])) == ["C02"]


def test_c02_is_silent_where_nobody_can_say_whose_list_it_is() -> None:
    assert codes(judge(a_passage(readings=[a_container(BOX)]), [])) == []
    unread = a_passage(plates=[a_plate("")], readings=[a_container(BOX)])
    assert codes(judge(unread, [a_declaration()])) == ["V01"]


def test_c02_asks_which_container_it_is_where_a_lane_that_reads_numbers_read_none() -> None:
    unread = a_passage(missing={"container": "no container number was read; boxes is silent: no picture for 10 s"})
    decision = judge(unread, with_box())
    assert (decision.action, codes(decision)) == (REVIEW, ["C02"])
    assert "boxes is silent" in the_finding(decision, "C02").explanation
    assert codes(judge(unread, [a_declaration()])) == []
    unread.closed_by = passage_pb2.PASSAGE_CLOSING_BACKED_OUT
    assert codes(judge(unread, with_box())) == []


def test_a_lane_for_empties_finds_the_booking_by_the_container() -> None:
    readings = [a_container(BOX)]
    decision = judge(a_passage(plates=[], weighings=[], readings=readings, lane=EMPTY_LANE), with_box())
    assert (decision.action, [each.declaration_id for each in decision.declarations]) == (RELEASE, ["D-1"])


def test_c02_holds_a_container_that_no_booking_of_an_empties_lane_names() -> None:
    readings = [a_container(valid("MSKU123456"))]
    decision = judge(a_passage(plates=[], weighings=[], readings=readings, lane=EMPTY_LANE), with_box())
    assert (decision.action, codes(decision)) == (HOLD, ["C02"])
    nothing_booked = judge(a_passage(plates=[], weighings=[], readings=readings, lane=EMPTY_LANE), [])
    assert codes(nothing_booked) == []


def test_a_plate_that_should_have_been_read_is_asked_for_though_the_container_is_booked() -> None:
    passage = a_passage(plates=[], missing={"plate": "camera dark"}, readings=[a_container(BOX)])
    assert codes(judge(passage, with_box())) == ["V01"]


def test_a_container_read_as_declared_speaks_for_a_near_plate() -> None:
    many = [a_declaration(f"X-{at}", plate=f"粤ZZ{at:03d}港") for at in range(20)]
    passage = a_passage(plates=["琼A12399"], weighings=[], readings=[a_container(BOX)])
    assert codes(judge(passage, [*with_box(), *many])) == ["V01"]
    assert codes(judge(a_passage(plates=["琼A12399"], weighings=[]), [*with_box(), *many])) == []


@pytest.mark.parametrize(
    ("read", "declared", "fires"),
    [
        ("22G1", "22G1", False),
        ("22G1", "22GP", False),
        ("42G1", "22G1", True),
        ("22R1", "22GP", True),
        ("", "22G1", False),
        ("22G1", "", False),
        ("22G1", "????", True),
    ],
)
def test_c03_compares_size_and_type_where_both_are_known(read: str, declared: str, fires: bool) -> None:
    decision = judge(a_passage(readings=[a_container(BOX, size_type=read)]), with_box(size_type=declared))
    assert codes(decision) == (["C03"] if fires else [])


def test_c03_asks_when_two_cameras_disagree_also_where_nothing_is_declared() -> None:
    readings = [a_container(BOX, size_type="22G1"), a_container(BOX, size_type="42G1", device="camera-4")]
    assert "two reads disagree" in the_finding(judge(a_passage(readings=readings)), "C03").explanation
    one_right = judge(a_passage(readings=readings), with_box(size_type="22G1"))
    assert codes(one_right) == ["C03"]


@pytest.mark.parametrize(
    ("number", "state", "action"),
    [
        ("HC123456", "whole", RELEASE),
        ("hc-123 456", "whole", RELEASE),
        ("HC123457", "whole", REVIEW),
        ("HC123477", "whole", HOLD),
        ("HC123456", "broken", HOLD),
        ("", "absent", HOLD),
        ("", "whole", RELEASE),
        ("HC123456", "?", RELEASE),
    ],
)
def test_c07_looks_at_the_declared_seal(number: str, state: str, action: decision_pb2.Action.ValueType) -> None:
    decision = judge(a_passage(readings=[a_seal(number, state)]), with_box(seals=["HC123456"]))
    assert decision.action == action
    assert codes(decision) == ([] if action == RELEASE else ["C07"])


def test_c07_asks_for_no_seal_where_none_is_declared_but_holds_a_broken_one() -> None:
    assert codes(judge(a_passage(readings=[a_seal("", "absent")]), with_box())) == []
    assert codes(judge(a_passage(readings=[a_seal("", "broken")]), with_box())) == ["C07"]
    assert codes(judge(a_passage(readings=[a_seal("", "absent")]), [])) == []


def test_c07_takes_one_good_view_of_the_seal() -> None:
    seals = [a_seal("HC123477"), a_seal("HC123456")]
    assert codes(judge(a_passage(readings=seals), with_box(seals=["HC123456"]))) == []


def test_c07_compares_a_seal_on_the_vehicle_with_every_declared_one() -> None:
    on_vehicle = [a_seal("HC123456", container="")]
    assert codes(judge(a_passage(readings=on_vehicle), with_box(seals=["HC123456"]))) == []
