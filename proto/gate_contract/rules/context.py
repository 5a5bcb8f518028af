"""What a decision depends on besides the passage, the declarations and the policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gate_contract.rules.findings import Action


@dataclass(frozen=True, slots=True)
class EarlierDecision:
    """The decision that this one supersedes (K02).

    Attributes:
        reason: what was late and caused this evaluation, e.g. "declaration D-17 version 2 received".
        action: what had been decided.
        decided_unix_ns: when, nanoseconds since 1970-01-01T00:00:00Z.
    """

    reason: str
    action: Action
    decided_unix_ns: int


@dataclass(frozen=True, slots=True)
class JournalDefect:
    """A gap or fork in the journal that the passage is in (K03).

    Attributes:
        kind: records missing, or two histories under one key.
        origin: origin of the journal's checkpoints.
        index: first record index that is missing or differs.
        detail: what is known of it, e.g. sizes and hashes; may be "".
    """

    kind: Literal["gap", "fork"]
    origin: str
    index: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that is neither passage, declaration nor policy. Same context, same decision.

    Attributes:
        now_unix_ns: the decider's clock, nanoseconds since 1970-01-01T00:00:00Z; time is an argument.
        reference_age_s: age of the declarations at hand, seconds; None at the collector, which holds the originals.
        goods: whether the lane carries goods that need a declaration to pass (D02).
        earlier: the decision this one supersedes; None for the first.
        journal_defects: what is wrong with the journal that the passage is in.
        site_id: site of the lane; "" when not known, and then bookings of every site are considered.
    """

    now_unix_ns: int
    reference_age_s: int | None
    goods: Literal["regulated", "free"]
    earlier: EarlierDecision | None = None
    journal_defects: tuple[JournalDefect, ...] = ()
    site_id: str = ""
