"""What a rule says when it fires, before and after it is put into the contract's message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from gate_contract.v1 import decision_pb2

Action: TypeAlias = "decision_pb2.Action.ValueType"

RELEASE: Final = decision_pb2.ACTION_RELEASE
"""A in the rule book: let it go, with a note when a finding asks for it."""
REVIEW: Final = decision_pb2.ACTION_REVIEW
"""R in the rule book: a person looks."""
INSPECT: Final = decision_pb2.ACTION_INSPECT
"""I in the rule book: inspect it."""
HOLD: Final = decision_pb2.ACTION_HOLD
"""H in the rule book: stop it until every authority has lifted its hold."""

ACTION_WORDS: Final[dict[Action, str]] = {RELEASE: "release", REVIEW: "review", INSPECT: "inspect", HOLD: "hold"}


@dataclass(frozen=True, slots=True)
class Input:
    """One thing a rule looked at: name with its unit, value as text, where it came from."""

    name: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Fired:
    """One firing of a rule. `severity` is 1 (note) to 4 (gravest); the rule's code is added by the book."""

    severity: int
    action: Action
    explanation: str
    inputs: tuple[Input, ...]
    tolerance: str


def as_finding(code: str, fired: Fired) -> decision_pb2.Finding:
    """The contract's message."""
    return decision_pb2.Finding(
        code=code,
        action=fired.action,
        severity=fired.severity,
        explanation=fired.explanation,
        inputs=[decision_pb2.Input(name=each.name, value=each.value, source=each.source) for each in fired.inputs],
        tolerance=fired.tolerance,
    )


def gravest_first(findings: list[decision_pb2.Finding]) -> list[decision_pb2.Finding]:
    """By severity, then strictness of the action, then code and text: one order for one set of findings."""
    return sorted(findings, key=lambda each: (-each.severity, -each.action, each.code, each.explanation))
