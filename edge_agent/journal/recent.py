"""The commits of this process, newest last: their records can be proved by themselves, ahead of a backlog."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable

from edge_agent.model.sealed import LiveItem, Stretch
from gate_contract.checkpoint import Checkpoint, Note
from gate_contract.envelope import leaf_hashes
from gate_contract.merkle import Frontier, growth_proof
from gate_contract.v1.batch_pb2 import Batch

RECENT_COMMITS = 4096
"""Older ones go up with the backlog."""


class RecentCommits:
    """The tree before each of the latest commits, and where it ends. Safe to use from several threads."""

    def __init__(self) -> None:
        """None yet."""
        self._commits: deque[tuple[Frontier, int]] = deque(maxlen=RECENT_COMMITS)

    def add(self, commits: Iterable[tuple[Frontier, int]]) -> None:
        """These were made durable."""
        self._commits.extend(commits)

    def holding(self, index: int) -> tuple[Frontier, int] | None:
        """The commit with a record; None when it is not among them."""
        commits = list(self._commits)
        place = bisect_right(commits, index, key=lambda each: each[0].size) - 1
        if place < 0 or index >= commits[place][1]:
            return None
        return commits[place]


def proved(index: int, base: Frontier, end: int, stretch: Stretch) -> LiveItem | None:
    """A record of the commit from `base` to `end`, with its proof under the commit's own checkpoint.

    None when the stretch is not that commit whole, or its checkpoint is for another tree: it was damaged meanwhile.
    """
    if stretch.end != end or stretch.lost:
        return None
    records = Batch.FromString(stretch.bodies[0]).records
    leaves = leaf_hashes(records)
    if Checkpoint.parse(Note.parse(stretch.note).text).root != base.grown(leaves).root():
        return None
    return LiveItem(index, records[index - base.size], growth_proof(base, leaves, index - base.size), stretch.note)
