"""How many passages were decided, by lane and action, since the agent started."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from google.protobuf.message import DecodeError

from edge_agent.errors import JournalError
from gate_contract.v1.decision_pb2 import Action, Decision
from gate_contract.v1.record_pb2 import Record

ACTIONS = ("release", "review", "inspect", "hold")

MOST_RECORDS = 256
"""Newest records in which the decisions of half a second are looked for when there were several."""


class Decided(Protocol):
    """What a lane decided last."""

    @property
    def decision(self) -> Decision:
        """The decision."""


class Deciding(Protocol):
    """What is asked of a lane."""

    @property
    def lane_id(self) -> str:
        """Its name."""

    @property
    def decided(self) -> int:
        """Decisions since the agent started."""

    @property
    def last(self) -> Decided | None:
        """The last one."""


class Records(Protocol):
    """What is asked of a journal."""

    @property
    def size(self) -> int:
        """Records captured."""

    def record(self, index: int) -> bytes | None:
        """One of them."""


class DecisionCount:
    """Counts by looking at the lanes now and then; used from one thread."""

    def __init__(self, journal: Records) -> None:
        """`journal` is asked only when a lane decided more than once between two looks."""
        self._journal = journal
        self._seen: Counter[str] = Counter()
        self._counts: dict[str, Counter[str]] = {}

    def look(self, lane: Deciding) -> dict[str, int]:
        """The lane's decisions by action, up to now."""
        counts = self._counts.setdefault(lane.lane_id, Counter(dict.fromkeys(ACTIONS, 0)))
        decided, last = lane.decided, lane.last
        new = decided - self._seen[lane.lane_id]
        self._seen[lane.lane_id] = decided
        if new == 1 and last is not None:
            counts[_name(last.decision.action)] += 1
        elif new > 1:
            counts.update(self._newest(lane.lane_id, new))
        return dict(counts)

    def _newest(self, lane_id: str, count: int) -> list[str]:
        """Actions of the lane's newest decisions, from its records."""
        found: list[str] = []
        end = self._journal.size
        for index in range(end - 1, max(0, end - MOST_RECORDS) - 1, -1):
            if len(found) == count:
                break
            found += self._decision(index, lane_id)
        return found

    def _decision(self, index: int, lane_id: str) -> list[str]:
        try:
            passage = Record.FromString(self._journal.record(index) or b"").passage
        except (DecodeError, JournalError):
            return []
        return [_name(passage.local_decision.action)] if passage.lane_id == lane_id else []


def _name(action: Action.ValueType) -> str:
    return Action.Name(action).removeprefix("ACTION_").lower()
