"""What reconciliation decides, without a database: judge, judge again, compare with the gate. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gate_contract.again import JUDGED_AGAIN, asks_nobody
from gate_contract.rules import (
    BookingIndex,
    Context,
    EarlierDecision,
    JournalDefect,
    Match,
    PassageFacts,
    Policy,
    decide,
    match_booking,
)
from gate_contract.rules.findings import ACTION_WORDS, HOLD, Fired, Input, as_finding
from gate_contract.rules.text import listed
from gate_contract.rules.weights import Balance, NoBalance, balance_of
from gate_contract.v1.decision_pb2 import ACTION_UNSPECIFIED, Decision, Finding
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.ledger_pb2 import Verdict
from gate_contract.v1.passage_pb2 import Passage

JOURNAL_BROKEN = "K03"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A passage to be judged, with all it depends on.

    Attributes:
        passage: its revision that counts.
        bookings: declarations as they stand.
        context: without the earlier decision.
        earlier: the verdict that stands; None when it was never judged.
        reason: why it is judged again.
    """

    passage: Passage
    bookings: BookingIndex
    context: Context
    earlier: Verdict | None
    reason: str


def judge(waiting: Waiting, policy: Policy) -> Decision | None:
    """The decision; None when it would only repeat the verdict that stands.

    It repeats it when the passage's revision, the declaration versions, the rule book, the policy and the rules that
    fired with their actions are the same: a new verdict then would say nothing but another time.
    """
    fresh = decide(waiting.passage, waiting.bookings, waiting.context, policy)
    earlier = waiting.earlier
    if earlier is None:
        return fresh
    if earlier.revision == waiting.passage.revision and _substance(earlier.decision) == _substance(fresh):
        return None
    return _again(waiting, earlier, fresh, policy)


def judge_afresh(waiting: Waiting, policy: Policy) -> Decision:
    """The decision, whether or not it repeats the verdict that stands."""
    fresh = decide(waiting.passage, waiting.bookings, waiting.context, policy)
    return fresh if waiting.earlier is None else _again(waiting, waiting.earlier, fresh, policy)


def _again(waiting: Waiting, earlier: Verdict, fresh: Decision, policy: Policy) -> Decision:
    """With K02, but where the revision asks nobody to look."""
    decided = earlier.decision
    if asks_nobody(waiting.passage, decided, fresh):
        return fresh
    before = EarlierDecision(waiting.reason, decided.action, decided.decided_unix_ns)
    return decide(waiting.passage, waiting.bookings, replace(waiting.context, earlier=before), policy)


def _substance(decision: Decision) -> tuple[object, ...]:
    return (
        decision.rule_book,
        decision.policy,
        [(each.declaration_id, each.version) for each in decision.declarations],
        [(each.code, each.action, each.severity) for each in decision.findings if each.code != JUDGED_AGAIN],
    )


def concerned_by(passage: Passage, site_id: str, arrived: BookingIndex, policy: Policy) -> str | None:
    """Which of the declaration versions that arrived may change what is decided on a passage; None when none can.

    A passage without a plate read is concerned by every booking open to it.
    """
    match = match_booking(PassageFacts.of(passage), arrived, policy, site_id)
    trips = (*match.trips, *match.passed_over)
    if trips:
        return listed(sorted({declared.name for trip in trips for declared in trip.declarations}))
    return "for that time" if match.read is None and match.open_bookings else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was measured against what was declared, also where no rule fired.

    Attributes:
        match: how the plate found the booking.
        balance: the weights; None on a lane without a scale, or when no single trip is matched.
        same_policy: whether these are the tolerances of the decision; else it was decided under others.
    """

    match: Match
    balance: Balance | NoBalance | None
    same_policy: bool


def compare(
    passage: Passage, site_id: str, declarations: Sequence[Declaration], decision: Decision, policy: Policy
) -> Comparison:
    """Repeat the comparison behind a decision; `declarations` are the versions that it was judged against."""
    facts = PassageFacts.of(passage)
    match = match_booking(facts, declarations, policy, site_id)
    balance = balance_of(facts, match.trip, policy) if match.trip else None
    return Comparison(match, balance, decision.policy == policy.hash)


def difference_from_gate(gate: Decision, ours: Decision) -> str:
    """How the collector's decision differs from the gate's own, and the likely cause; "" when it does not."""
    if gate.action == ACTION_UNSPECIFIED:
        return "The gate made no decision of its own."
    only_here, only_there = _codes(ours) - _codes(gate), _codes(gate) - _codes(ours)
    if gate.action == ours.action and not only_here and not only_there:
        return ""
    facts = [f"The gate decided {_word(gate)}, the collector {_word(ours)}."]
    facts += [f"Only at the collector: {_list(only_here)}."] if only_here else []
    facts += [f"Only at the gate: {_list(only_there)}."] if only_there else []
    if (theirs := _references(gate)) != (known := _references(ours)):
        facts.append(f"The gate judged against {_list(theirs)}, the collector against {_list(known)}.")
    if gate.rule_book != ours.rule_book:
        facts.append("The gate has another rule book.")
    if gate.policy != ours.policy:
        facts.append("The gate has another policy.")
    if gate.HasField("reference_age_s"):
        facts.append(f"The gate's declarations were {gate.reference_age_s} s old.")
    return " ".join(facts)


def changed_words(was: Decision, now: Decision) -> str:
    """How one decision differs from another on the same passage, for a table; never ""."""
    facts = []
    if gone := _codes(was) - _codes(now):
        facts.append(f"without {_list(gone)}")
    if come := _codes(now) - _codes(was):
        facts.append(f"with {_list(come)}")
    if (theirs := _references(was)) != (ours := _references(now)):
        facts.append(f"against {_list(ours)}, not {_list(theirs)}")
    if was.release_mode != now.release_mode:
        facts.append("with another release mode")
    told = {each.code for each in now.findings if each not in was.findings} & _codes(was)
    if told:
        facts.append(f"{_list(told)} with other figures")
    return ", ".join(facts) or "with other figures"


def _codes(decision: Decision) -> set[str]:
    return {finding.code for finding in decision.findings}


def _references(decision: Decision) -> set[str]:
    return {f"{each.declaration_id} version {each.version}" for each in decision.declarations}


def _list(names: Iterable[str]) -> str:
    return listed(sorted(names)) if names else "no declaration"


def _word(decision: Decision) -> str:
    return ACTION_WORDS.get(decision.action, "nothing")


def journal_finding(defect: JournalDefect) -> Finding:
    """K03 for a journal as a whole."""
    if defect.kind == "fork":
        why = f"has two histories from record {defect.index} on: what it says from there is in doubt, and its sailings"
        source = "quarantine"
    else:
        why = f"lacks what was captured ({defect.detail}): a passage may be missing, so sailings of that time"
        source = "alarms"
    fired = Fired(
        severity=4,
        action=HOLD,
        explanation=f"Journal {defect.origin} {why} cannot be closed.",
        inputs=(
            Input("record_index", str(defect.index), defect.origin),
            Input("detail", defect.detail, source),
        ),
        tolerance="no gap and no fork",
    )
    return as_finding(JOURNAL_BROKEN, fired)


def defect_of(finding: Finding) -> JournalDefect:
    """The defect that `journal_finding` was made of."""
    inputs = {each.name: each for each in finding.inputs}
    at, detail = inputs["record_index"], inputs["detail"]
    return JournalDefect("gap" if detail.source == "alarms" else "fork", at.source, int(at.value), detail.value)
