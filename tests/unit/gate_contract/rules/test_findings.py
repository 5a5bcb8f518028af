from __future__ import annotations

import itertools

import pytest

from gate_contract.rules.book import strictest
from gate_contract.rules.findings import Fired, Input, as_finding, gravest_first
from gate_contract.v1 import decision_pb2
from tests.unit.gate_contract.rules.builders import HOLD, INSPECT, RELEASE, REVIEW


def test_severity_orders_before_strictness_and_strictness_before_the_code() -> None:
    ordered = [
        decision_pb2.Finding(code="Z", severity=4, action=REVIEW),
        decision_pb2.Finding(code="B", severity=3, action=HOLD),
        decision_pb2.Finding(code="A", severity=3, action=INSPECT),
        decision_pb2.Finding(code="C", severity=3, action=INSPECT),
        decision_pb2.Finding(code="A", severity=1, action=HOLD),
    ]
    for shuffled in itertools.permutations(ordered):
        assert gravest_first(list(shuffled)) == ordered


@pytest.mark.parametrize(
    ("actions", "action"),
    [
        ([], RELEASE),
        ([RELEASE], RELEASE),
        ([RELEASE, REVIEW], REVIEW),
        ([REVIEW, INSPECT, REVIEW], INSPECT),
        ([HOLD, INSPECT], HOLD),
    ],
)
def test_the_strictest_action_wins(
    actions: list[decision_pb2.Action.ValueType], action: decision_pb2.Action.ValueType
) -> None:
    assert strictest(actions) == action


def test_a_finding_carries_all_that_its_rule_said() -> None:
    fired = Fired(3, INSPECT, "Too heavy.", (Input("gross_kilograms", "5", "scale-1"),), "<= 4 kg")
    assert as_finding("W01", fired) == decision_pb2.Finding(
        code="W01",
        action=INSPECT,
        severity=3,
        explanation="Too heavy.",
        inputs=[decision_pb2.Input(name="gross_kilograms", value="5", source="scale-1")],
        tolerance="<= 4 kg",
    )
