"""Whether a passage that is decided again says anything new. Pure; the same at the gate and at the collector.

A revision that only adds what loops and distance sensors said while the vehicle left is no late record: every vehicle
gets one on a lane with an exit loop, and nobody need look at it (K02). Nor is a surer read of a plate that leaves a
release as it was: it is kept with the passage, and stops nobody.
"""

from __future__ import annotations

from typing import Final

from gate_contract.rules.plates import is_trailer, normalise
from gate_contract.v1.decision_pb2 import ACTION_RELEASE, Decision
from gate_contract.v1.passage_pb2 import PASSAGE_CLOSING_BACKED_OUT, Passage, PlateRead

JUDGED_AGAIN: Final = "K02"

MOVEMENTS: Final = frozenset({"input", "distance"})
"""Bodies of readings that say where somebody is, and nothing of what they are or carry."""


def asks_nobody(passage: Passage, before: Decision, fresh: Decision) -> bool:
    """Whether `fresh`, made without the one before, may stand for it as it is, without K02.

    So when the revision adds movements alone, or reads of plates that had been read before, nobody went back the way
    they came, and the decision before was not one that somebody should look at because of K02; and either nothing else
    is found than before, or whoever was released by other reads of the plate is released by all, for the same.
    """
    marked = set(passage.late_readings)
    late = any(at in marked and each.WhichOneof("body") not in MOVEMENTS for at, each in enumerate(passage.readings))
    if late or passage.revision < 2 or passage.closed_by == PASSAGE_CLOSING_BACKED_OUT:  # noqa: PLR2004 - a revision
        return False
    plates = [each for each in passage.plates if each.late]
    if any(each.late for each in passage.weighings) or not all(_read_before(passage, each) for each in plates):
        return False
    if substance(before) == substance(fresh):
        return True
    released = before.action == fresh.action == ACTION_RELEASE
    return bool(plates) and released and _declarations(before) == _declarations(fresh)


def _read_before(passage: Passage, plate: PlateRead) -> bool:
    """Whether the decision before went by another read of this plate: a tractor's, or a trailer's."""
    read = [each.text for each in passage.plates if each.text and not each.late]
    return any(is_trailer(normalise(text)) == is_trailer(normalise(plate.text)) for text in read)


def substance(decision: Decision) -> tuple[object, ...]:
    """What a decision says, whenever it was made; K02 is part of it."""
    return (
        decision.action,
        decision.rule_book,
        decision.policy,
        _declarations(decision),
        [(each.code, each.action, each.severity) for each in decision.findings],
    )


def _declarations(decision: Decision) -> list[tuple[str, int]]:
    return [(each.declaration_id, each.version) for each in decision.declarations]
