"""Credit classes: what cases and clean years make of a declarant. Pure.

A declarant's class follows from the versions of its entry in the credit register, each of which says why it was made:
set by hand, an outcome of a case, a case that was opened again, a clean year. So the class can be reckoned again, and
an outcome that is taken back takes its effect back, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from collector.cases.policy import DAY, CasePolicy
from gate_contract.release import CREDIT_CLASSES
from gate_contract.v1 import case_pb2 as pb

OUTCOMES: Final = {
    pb.CASE_OUTCOME_ERROR: "error",
    pb.CASE_OUTCOME_VIOLATION: "violation",
    pb.CASE_OUTCOME_GRAVE_VIOLATION: "grave violation",
}
"""Outcomes that touch credit, in the words of a reason; an unfounded case does not."""

Kind = Literal["hand", "outcome", "taken back", "clean"]

_OF_CASE: Final = re.compile(r"case (C-[0-9a-f]{16}): (error|violation|grave violation|taken back)")
_CLEAN: Final = "a clean year"
_BY_HAND: Final = "by hand: "


@dataclass(frozen=True, slots=True)
class Because:
    """Why a version of a credit record was made.

    Attributes:
        kind: see Kind.
        at_ns: when, nanoseconds since 1970-01-01T00:00:00Z.
        credit_class: as set by hand; of the other kinds it is not used.
        case_id: of "outcome" and "taken back".
        outcome: of "outcome", a word of OUTCOMES.
        words: of "hand", as the person wrote them.
    """

    kind: Kind
    at_ns: int
    credit_class: str = ""
    case_id: str = ""
    outcome: str = ""
    words: str = ""

    @property
    def reason(self) -> str:
        """As CreditRecord.reason has it."""
        if self.kind == "hand":
            return f"{_BY_HAND}{self.words}"
        if self.kind == "clean":
            return _CLEAN
        return f"case {self.case_id}: {self.outcome or 'taken back'}"


def because(credit_class: str, reason: str, at_ns: int) -> Because:
    """What a version of a credit record says; what reads like nothing of ours was set by hand."""
    if reason == _CLEAN:
        return Because("clean", at_ns)
    if found := _OF_CASE.fullmatch(reason):
        case_id, word = found.groups()
        if word == "taken back":
            return Because("taken back", at_ns, case_id=case_id)
        return Because("outcome", at_ns, case_id=case_id, outcome=word)
    return Because("hand", at_ns, credit_class=credit_class, words=reason.removeprefix(_BY_HAND))


def class_of(history: Iterable[Because], policy: CasePolicy) -> str:
    """The class that a declarant has; "" when none is known.

    The last setting by hand is the start; what came before it counts no more. An error counts with another one within
    `policy.within_days` and makes the class one worse together with it; a violation does so alone; a grave one makes
    it the worst. A clean year makes it one better. Of a case the last outcome counts, at the time of that outcome. Who
    has no class is treated as good where something makes it worse, and has none until then: an error must not make
    anybody better known than before.

    Args:
        history: in order.
        policy: the numbers.
    """
    place: int | None = None
    errors: list[int] = []
    for each in _in_force(list(history)):
        worse = 0
        if each.kind == "hand":
            place, errors = CREDIT_CLASSES.index(each.credit_class), []
        elif each.kind == "clean":
            place = None if place is None else max(place - 1, 0)
        elif each.outcome == "error":
            errors = [at for at in errors if at > each.at_ns - policy.within_days * DAY] + [each.at_ns]
            if len(errors) >= policy.errors:
                worse, errors = 1, []
        else:
            worse = 1 if each.outcome == "violation" else len(CREDIT_CLASSES)
        if worse:
            place = min((place or 0) + worse, len(CREDIT_CLASSES) - 1)
    return "" if place is None else CREDIT_CLASSES[place]


def _in_force(history: list[Because]) -> list[Because]:
    """From the last setting by hand on, without outcomes that a later word on the same case replaced or took back."""
    start = max((at for at, each in enumerate(history) if each.kind == "hand"), default=0)
    last = {each.case_id: at for at, each in enumerate(history) if each.case_id}
    return [
        each
        for at, each in enumerate(history)
        if at >= start and each.kind != "taken back" and (not each.case_id or last[each.case_id] == at)
    ]


def is_clean(history: Iterable[Because], policy: CasePolicy, now_unix_ns: int) -> bool:
    """Whether a released passage now makes the class one better: it can be, and nothing was noted for long enough.

    A class that was set by hand, and one that became better a while ago, also count from then on: it takes a clean
    year for each step.
    """
    reasons = list(history)
    if class_of(reasons, policy) in {"", CREDIT_CLASSES[0]}:
        return False
    return now_unix_ns - _in_force(reasons)[-1].at_ns >= policy.clean_days * DAY
