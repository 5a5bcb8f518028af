"""Whom a verdict concerns besides its own passage: others of the same vehicle, document or declaration. Pure.

A gate that was offline brings its passages late. Those that came before it in truth were judged without them: whether a
release was used before, which way a vehicle went last, whether it can have been in two places.
"""

from __future__ import annotations

from typing import Final

from collector.reconcile.contexts import Prepared
from collector.reconcile.passed import LONGEST_JOURNEY, Passed
from gate_contract.v1.decision_pb2 import Decision

NEXT: Final = 3
"""Of those after it the next few: what is asked of the others, these answer."""

AT_TWO_PLACES: Final = frozenset({"V04", "P05"})
"""Rules that put both passages in doubt, whichever of them came first."""


def touched(prepared: Prepared, decision: Decision) -> dict[str, str]:
    """Passages to be judged again, with the reason."""
    own, name = prepared.order, prepared.waiting.passage.passage_id
    site = prepared.waiting.context.site_id
    later = sorted((each for each in prepared.others if each.order() > own), key=Passed.order)
    near = [
        each for each in prepared.others if each.site_id != site and abs(each.at_unix_ns - own[0]) <= LONGEST_JOURNEY
    ]
    then = [*later[:NEXT], *(each for each in near if each.order() > own)]
    reasons = {each.passage_id: f"passage {name}, which was before it, was judged" for each in then}
    if any(finding.code in AT_TWO_PLACES for finding in decision.findings):
        for each in near:
            reasons.setdefault(each.passage_id, f"passage {name} is of the same vehicle or person elsewhere")
    return reasons
