"""The rule book: (passage, declaration versions, context) -> findings -> decision.

Pure: no I/O, no clock, no logging. The same code runs at the gate and at the collector.
docs/rules.md explains what each rule means and why it decides as it does.
"""

from gate_contract.rules.book import RULES, after_boarding, decide, seen_by, unseen
from gate_contract.rules.bookings import BookingIndex
from gate_contract.rules.context import Context, EarlierDecision, JournalDefect
from gate_contract.rules.facts import Declared, PassageFacts
from gate_contract.rules.identity import RULE_BOOK_HASH
from gate_contract.rules.matching import Match, MatchKind, match_booking
from gate_contract.rules.policy import Policy, PolicyError, default_policy_text
from gate_contract.rules.records import (
    Manifest,
    QuantityLeft,
    Sailing,
    Settlement,
    Sighting,
    StayRecord,
    UsedRelease,
)
from gate_contract.rules.standing_orders import OrderIndex, Refused, open_orders

__all__ = [
    "RULES",
    "RULE_BOOK_HASH",
    "BookingIndex",
    "Context",
    "Declared",
    "EarlierDecision",
    "JournalDefect",
    "Manifest",
    "Match",
    "MatchKind",
    "OrderIndex",
    "PassageFacts",
    "Policy",
    "PolicyError",
    "QuantityLeft",
    "Refused",
    "Sailing",
    "Settlement",
    "Sighting",
    "StayRecord",
    "UsedRelease",
    "after_boarding",
    "decide",
    "default_policy_text",
    "match_booking",
    "open_orders",
    "seen_by",
    "unseen",
]
