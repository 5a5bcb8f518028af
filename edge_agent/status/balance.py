"""captured = acknowledged + pending + dead-lettered: checked against what was counted another way. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Balance:
    """One look at a journal, in records.

    Attributes:
        captured: by the journal's head, as the three that follow.
        acknowledged: durable at the collector and understood there.
        pending: without a receipt.
        dead_lettered: durable at the collector and not understood.
        receipted: what the newest receipt covers, by its signed text; negative when that is not the collector's.
        counted: what is there, counted beside the head; None when it could not be counted.
    """

    captured: int
    acknowledged: int
    pending: int
    dead_lettered: int
    receipted: int
    counted: int | None


def breaches(now: Balance, before: Balance | None) -> Iterator[str]:
    """What does not fit, in words; `before` is the look before this one.

    Records come and go while it is counted. So what was counted one way is held against what was counted the other
    way one look earlier: nothing that was there then may be missing now.
    """
    parts = (now.acknowledged, now.pending, now.dead_lettered)
    if now.captured != sum(parts) or min(parts) < 0:
        yield f"{now.captured} captured are not {parts[0]} acknowledged + {parts[1]} pending + {parts[2]} dead-lettered"
    if now.receipted < 0:
        yield "the receipt that is kept is not the collector's"
    if before is None or min(now.receipted, before.receipted) < 0:
        return
    for name in ("captured", "receipted", "dead_lettered"):
        if getattr(now, name) < getattr(before, name):
            yield f"{name.replace('_', '-')} went back from {getattr(before, name)} to {getattr(now, name)}"
    if now.counted is not None and now.counted < before.captured:
        yield f"{before.captured} were captured and {now.counted} are there"
    if before.counted is not None and now.captured < before.counted:
        yield f"{before.counted} were there and {now.captured} are held to be captured"
    if now.receipted < before.captured - before.pending:
        yield f"{before.captured - before.pending} are held to be at the collector; the receipt is for {now.receipted}"
    if now.captured - now.pending < before.receipted:
        yield f"the receipt is for {before.receipted}; {now.captured - now.pending} are held to be at the collector"


class BalanceWatch:
    """Looks again and again. A breach that was found stays: nothing that comes later mends a count."""

    def __init__(self) -> None:
        self._before: Balance | None = None
        self.problem = ""
        """The first breach; "" while everything balanced."""

    def look(self, now: Balance) -> bool:
        """Whether this look found the first breach: it is to be told now."""
        found = list(breaches(now, self._before))
        self._before = now
        if self.problem or not found:
            return False
        self.problem = "; ".join(found)
        return True
