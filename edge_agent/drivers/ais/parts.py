"""Messages of several sentences: parts in, whole messages out. Pure.

ITU-R M.1371 messages longer than 56 to 82 characters come in up to 9 sentences that share a sequence number (0 to 9)
and a channel (IEC 61162-1, VDM). Numbers come round soon, and nothing else tells whose part it is: so parts are joined
only within a few sentences, and of a message whose first part is not there yet only within fewer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.nmea0183 import Sentence

MOST_WAITING = 16
"""Messages waiting for parts; a receiver interleaves a few. The oldest goes first, as garbled bytes."""

WITHIN = 16
"""Sentences from the first to the last part. A later one with the same number belongs to another message."""

WITHIN_UNORDERED = 3
"""The same while the first part is missing: a network may swap neighbours, and no more."""

_DIGITS = "123456789"


@dataclass(slots=True)
class _Waiting:
    """Parts by their number, and the count of sentences when the first of them came."""

    parts: dict[str, Sentence]
    since: int

    @property
    def within(self) -> int:
        return WITHIN if "1" in self.parts else WITHIN_UNORDERED


Joined = tuple[Sentence, ...]


class PartJoiner:
    """Holds MOST_WAITING messages of at most 9 parts."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str, str, str], _Waiting] = {}
        self._count = 0

    def add(self, part: Sentence) -> tuple[Joined | None, list[Garbled]]:
        """The message that this VDM or VDO sentence completes, and what it shows to be no part of anything.

        The fields are: parts in all, number of this part, sequence number, channel, payload, fill bits.
        """
        self._count += 1
        lost = self._expired()
        total, number, sequence, channel = part.fields[:4]
        if len(total) != 1 or len(number) != 1 or total not in _DIGITS or number not in _DIGITS or number > total:
            return None, [*lost, Garbled(part.offset, part.raw, f"part {number!r} of {total!r} is none")]
        if total == "1":
            return (part,), lost
        key = (part.talker + part.kind, total, sequence, channel)
        waiting = self._waiting.get(key)
        if waiting is not None and number in waiting.parts:
            lost += self._drop(key)  # told again: a new message under the same number
            waiting = None
        if waiting is None:
            waiting = self._waiting[key] = _Waiting({}, self._count)
            if len(self._waiting) > MOST_WAITING:
                lost += self._drop(next(iter(self._waiting)))
        waiting.parts[number] = part
        if len(waiting.parts) == int(total):
            del self._waiting[key]
            return tuple(waiting.parts[each] for each in sorted(waiting.parts)), lost
        return None, lost

    def flush(self) -> list[Garbled]:
        """All that waits, as garbled bytes."""
        return [garbled for key in list(self._waiting) for garbled in self._drop(key)]

    def _expired(self) -> list[Garbled]:
        if not self._waiting:
            return []
        old = [key for key, waiting in self._waiting.items() if self._count - waiting.since >= waiting.within]
        return [garbled for key in old for garbled in self._drop(key)]

    def _drop(self, key: tuple[str, str, str, str]) -> list[Garbled]:
        return list(_unfinished(self._waiting.pop(key).parts.values()))


def _unfinished(parts: Iterable[Sentence]) -> Iterable[Garbled]:
    for part in parts:
        reason = f"part {part.fields[1]} of {part.fields[0]}; the rest never came"
        yield Garbled(part.offset, part.raw, reason)
