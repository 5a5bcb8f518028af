"""K: the records themselves."""

from __future__ import annotations

from collections.abc import Iterator

from gate_contract.rules.case import Case
from gate_contract.rules.facts import LARGEST_BOUND_NS
from gate_contract.rules.findings import ACTION_WORDS, HOLD, RELEASE, REVIEW, Fired, Input
from gate_contract.rules.text import MOST_NAMED, listed, moment, shown

_LONGEST_REASON = 200
HOUR_S = 3600
SECOND = 1_000_000_000
_LONGEST_BOUND = 86_400 * SECOND


def clock_uncertain(case: Case) -> Iterator[Fired]:
    """K01: the gate's clock may have been off by more than 2 s; by more than 60 s its time is not used at all."""
    bound, noted = case.passage.bound_ns, case.policy.K01.noted_seconds
    if bound is None or bound <= noted * SECOND:
        return
    off = f"{bound / SECOND:.1f} s" if bound < _LONGEST_BOUND else "more than a day"
    unused = bound > LARGEST_BOUND_NS
    then = "its time is not used, the order of the records is" if unused else "times of this passage are that uncertain"
    yield Fired(
        severity=1,
        action=RELEASE,
        explanation=f"The gate's clock may have been off by {off}: {then}.",
        inputs=(
            Input("error_bound_seconds", f"{bound / SECOND:.3f}", "the kernel of the gate"),
            Input("noted_seconds", str(noted), "policy K01.noted_seconds"),
        ),
        tolerance=f"<= {noted} s; beyond {LARGEST_BOUND_NS // SECOND} s the time is not used",
    )


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
    if case.context.reference_awaited:
        # Nothing is older than what never came: it knows of no order, no sailing, no officer.
        yield Fired(
            severity=2,
            action=REVIEW,
            explanation="The gate has never got reference data from the collector; it knows of no control order.",
            inputs=(Input("most_hours", str(most), "policy K05.most_hours"),),
            tolerance=f"at most {most} h old (policy K05.most_hours)",
        )
        return
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
