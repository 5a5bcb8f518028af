"""The rule book: (passage, declaration versions, context) -> findings -> decision.

Pure: no I/O, no clock, no logging. The same code runs at the gate and at the collector.
docs/rules.md explains what each rule means and why it decides as it does.
"""

from gate_contract.rules.book import RULES, decide, seen_by, unseen
from gate_contract.rules.bookings import BookingIndex
from gate_contract.rules.context import Context, EarlierDecision, JournalDefect
from gate_contract.rules.facts import Declared, PassageFacts
from gate_contract.rules.identity import RULE_BOOK_HASH
from gate_contract.rules.matching import Match, MatchKind, match_booking
from gate_contract.rules.policy import Policy, PolicyError, default_policy_text

__all__ = [
    "RULES",
    "RULE_BOOK_HASH",
    "BookingIndex",
    "Context",
    "Declared",
    "EarlierDecision",
    "JournalDefect",
    "Match",
    "MatchKind",
    "PassageFacts",
    "Policy",
    "PolicyError",
    "decide",
    "default_policy_text",
    "match_booking",
    "seen_by",
    "unseen",
]
