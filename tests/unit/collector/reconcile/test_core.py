from __future__ import annotations

from typing import Literal

import pytest

from collector.reconcile.core import defect_of, difference_from_gate, journal_finding
from gate_contract.rules import JournalDefect
from gate_contract.v1.decision_pb2 import (
    ACTION_HOLD,
    ACTION_RELEASE,
    ACTION_REVIEW,
    Action,
    Decision,
    DeclarationRef,
    Finding,
)


def decision(action: Action.ValueType, *found: str, versions: tuple[tuple[str, int], ...] = ()) -> Decision:
    return Decision(
        action=action,
        findings=[Finding(code=code) for code in found],
        rule_book="aa",
        policy="bb",
        declarations=[DeclarationRef(declaration_id=each, version=version) for each, version in versions],
    )


def test_a_gate_that_decided_the_same_for_the_same_reasons_does_not_differ() -> None:
    gate = decision(ACTION_REVIEW, "V02", versions=(("D-1", 1),))
    gate.reference_age_s = 40
    assert difference_from_gate(gate, decision(ACTION_REVIEW, "V02", versions=(("D-1", 2),))) == ""


def test_a_gate_that_knew_less_is_told_apart_with_the_likely_cause() -> None:
    gate = decision(ACTION_HOLD, "D02")
    gate.reference_age_s = 3600
    ours = decision(ACTION_RELEASE, versions=(("D-1", 1),))
    assert difference_from_gate(gate, ours) == (
        "The gate decided hold, the collector release. Only at the gate: D02."
        " The gate judged against no declaration, the collector against D-1 version 1."
        " The gate's declarations were 3600 s old."
    )


def test_another_rule_book_and_another_policy_are_named() -> None:
    gate = decision(ACTION_RELEASE)
    gate.rule_book, gate.policy = "cc", "dd"
    told = difference_from_gate(gate, decision(ACTION_REVIEW, "W03"))
    assert "Only at the collector: W03." in told
    assert "another rule book" in told
    assert "another policy" in told


def test_a_gate_without_a_decision_is_said_to_have_none() -> None:
    assert difference_from_gate(Decision(), decision(ACTION_RELEASE)) == "The gate made no decision of its own."


@pytest.mark.parametrize("kind", ["fork", "gap"])
def test_a_defect_survives_its_finding(kind: Literal["fork", "gap"]) -> None:
    defect = JournalDefect(kind, "hainan.example/agent/gate-1/00", 12, "records 12 to 14 are lost at the gate")
    finding = journal_finding(defect)
    assert defect_of(finding) == defect
    assert "cannot be closed" in finding.explanation
