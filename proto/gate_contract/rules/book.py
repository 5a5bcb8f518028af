"""The rule book: one closed table of rules, and what follows from those that fire."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from gate_contract.rules.bookings import BookingIndex, latest_versions
from gate_contract.rules.case import Boarding, Case, Need, Rule, Subject, Unseen, Where
from gate_contract.rules.container_rules import (
    container_not_listed,
    number_breaks_iso6346,
    seal_not_as_declared,
    size_not_as_declared,
)
from gate_contract.rules.context import Context
from gate_contract.rules.declaration_rules import declared_not_seen, lodged_after_gate_in, regulated_without_declaration
from gate_contract.rules.facts import Declared, PassageFacts
from gate_contract.rules.findings import HOLD, INSPECT, RELEASE, REVIEW, Action, as_finding, gravest_first
from gate_contract.rules.identity import RULE_BOOK_HASH
from gate_contract.rules.journey_rules import other_driver_or_carrier, plate_at_two_sites, way_twice
from gate_contract.rules.load_rules import declared_empty_found_loaded, declared_loaded_found_empty
from gate_contract.rules.mass_rules import axles_and_total_disagree, over_legal_limit, verified_mass_wrong
from gate_contract.rules.matching import Declarations, match_booking, voted_containers
from gate_contract.rules.money_rules import duty_unpaid, paid_not_declared, parties_disagree, sailing_not_sure
from gate_contract.rules.order_rules import order_hit, order_ignored
from gate_contract.rules.people_rules import (
    attack_suspected,
    days_of_stay,
    document_not_valid,
    document_twice,
    face_not_documents,
    heads_not_tickets,
    no_shows,
    not_on_manifest,
)
from gate_contract.rules.policy import Policy
from gate_contract.rules.record_rules import clock_uncertain, journal_broken, judged_again, reference_too_old
from gate_contract.rules.records import Manifest
from gate_contract.rules.release_rules import amended_after_reading, as_it_stood, packages_not_as_declared, used_twice
from gate_contract.rules.scan_rules import goods_not_in_scan, screening_missing, threat_alarm
from gate_contract.rules.selection_rules import release_mode, selected_for_inspection
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
    Rule("V04", "one plate at two sites", (4, 4), HOLD, (Need.PLATE, Need.TIME), plate_at_two_sites, Where.COLLECTOR),
    Rule("V05", "the same way twice", (2, 2), REVIEW, (Need.PLATE, Need.TIME, Need.PASSED), way_twice, Where.COLLECTOR),
    Rule("V06", "driver or carrier is not the notified one", (3, 3), HOLD, (Need.TRIP,), other_driver_or_carrier),
    Rule("C01", "container number breaks ISO 6346", (2, 2), REVIEW, (Need.CONTAINER,), number_breaks_iso6346),
    Rule("C02", "container is not on the list", (3, 3), HOLD, (), container_not_listed),
    Rule("C03", "size-type is not as declared", (2, 2), REVIEW, (Need.CONTAINER,), size_not_as_declared),
    Rule("C05", "declared empty, found loaded", (4, 4), HOLD, (Need.TRIP,), declared_empty_found_loaded),
    Rule("C06", "declared loaded, found empty", (3, 3), INSPECT, (Need.TRIP,), declared_loaded_found_empty),
    Rule("C07", "seal is not as declared", (3, 4), HOLD, (Need.TRIP, Need.SEAL), seal_not_as_declared),
    Rule("W01", "weight is not as declared", (3, 3), INSPECT, (Need.BALANCE,), weight_not_as_declared),
    Rule("W02", "over the legal limit", (4, 4), HOLD, (Need.AXLES,), over_legal_limit),
    Rule("W03", "weight is inconclusive", (1, 1), REVIEW, (Need.BALANCE,), weight_inconclusive),
    Rule("W04", "axles and total disagree", (1, 1), REVIEW, (Need.AXLES,), axles_and_total_disagree),
    Rule("W05", "verified gross mass is wrong", (3, 3), HOLD, (Need.TRIP,), verified_mass_wrong),
    Rule("X01", "scan does not show the declared goods", (3, 3), REVIEW, (Need.TRIP, Need.SCAN), goods_not_in_scan),
    Rule("X02", "alarm of a scanner or a radiation portal", (3, 4), HOLD, (), threat_alarm),
    Rule("X03", "ordered scan, or a screening of the lane, is missing", (3, 3), HOLD, (), screening_missing),
    Rule("P01", "not on the manifest", (3, 3), REVIEW, (), not_on_manifest),
    Rule("P02", "face is not the document's", (3, 3), REVIEW, (), face_not_documents),
    Rule("P03", "presentation attack suspected", (4, 4), REVIEW, (Need.FACE,), attack_suspected),
    Rule("P04", "document is not in order", (3, 3), REVIEW, (Need.DOCUMENT,), document_not_valid),
    Rule(
        "P05",
        "one document twice",
        (4, 4),
        REVIEW,
        (Need.DOCUMENT, Need.TIME, Need.PASSED),
        document_twice,
        Where.FROM_ALL_GATES,
    ),
    Rule("P08", "days of stay", (1, 1), RELEASE, (Need.DOCUMENT,), days_of_stay, Where.COLLECTOR),
    Rule("D02", "regulated goods, no declaration", (3, 3), HOLD, (), regulated_without_declaration),
    Rule(
        "D03", "packages are not as declared", (3, 3), INSPECT, (Need.TRIP,), packages_not_as_declared, Where.COLLECTOR
    ),
    Rule("D04", "lodged after gate-in", (2, 2), REVIEW, (), lodged_after_gate_in),
    Rule("D05", "amended after the reading", (3, 3), REVIEW, (), amended_after_reading, Where.COLLECTOR),
    Rule("D06", "release used twice", (4, 4), HOLD, (Need.TRIP, Need.PASSED), used_twice, Where.FROM_ALL_GATES),
    Rule("M01", "paid is not the declared value", (2, 2), REVIEW, (Need.TRIP,), paid_not_declared),
    Rule("M02", "parties disagree", (3, 3), INSPECT, (Need.TRIP,), parties_disagree),
    Rule("M03", "duty unpaid or guarantee exhausted", (3, 3), HOLD, (Need.TRIP,), duty_unpaid),
    Rule("S01", "sailing not in the schedule, or its ship absent", (2, 2), REVIEW, (), sailing_not_sure),
    Rule("R01", "selected for inspection", (2, 3), INSPECT, (Need.TRIP,), selected_for_inspection),
    Rule("O01", "control order", (4, 4), HOLD, (), order_hit),
    Rule("O02", "control order that does not hold", (4, 4), RELEASE, (), order_ignored),
    Rule("K01", "the gate's clock is uncertain", (1, 1), RELEASE, (), clock_uncertain),
    Rule("K02", "late record, judged again", (1, 1), REVIEW, (), judged_again),
    Rule("K03", "gap or fork in a journal", (4, 4), HOLD, (), journal_broken, Where.COLLECTOR),
    Rule("K05", "the gate's reference data is too old", (2, 2), REVIEW, (), reference_too_old, Where.GATE),
)
"""Rules asked of every passage."""

_BY_VERSION: Final = frozenset(("V03", "V06", "C02", "C03", "C05", "C06", "C07", "W01", "W05", "X01", "D03", "M01"))
"""Rules that compare what was seen with what a version declares."""

_NEEDS: Final = tuple(dict.fromkeys(rule.needs for rule in PASSAGE_RULES))
_RULES: Final = tuple((rule, _NEEDS.index(rule.needs)) for rule in PASSAGE_RULES)
"""Rules with the place of what they need: many need the same, and it is looked at once."""

DECLARATION_RULES: Final[tuple[Rule[Unseen], ...]] = (
    Rule("D01", "declared, not seen", (2, 2), REVIEW, (), declared_not_seen, Where.COLLECTOR),
)
"""Rules asked of every declaration whose vehicle was not seen; there is no passage."""

SAILING_RULES: Final[tuple[Rule[Boarding], ...]] = (
    Rule("P06", "no-show", (2, 2), REVIEW, (), no_shows, Where.COLLECTOR),
    Rule("P07", "head count is not the tickets", (3, 3), REVIEW, (), heads_not_tickets, Where.COLLECTOR),
)
"""Rules asked of every sailing whose boarding is over; there is no passage."""

RULES: Final[tuple[Rule[Case] | Rule[Unseen] | Rule[Boarding], ...]] = (
    *PASSAGE_RULES,
    *DECLARATION_RULES,
    *SAILING_RULES,
)
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
    book = declarations if isinstance(declarations, BookingIndex) else BookingIndex(declarations)
    facts = voted_containers(PassageFacts.of(passage), book, policy, context.site_id)
    match = match_booking(facts, book, policy, context.site_id)
    balance = balance_of(facts, match.trip, policy) if match.trip else None
    case = Case(facts, context, policy, match, balance)
    met = [all(map(case.has, needs)) for needs in _NEEDS]
    findings = [finding for rule, needs in _RULES if met[needs] for finding in _asked(rule, case)]
    findings = gravest_first(findings + _by_earlier_version(case, {finding.code for finding in findings}))
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
        release_mode=release_mode(case),
    )


def _by_earlier_version(case: Case, found: Collection[str]) -> list[decision_pb2.Finding]:
    """What is found by the version that stood when the vehicle was seen, and not by the one amended since (D05)."""
    before = as_it_stood(case) if case.context.superseded else None
    if before is None:
        return []
    asked = [rule for rule in PASSAGE_RULES if rule.code in _BY_VERSION and rule.code not in found]
    return [finding for rule in asked if all(map(before.has, rule.needs)) for finding in _asked(rule, before)]


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


def after_boarding(
    manifest: Manifest,
    boarded: Iterable[bytes],
    heads: int | None,
    departure_unix_ns: int | None,
    now_unix_ns: int,
    policy: Policy,
) -> list[decision_pb2.Finding]:
    """What is to be said of a sailing as a whole (P06, P07), gravest first.

    Args:
        manifest: its tickets.
        boarded: pseudonyms of the documents that were let through to it.
        heads: how many were counted; None when nobody counted.
        departure_unix_ns: nanoseconds since 1970-01-01T00:00:00Z; None when not known, and then nobody is a no-show.
        now_unix_ns: nanoseconds since 1970-01-01T00:00:00Z.
        policy: tolerances in force.
    """
    boarding = Boarding(manifest, frozenset(boarded), heads, departure_unix_ns, now_unix_ns, policy)
    return gravest_first([finding for rule in SAILING_RULES for finding in _asked(rule, boarding)])


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
