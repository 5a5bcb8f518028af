"""Holds: what of a decision still stands after the acts of officers, whose it is, and what would release it. Pure.

Each finding that asks for more than release belongs to one authority, and a passage is released when every one of them
is settled by an officer of its own authority. An act of another authority settles nothing. The same decision and the
same acts, in any order, give the same standing at the gate and at the collector.

What settles what (docs/decisions/0016 gives the reasons):

==========  =================================================================================================
HOLD        a lift that names its code, or all codes
INSPECT     an inspection: as declared, or differing and settled on the spot. Lifting is not inspecting
REVIEW      any act of the authority: a person has looked
any         an override of the authority, which puts its own action in the place of what its findings ask for
==========  =================================================================================================

An inspection that detains, and an override that asks for more than release, are holds themselves, of the officer's
authority, until a later act of that authority settles them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from gate_contract.acts import OpenedAct
from gate_contract.hold_words import STAFFED_LANE, what_to_do
from gate_contract.v1.act_pb2 import INSPECTION_RESULT_DETAINED, OfficerAct
from gate_contract.v1.decision_pb2 import (
    ACTION_HOLD,
    ACTION_INSPECT,
    ACTION_RELEASE,
    ACTION_REVIEW,
    Action,
    Decision,
    Finding,
)

CUSTOMS: Final = "customs"
BORDER: Final = "border"

AUTHORITY_BY_LETTER: Final[Mapping[str, str]] = {"P": BORDER, "S": BORDER}
"""Whose a finding is, by the first letter of its rule's code; every other letter, and any that a later release brings,
is the customs'. Vehicles (V) are theirs because what is compared is the declaration's vehicle; records (K) because the
journal proves what passed the customs line. Sailings (S) are the border inspection's, which clears ships to sail."""

ORDER_CODE: Final = "O01"
DETAINED: Final = "detained"
OVERRIDE: Final = "override"

_ANYBODY_LOOKS: Final = frozenset({"K01", "K02", "K05"})
"""Findings about records, where any officer who is there may look: on a passenger gate that is no customs officer."""


@dataclass(frozen=True, slots=True)
class Hold:
    """One thing that stops a passage, or did until it was settled.

    Attributes:
        authority: whose it is: "customs", "border", or the authority of a control order.
        code: of the rule; "detained" and "override" for what an officer asked for.
        action: what it asks for: review, inspect or hold.
        severity: 1 (note) to 4 (gravest).
        explanation: one sentence for a person.
        lifted_by: officer who settled it; "" while it stands.
        lift_reason: that officer's reason.
        lifted_unix_ns: when, nanoseconds since 1970-01-01T00:00:00Z; 0 while it stands.
        order: the order that O01 is about, e.g. "O-17 version 2"; "" for every other rule.
    """

    authority: str
    code: str
    action: Action.ValueType
    severity: int
    explanation: str
    lifted_by: str = ""
    lift_reason: str = ""
    lifted_unix_ns: int = 0
    order: str = ""

    @property
    def stands(self) -> bool:
        """Whether nobody has settled it."""
        return not self.lifted_by


@dataclass(frozen=True, slots=True)
class Need:
    """What would release a passage, as a sentence in two languages. `authority` is "" for the staffed lane."""

    authority: str
    codes: tuple[str, ...]
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What of a decision still stands.

    Attributes:
        holds: everything that asks or asked for more than release: findings in the decision's order, then what officers
            asked for, in order of time.
        action: the strictest that still stands; release when nothing does.
        needs: what would release it, strictest first, and last the staffed lane; none when it is released.
    """

    holds: tuple[Hold, ...]
    action: Action.ValueType
    needs: tuple[Need, ...]

    @property
    def released(self) -> bool:
        """Whether nothing stops it any more."""
        return self.action == ACTION_RELEASE


def authority_of(finding: Finding) -> str:
    """Whose a finding is: only this authority's officers settle it. A control order's is the authority that gave it."""
    if finding.code == ORDER_CODE:
        return next((each.source for each in finding.inputs if each.name == "order" and each.source), CUSTOMS)
    return AUTHORITY_BY_LETTER.get(finding.code[:1], CUSTOMS)


def stand(decision: Decision, acts: Iterable[OpenedAct], earlier: Sequence[Decision] = ()) -> Standing:
    """What still stands of a decision about one passage.

    Args:
        decision: the one in force.
        acts: of officers about this passage, in any order; an act told twice counts once.
        earlier: decisions about the same passage before this one, e.g. the gate's own. An act that is older than
            `decision` settles only what its officer can have known: a finding that an earlier decision had by then, or
            one whose code a lift names. So a new code holds again, and one that was lifted does not.
    """
    found = [_hold_of(each) for each in decision.findings if each.action > ACTION_RELEASE]
    asked: list[Hold] = []
    for opened in _in_order(acts):
        found = [_after(each, opened.act, _known(each, opened.act, decision, earlier)) for each in found]
        asked = [_after(each, opened.act, known=True) for each in asked]
        asked += _asked_by(opened.act)
    holds = (*found, *asked)
    action = max((each.action for each in holds if each.stands), default=ACTION_RELEASE)
    return Standing(holds, action, _needs(holds))


def _hold_of(finding: Finding) -> Hold:
    order = next((each.value for each in finding.inputs if each.name == "order"), "")
    return Hold(
        authority_of(finding),
        finding.code,
        finding.action,
        finding.severity,
        finding.explanation,
        order=order if finding.code == ORDER_CODE else "",
    )


def _in_order(acts: Iterable[OpenedAct]) -> list[OpenedAct]:
    """By time and id, each id once: of two contents under one id always the same one."""
    ordered = sorted(
        acts, key=lambda each: (each.act.at_unix_ns, each.act.act_id, each.act.SerializeToString(deterministic=True))
    )
    first: dict[str, OpenedAct] = {}
    for each in ordered:
        first.setdefault(each.act.act_id, each)
    return list(first.values())


def _known(hold: Hold, act: OfficerAct, decision: Decision, earlier: Sequence[Decision]) -> bool:
    """Whether the officer can have known of a hold when the act was done. "O01" does not say which order was meant."""
    if act.at_unix_ns >= decision.decided_unix_ns or hold.code in set(act.lift.codes) - {ORDER_CODE}:
        return True
    seen = (each.findings for each in earlier if each.decided_unix_ns <= act.at_unix_ns)
    same = (hold.authority, hold.code, hold.order)
    return any((each.authority, each.code, each.order) == same for each in map(_hold_of, chain.from_iterable(seen)))


def _after(hold: Hold, act: OfficerAct, known: bool) -> Hold:
    """A hold after an act."""
    ours = act.authority.casefold() == hold.authority.casefold()
    anybody = hold.code in _ANYBODY_LOOKS and hold.action == ACTION_REVIEW
    if not hold.stands or not known or not (ours or anybody) or not _settles(hold, act):
        return hold
    return replace(hold, lifted_by=act.officer_id, lift_reason=act.reason, lifted_unix_ns=act.at_unix_ns)


def _settles(hold: Hold, act: OfficerAct) -> bool:
    what = act.WhichOneof("what")
    if what == "override" or hold.action == ACTION_REVIEW:
        return True
    if what == "lift":
        return hold.action == ACTION_HOLD and (not act.lift.codes or hold.code in act.lift.codes)
    # An inspection that detains is done, too: what it found holds from then on.
    return what == "inspection" and hold.action == ACTION_INSPECT


def _asked_by(act: OfficerAct) -> list[Hold]:
    """What an officer asks for beyond the rule book."""
    what = act.WhichOneof("what")
    if what == "inspection" and act.inspection.result == INSPECTION_RESULT_DETAINED:
        words = f"Detained at inspection by {act.officer_id}: {act.reason}"
        return [Hold(act.authority, DETAINED, ACTION_HOLD, 4, words)]
    if what == "override" and act.override.action > ACTION_RELEASE:
        words = f"Asked for by {act.officer_id} in the place of the rule book: {act.reason}"
        return [Hold(act.authority, OVERRIDE, act.override.action, 4, words)]
    return []


def _needs(holds: Sequence[Hold]) -> tuple[Need, ...]:
    """One for each authority and action that stands, and the staffed lane."""
    groups: dict[tuple[int, str], list[str]] = {}
    for hold in holds:
        if hold.stands:
            groups.setdefault((-hold.action, hold.authority), []).append(_name(hold))
    if not groups:
        return ()
    needs = []
    for (negative, authority), codes in sorted(groups.items()):
        action = {-ACTION_HOLD: ACTION_HOLD, -ACTION_INSPECT: ACTION_INSPECT, -ACTION_REVIEW: ACTION_REVIEW}[negative]
        needs.append(Need(authority, tuple(dict.fromkeys(codes)), *what_to_do(authority, action, codes)))
    return (*needs, Need("", (), *STAFFED_LANE))


def _name(hold: Hold) -> str:
    return f"{hold.code} {hold.order}".strip()
