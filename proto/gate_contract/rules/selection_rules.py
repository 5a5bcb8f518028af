"""R: what was selected for inspection before the vehicle came, and how its declarant's goods are let go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gate_contract.rules.case import Case
from gate_contract.rules.facts import Declared
from gate_contract.rules.findings import INSPECT, REVIEW, Fired, Input
from gate_contract.rules.text import moment, shown
from gate_contract.v1 import decision_pb2
from gate_contract.v1.register_pb2 import Selection

_STRICTER: Final = (
    decision_pb2.RELEASE_MODE_UNSPECIFIED,
    decision_pb2.RELEASE_MODE_DECLARATION,
    decision_pb2.RELEASE_MODE_SAMPLING,
    decision_pb2.RELEASE_MODE_VERIFICATION,
    decision_pb2.RELEASE_MODE_SUPERVISED,
)
"""Release modes, the one that looks at least first."""

MODE_WORDS: Final = {
    decision_pb2.RELEASE_MODE_DECLARATION: "on the declaration",
    decision_pb2.RELEASE_MODE_SAMPLING: "by sampling",
    decision_pb2.RELEASE_MODE_VERIFICATION: "after verification",
    decision_pb2.RELEASE_MODE_SUPERVISED: "under supervision",
}


def selections_of(case: Case) -> list[tuple[Declared, Selection]]:
    """The surely matched trip's declarations that a selection is known of, in the trip's order."""
    known = case.context.selections
    return [(each, known[each.declaration_id]) for each in _declarations(case) if each.declaration_id in known]


def release_mode(case: Case) -> decision_pb2.ReleaseMode.ValueType:
    """How the trip's goods are let go: of several declarants' modes the one that looks at most."""
    modes = [selection.mode for _declared, selection in selections_of(case) if selection.mode in _STRICTER]
    return max(modes, key=_STRICTER.index, default=decision_pb2.RELEASE_MODE_UNSPECIFIED)


def scan_order(case: Case) -> str:
    """Why a scan was ordered for this vehicle, by the caller or with a selection; "" when none was (X03)."""
    ordered = (selection.scan_ordered for _declared, selection in selections_of(case))
    return case.context.scan_ordered or next(filter(None, ordered), "")


def drawn_unix_ns(case: Case) -> int | None:
    """When the first of the trip's declarations was drawn, nanoseconds; None when none was (D05)."""
    drawn = [selection.selected_unix_ns for _declared, selection in selections_of(case) if selection.drawn]
    return min(filter(None, drawn), default=None)


def selected_for_inspection(case: Case) -> Iterator[Fired]:
    """R01: a declaration was drawn for inspection, or its declarant's goods are looked at before they go."""
    for declared, selection in selections_of(case):
        if found := _asked(declared, selection):
            explanation, inspect = found
            yield Fired(
                severity=3 if inspect else 2,
                action=INSPECT if inspect else REVIEW,
                explanation=explanation,
                inputs=_inputs(declared, selection),
                tolerance="nothing is asked where it was not drawn and its release mode asks nobody",
            )


def _asked(declared: Declared, selection: Selection) -> tuple[str, bool] | None:
    """One sentence and whether to inspect; None when it may go on its declaration."""
    if selection.mode == decision_pb2.RELEASE_MODE_SUPERVISED:
        return f"Declaration {declared.name} is released under supervision only: inspect it{_by(selection)}.", True
    if selection.drawn:
        return f"Declaration {declared.name} was drawn for inspection on {shown(selection.day)}{_by(selection)}.", True
    if selection.mode == decision_pb2.RELEASE_MODE_VERIFICATION:
        return f"Declaration {declared.name}: a person verifies its documents before it goes.", False
    return None


def _by(selection: Selection) -> str:
    return f" (officer {shown(selection.officer_id)})" if selection.officer_id else " (nobody was on duty)"


def _inputs(declared: Declared, selection: Selection) -> tuple[Input, ...]:
    source = f"selection of declaration {shown(declared.declaration_id)}"
    mode = MODE_WORDS.get(selection.mode, "not said")
    return (
        Input("release_mode", mode, f"credit class {shown(selection.credit_class) or 'not known'}"),
        Input("drawn", "yes" if selection.drawn else "no", source),
        Input("rate_of_10000", str(selection.rate), "policy release"),
        Input("officer_drawn", shown(selection.officer_id) or "none", source),
        Input("selected_utc", moment(selection.selected_unix_ns), f"seed of {shown(selection.day)}"),
    )


def _declarations(case: Case) -> tuple[Declared, ...]:
    return case.booked.declarations if case.booked else ()
