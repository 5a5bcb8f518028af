"""Whether a passage that is decided again says anything new. Pure; the same at the gate and at the collector.

A revision that only adds what loops and distance sensors said while the vehicle left is no late record: every vehicle
gets one on a lane with an exit loop, and nobody need look at it (K02).
"""

from __future__ import annotations

from typing import Final

from gate_contract.v1.decision_pb2 import Decision
from gate_contract.v1.passage_pb2 import PASSAGE_CLOSING_BACKED_OUT, Passage

JUDGED_AGAIN: Final = "K02"

MOVEMENTS: Final = frozenset({"input", "distance"})
"""Bodies of readings that say where somebody is, and nothing of what they are or carry."""


def only_left(passage: Passage, before: Decision, fresh: Decision) -> bool:
    """Whether `fresh`, made without the one before, may stand for it as it is, without K02.

    So when the revision adds movements alone, nobody went back the way they came, nothing else is found than before,
    and the decision before was not one that somebody should look at because of K02.
    """
    marked = set(passage.late_readings)
    late = any(at in marked and each.WhichOneof("body") not in MOVEMENTS for at, each in enumerate(passage.readings))
    if late or passage.closed_by == PASSAGE_CLOSING_BACKED_OUT:
        return False
    if any(each.late for each in passage.plates) or any(each.late for each in passage.weighings):
        return False
    return passage.revision > 1 and substance(before) == substance(fresh)


def substance(decision: Decision) -> tuple[object, ...]:
    """What a decision says, whenever it was made; K02 is part of it."""
    return (
        decision.action,
        decision.rule_book,
        decision.policy,
        [(each.declaration_id, each.version) for each in decision.declarations],
        [(each.code, each.action, each.severity) for each in decision.findings],
    )
