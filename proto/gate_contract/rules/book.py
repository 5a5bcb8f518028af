"""The rule book: one closed table of rules, and what follows from those that fire."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from gate_contract.rules.bookings import latest_versions
from gate_contract.rules.case import Case, Need, Rule, Subject, Unseen
from gate_contract.rules.context import Context
from gate_contract.rules.declaration_rules import declared_not_seen, lodged_after_gate_in, regulated_without_declaration
from gate_contract.rules.facts import Declared, PassageFacts
from gate_contract.rules.findings import HOLD, INSPECT, RELEASE, REVIEW, Action, as_finding, gravest_first
from gate_contract.rules.identity import RULE_BOOK_HASH
from gate_contract.rules.matching import Declarations, match_booking
from gate_contract.rules.policy import Policy
from gate_contract.rules.record_rules import journal_broken, judged_again, reference_too_old
from gate_contract.rules.vehicle_rules import plate_breaks_grammar, plate_not_booked, trailer_not_as_declared
from gate_contract.rules.weight_rules import weight_inconclusive, weight_not_as_declared
from gate_contract.rules.weights import balance_of
from gate_contract.v1 import decision_pb2, declaration_pb2, passage_pb2

MOST_REFERENCES: Final = 100
"""Declaration versions a decision names; a passage that fits more bookings is a person's work anyway."""

PASSAGE_RULES: Final[tuple[Rule[Case], ...]] = (
    Rule("V01", "plate is not the booked one", (1, 3), HOLD, (), plate_not_booked),
    Rule("V02", "plate breaks the grammar", (2, 2), REVIEW, (Need.PLATE,), plate_breaks_grammar),
    Rule("V03", "trailer is not the declared one", (3, 3), REVIEW, (Need.PLATE,), trailer_not_as_declared),
    Rule("W01", "weight is not as declared", (3, 3), INSPECT, (Need.BALANCE,), weight_not_as_declared),
    Rule("W03", "weight is inconclusive", (1, 1), REVIEW, (Need.BALANCE,), weight_inconclusive),
    Rule("D02", "regulated goods, no declaration", (3, 3), HOLD, (), regulated_without_declaration),
    Rule("D04", "lodged after gate-in", (2, 2), REVIEW, (), lodged_after_gate_in),
    Rule("K02", "late record, judged again", (1, 1), REVIEW, (), judged_again),
    Rule("K03", "gap or fork in a journal", (4, 4), HOLD, (), journal_broken),
    Rule("K05", "the gate's reference data is too old", (2, 2), REVIEW, (), reference_too_old),
)
"""Rules asked of every passage."""

DECLARATION_RULES: Final[tuple[Rule[Unseen], ...]] = (
    Rule("D01", "declared, not seen", (2, 2), REVIEW, (), declared_not_seen),
)
"""Rules asked of every declaration whose vehicle was not seen; there is no passage."""

RULES: Final[tuple[Rule[Case] | Rule[Unseen], ...]] = (*PASSAGE_RULES, *DECLARATION_RULES)
"""The whole book. A rule is added by adding its row."""


def decide(
    passage: passage_pb2.Passage,
    declarations: Declarations,
    context: Context,
    policy: Policy,
) -> decision_pb2.Decision:
    """Judge one passage.

    Total and deterministic: every passage and every declarations lead to one of the four actions, the order of the
    declarations does not matter, and the same arguments give the same bytes. Of each declaration the highest version
    counts. Pass a `BookingIndex` when many passages are judged against the same declarations.

    The action is the strictest that any finding asks for, and RELEASE when there is none; severity only orders the
    findings. `declarations` of the result are the versions judged against, or all that are equally near.
    """
    facts = PassageFacts.of(passage)
    match = match_booking(facts, declarations, policy, context.site_id)
    balance = balance_of(facts, match.trip, policy) if match.trip else None
    case = Case(facts, context, policy, match, balance)
    findings = gravest_first(
        [finding for rule in PASSAGE_RULES if all(map(case.has, rule.needs)) for finding in _asked(rule, case)]
    )
    return decision_pb2.Decision(
        action=strictest(finding.action for finding in findings),
        findings=findings,
        rule_book=RULE_BOOK_HASH,
        policy=policy.hash,
        declarations=[
            decision_pb2.DeclarationRef(declaration_id=each.declaration_id, version=each.version)
            for each in match.declarations[:MOST_REFERENCES]
        ],
        reference_age_s=None if context.reference_age_s is None else max(context.reference_age_s, 0),
        decided_unix_ns=context.now_unix_ns,
    )


def unseen(
    declarations: Iterable[declaration_pb2.Declaration],
    seen_ids: Collection[str],
    now_unix_ns: int,
    policy: Policy,
) -> list[tuple[declaration_pb2.Declaration, decision_pb2.Finding]]:
    """Declarations whose vehicle was not seen in time (D01), in order of their ids, latest versions only.

    Args:
        declarations: any versions in any order.
        seen_ids: ids of declarations that were seen, see `seen_by`; a set, where there are many.
        now_unix_ns: nanoseconds since 1970-01-01T00:00:00Z.
        policy: tolerances in force.
    """
    absent = [each for each in latest_versions(declarations) if each.declaration_id not in seen_ids]
    return [
        (declaration, finding)
        for declaration in absent
        for rule in DECLARATION_RULES
        for finding in _asked(rule, Unseen(Declared.of(declaration), now_unix_ns, policy))
    ]


def seen_by(decision: decision_pb2.Decision) -> frozenset[str]:
    """Ids of the declarations that a decision's passage was surely the vehicle of.

    None when V01 asks a person about the plate: until that is settled the declared vehicle was not seen.
    """
    if any(finding.code == "V01" and finding.action != RELEASE for finding in decision.findings):
        return frozenset()
    return frozenset(reference.declaration_id for reference in decision.declarations)


def strictest(actions: Iterable[Action]) -> Action:
    """RELEASE < REVIEW < INSPECT < HOLD; RELEASE when nothing is asked for."""
    return max(actions, default=RELEASE)


def _asked(rule: Rule[Subject], subject: Subject) -> list[decision_pb2.Finding]:
    return [as_finding(rule.code, fired) for fired in rule.judge(subject)]
