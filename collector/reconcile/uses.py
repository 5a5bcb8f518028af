"""What went on a declaration before: releases that were used up, and what is left of its quantities (D06). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from collector.reconcile.passed import Passed
from gate_contract.acts import OpenedAct
from gate_contract.holds import Standing, stand
from gate_contract.rules import Match, PassageFacts, Policy
from gate_contract.rules.amounts import amount
from gate_contract.rules.records import QuantityLeft
from gate_contract.rules.trips import Trip
from gate_contract.rules.weights import ARITHMETIC, Balance, balance_of
from gate_contract.v1.decision_pb2 import ACTION_RELEASE, Decision
from gate_contract.v1.passage_pb2 import Passage
from gate_contract.v1.register_pb2 import DeclarationQuantity

KILOGRAMS: Final = "kg"
"""Unit of what is weighed; what it is called is the declarant's matter."""


def released(other: Passed, acts: Sequence[OpenedAct], decided_before: Sequence[Decision] = ()) -> bool:
    """Whether a passage was let go: by the rule book, or by officers who settled what it found.

    `decided_before` are the collector's own decisions on it before the one that stands.
    """
    if not acts:
        return other.decision.action == ACTION_RELEASE
    return standing_of(other.passage, other.decision, acts, decided_before).released


def standing_of(
    passage: Passage, decision: Decision, acts: Sequence[OpenedAct], decided_before: Sequence[Decision]
) -> Standing:
    """What stands of a decision after officers' acts; they may have acted on what the gate decided by itself."""
    gates = [passage.local_decision] if passage.HasField("local_decision") else []
    return stand(decision, acts, [*gates, *decided_before])


def left_of(
    quantity: DeclarationQuantity, passage: PassageFacts, match: Match, before: Iterable[Passed], policy: Policy
) -> QuantityLeft | None:
    """What is left when this passage has gone; None when the item, or what was measured, says no number."""
    allowed = amount(quantity.allowed)
    if not isinstance(allowed, Decimal):
        return None
    used = Decimal(0)
    for facts in (*(each.facts for each in before), passage):
        share = _used(quantity, facts, match.trip, policy)
        if share is None:
            return None
        used = ARITHMETIC.add(used, share)
    return QuantityLeft(quantity.name, ARITHMETIC.subtract(allowed, used), quantity.unit)


def _used(quantity: DeclarationQuantity, facts: PassageFacts, trip: Trip | None, policy: Policy) -> Decimal | None:
    """How much one passage uses.

    Of goods that were weighed it is what is declared, while the weight fits: no scale is so good that two weighings
    of the same goods are the same. Beyond what W01 allows it is what was measured.
    """
    per_passage = amount(quantity.used_per_passage)
    if isinstance(per_passage, Decimal):
        return per_passage
    declared = (
        next((each for each in trip.declarations if each.declaration_id == quantity.declaration_id), None)
        if trip
        else None
    )
    if quantity.unit != KILOGRAMS or trip is None or declared is None:
        return None
    balance, cargo = balance_of(facts, trip, policy), declared.cargo_kilograms
    if not isinstance(balance, Balance) or not isinstance(cargo, Decimal):
        return None
    fits = balance.within_tolerance or balance.within_uncertainty
    return cargo if fits else ARITHMETIC.add(cargo, balance.difference)
