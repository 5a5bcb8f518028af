from __future__ import annotations

from dataclasses import replace

import pytest

from gate_contract.rules import Context
from gate_contract.v1 import decision_pb2, register_pb2
from gate_contract.v1.decision_pb2 import (
    RELEASE_MODE_DECLARATION,
    RELEASE_MODE_SAMPLING,
    RELEASE_MODE_SUPERVISED,
    RELEASE_MODE_UNSPECIFIED,
    RELEASE_MODE_VERIFICATION,
    ReleaseMode,
)
from tests.unit.gate_contract.rules.builders import (
    HOUR,
    INSPECT,
    NOON,
    RELEASE,
    REVIEW,
    a_context,
    a_declaration,
    a_passage,
    a_scan,
    codes,
    inputs_of,
    judge,
    other_bookings,
    the_finding,
)


def a_selection(
    mode: ReleaseMode.ValueType = RELEASE_MODE_SAMPLING,
    *,
    drawn: bool = False,
    officer: str = "",
    at: int = NOON - HOUR,
    scan_ordered: str = "",
    credit_class: str = "warned",
) -> register_pb2.Selection:
    return register_pb2.Selection(
        mode=mode,
        drawn=drawn,
        officer_id=officer,
        rate=2000,
        day="2025-03-01",
        selected_unix_ns=at,
        scan_ordered=scan_ordered,
        credit_class=credit_class,
    )


def selected(**selections: register_pb2.Selection) -> Context:
    """Selections by declaration, with `_` for the hyphen."""
    return replace(a_context(), selections={name.replace("_", "-"): each for name, each in selections.items()})


def r01(context: Context) -> tuple[list[str], decision_pb2.Action.ValueType]:
    decision = judge(a_passage(), [a_declaration()], context)
    return codes(decision), decision.action


def test_r01_inspects_what_was_drawn_and_says_who_was_drawn_to_do_it() -> None:
    finding = the_finding(
        judge(a_passage(), [a_declaration()], selected(D_1=a_selection(drawn=True, officer="wang"))), "R01"
    )
    assert (finding.action, finding.severity) == (INSPECT, 3)
    assert finding.explanation == "Declaration D-1 version 1 was drawn for inspection on 2025-03-01 (officer wang)."
    assert inputs_of(finding) == {
        "release_mode": "by sampling",
        "drawn": "yes",
        "rate_of_10000": "2000",
        "officer_drawn": "wang",
        "selected_utc": "2025-03-01T11:00:00Z",
    }
    assert finding.inputs[0].source == "credit class warned"


@pytest.mark.parametrize(
    ("mode", "drawn", "action"),
    [
        (RELEASE_MODE_DECLARATION, False, RELEASE),
        (RELEASE_MODE_DECLARATION, True, INSPECT),
        (RELEASE_MODE_SAMPLING, False, RELEASE),
        (RELEASE_MODE_SAMPLING, True, INSPECT),
        (RELEASE_MODE_VERIFICATION, False, REVIEW),
        (RELEASE_MODE_VERIFICATION, True, INSPECT),
        (RELEASE_MODE_SUPERVISED, False, INSPECT),
        (RELEASE_MODE_SUPERVISED, True, INSPECT),
        (RELEASE_MODE_UNSPECIFIED, False, RELEASE),
        (RELEASE_MODE_UNSPECIFIED, True, INSPECT),
    ],
)
def test_r01_asks_what_the_release_mode_and_the_draw_ask(
    mode: ReleaseMode.ValueType, drawn: bool, action: decision_pb2.Action.ValueType
) -> None:
    expected = [] if action == RELEASE else ["R01"]
    assert r01(selected(D_1=a_selection(mode, drawn=drawn))) == (expected, action)


def test_r01_tells_that_nobody_was_on_duty() -> None:
    finding = the_finding(judge(a_passage(), [a_declaration()], selected(D_1=a_selection(drawn=True))), "R01")
    assert "(nobody was on duty)" in finding.explanation


def test_r01_says_nothing_without_a_selection_of_this_declaration() -> None:
    assert r01(a_context()) == ([], RELEASE)
    assert r01(selected(D_2=a_selection(drawn=True))) == ([], RELEASE)


def test_r01_says_nothing_where_no_booking_is_surely_matched() -> None:
    context = selected(D_1=a_selection(drawn=True, mode=RELEASE_MODE_SUPERVISED))
    crowd = [a_declaration(cargo="1000"), *other_bookings(20)]
    near = judge(a_passage(plates=["琼A12346"]), crowd, context)
    assert (codes(near), near.release_mode) == (["V01"], RELEASE_MODE_UNSPECIFIED)
    unbooked = judge(a_passage(plates=["琼B99999"]), [a_declaration()], context)
    assert (codes(unbooked), unbooked.release_mode) == ([], RELEASE_MODE_UNSPECIFIED)


def test_every_declaration_of_a_trip_is_asked_and_the_strictest_mode_is_the_vehicles() -> None:
    trip = [a_declaration(sailing="S-1"), a_declaration("D-2", sailing="S-1")]
    context = selected(
        D_1=a_selection(RELEASE_MODE_VERIFICATION),
        D_2=a_selection(RELEASE_MODE_SAMPLING, drawn=True),
    )
    decision = judge(a_passage(weighings=["38150"]), trip, context)
    assert [(each.code, each.action) for each in decision.findings] == [("R01", INSPECT), ("R01", REVIEW)]
    assert decision.release_mode == RELEASE_MODE_VERIFICATION


@pytest.mark.parametrize("mode", [RELEASE_MODE_DECLARATION, RELEASE_MODE_SAMPLING, RELEASE_MODE_SUPERVISED])
def test_a_decision_names_the_release_mode_of_its_declaration(mode: ReleaseMode.ValueType) -> None:
    assert judge(a_passage(), [a_declaration()], selected(D_1=a_selection(mode))).release_mode == mode
    assert judge(a_passage(), [a_declaration()]).release_mode == RELEASE_MODE_UNSPECIFIED


def test_a_scan_that_is_ordered_with_the_selection_must_be_there() -> None:
    context = selected(D_1=a_selection(scan_ordered="drawn for a scan"))
    missing = the_finding(judge(a_passage(), [a_declaration()], context), "X03")
    assert "(drawn for a scan)" in missing.explanation
    assert missing.inputs[0].source == "selection"
    assert codes(judge(a_passage(readings=[a_scan("machinery")]), [a_declaration()], context)) == []
    assert codes(judge(a_passage(plates=["琼B99999"]), [a_declaration()], context)) == [], "it is not this vehicle's"


def test_the_callers_order_for_a_scan_is_named_before_the_selections() -> None:
    context = replace(selected(D_1=a_selection(scan_ordered="drawn")), scan_ordered="the officer asked")
    assert "(the officer asked)" in the_finding(judge(a_passage(), [a_declaration()], context), "X03").explanation


@pytest.mark.parametrize(
    ("drawn", "at", "fires"),
    [(True, NOON - 2 * HOUR, True), (False, NOON - 2 * HOUR, False), (True, NOON - 4 * HOUR, False), (True, 0, False)],
)
def test_what_is_amended_after_it_was_drawn_is_amended_after_the_selection(drawn: bool, at: int, fires: bool) -> None:
    """It came three hours before, and was amended one hour before, the vehicle was read."""
    context = replace(
        selected(D_1=a_selection(drawn=drawn, at=at)),
        superseded=[
            a_declaration(version=1, cargo="12000", received=NOON - 3 * HOUR),
            a_declaration(version=2, received=NOON - HOUR),
        ],
    )
    assert ("D05" in codes(judge(a_passage(), [a_declaration(version=2, received=NOON - HOUR)], context))) is fires
