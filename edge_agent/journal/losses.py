"""Saying what is lost: Loss messages, without the moment they are found at, which whoever records them knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edge_agent.journal.quarantine import Quarantined
from gate_contract.v1.record_pb2 import Loss, LostInbox, LostRecords

MOST_RANGES = 64
"""Ranges of lost records that are told one by one; with more, the last one goes to the end of all."""


def told_losses(
    reason: str, lost: Sequence[int], first_index: int, messages: int | None, damaged: Quarantined
) -> list[Loss]:
    """What was lost with a damaged file.

    Args:
        reason: what was found.
        lost: indices of the records that are gone, rising.
        first_index: of the damaged segment.
        messages: captured messages that are gone; None when nobody can tell. When nothing is gone, one Loss says that.
        damaged: where the damaged file is.
    """
    where = f" The damaged file is kept as {damaged.path}."
    losses = []
    for first, count in ranges(lost) or ([(first_index, 0)] if messages == 0 else []):
        words = f"{count} records from {first} on are lost" if count else "No record is lost"
        losses.append(Loss(records=LostRecords(first_index=first, count=count), text=_text(reason, words, where)))
    if messages is None or messages:
        words = (
            "Messages of devices that no passage had taken yet may be lost"
            if messages is None
            else f"{messages} captured messages or passages under way are lost"
        )
        losses.append(Loss(inbox=LostInbox(count=messages or 0), text=_text(reason, words, where)))
    for loss in losses:
        loss.quarantined, loss.quarantined_sha256 = damaged.path, damaged.sha256
    return losses


def ranges(indices: Iterable[int]) -> list[tuple[int, int]]:
    """(first, count) of runs of consecutive indices."""
    found: list[tuple[int, int]] = []
    for index in indices:
        if found and found[-1][0] + found[-1][1] == index:
            found[-1] = found[-1][0], found[-1][1] + 1
        elif len(found) < MOST_RANGES:
            found.append((index, 1))
        else:
            found[-1] = found[-1][0], index + 1 - found[-1][0]
    return found


def _text(reason: str, words: str, where: str) -> str:
    return f"The journal was damaged: {reason}. {words}.{where} Look at the disk's health, and replace it soon"
