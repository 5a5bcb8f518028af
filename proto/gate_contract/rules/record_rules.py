"""K: the records themselves."""

from __future__ import annotations

from collections.abc import Iterator

from gate_contract.rules.case import Case
from gate_contract.rules.findings import ACTION_WORDS, HOLD, REVIEW, Fired, Input
from gate_contract.rules.text import MOST_NAMED, listed, moment, shown

_LONGEST_REASON = 200
HOUR_S = 3600


def judged_again(case: Case) -> Iterator[Fired]:
    """K02: something came late, and this decision supersedes an earlier one."""
    if (earlier := case.context.earlier) is None:
        return
    word = ACTION_WORDS.get(earlier.action, "nothing")
    reason = shown(earlier.reason, _LONGEST_REASON) or "no reason was recorded"
    yield Fired(
        severity=1,
        action=REVIEW,
        explanation=f"Judged again: {reason}; the earlier decision was {word}.",
        inputs=(
            Input("late", reason, "what caused this evaluation"),
            Input("earlier_action", word, f"decided {moment(earlier.decided_unix_ns)}"),
        ),
        tolerance="the first decision stands unless a record or declaration comes late",
    )


def journal_broken(case: Case) -> Iterator[Fired]:
    """K03: the journal that the passage is in has a gap or a fork."""
    if not (defects := case.context.journal_defects):
        return
    named = [f"{defect.kind} at record {defect.index} of {shown(defect.origin)}" for defect in defects]
    yield Fired(
        severity=4,
        action=HOLD,
        explanation=f"The journal of this passage is not whole ({listed(named)}): the sailing cannot be closed.",
        inputs=tuple(
            Input("journal_defect", f"{defect.kind} at record {defect.index}", _source(defect.origin, defect.detail))
            for defect in defects[:MOST_NAMED]
        ),
        tolerance="no gap and no fork",
    )


def reference_too_old(case: Case) -> Iterator[Fired]:
    """K05: what the gate knows of declarations is older than policy allows: a person looks, whatever it says."""
    age, most = case.context.reference_age_s, case.policy.K05.most_hours
    if age is None or age <= most * HOUR_S:
        return
    yield Fired(
        severity=2,
        action=REVIEW,
        explanation=f"The gate's copy of the declarations is {age / HOUR_S:.1f} h old; policy allows {most} h.",
        inputs=(
            Input("reference_age_seconds", str(age), "the gate's copy of the declarations"),
            Input("most_hours", str(most), "policy K05.most_hours"),
        ),
        tolerance=f"at most {most} h old (policy K05.most_hours)",
    )


def _source(origin: str, detail: str) -> str:
    return ": ".join(filter(None, (shown(origin), shown(detail, _LONGEST_REASON))))
