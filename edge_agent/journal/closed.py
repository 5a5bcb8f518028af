"""Closed segments in use: reading them, looking at them in turn, and forgetting those that a receipt covers."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TypeVar

from edge_agent.errors import JournalError
from edge_agent.journal.active import looked
from edge_agent.journal.chain import Chain
from edge_agent.journal.recovery import check_closed
from edge_agent.journal.segment import DamagedError, connect_to_read
from edge_agent.journal.verify import Leaves
from gate_contract.checkpoint import Signer

T = TypeVar("T")


class ClosedSegments:
    """All segments but the active one. Whoever uses it takes turns, but for `is_sound`."""

    def __init__(self, chain: Chain, signer: Signer) -> None:
        """Opens nothing yet."""
        self._chain, self._signer = chain, signer
        self._reader: tuple[int, sqlite3.Connection] | None = None
        self._checked = -1

    def look(self, first_index: int, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` with one of them; sqlite3.Error goes to the caller."""
        if self._reader is None or self._reader[0] != first_index:
            self.close()
            self._reader = first_index, connect_to_read(self._chain.segment(first_index))
        return looked(self._reader[1], work)

    def close(self) -> None:
        """Close the file that is open; it may be used again."""
        if self._reader is not None:
            self._reader[1].close()
            self._reader = None

    def next_one(self) -> int | None:
        """The one after that which was named before, in turn; None when there is none."""
        closed = self._chain.segments[:-1]
        if not closed:
            return None
        self._checked = next((first for first in closed if first > self._checked), closed[0])
        return self._checked

    def is_sound(self, first_index: int) -> bool:
        """Whether it and its leaf file are as they were written; JournalError when the disk does not let it be read.

        Holds nothing up while it reads: it may be pruned meanwhile, which is no longer sound either.
        """
        try:
            return check_closed(self._chain, first_index, self._signer).leaves is Leaves.FIT
        except DamagedError:
            return False
        except (OSError, sqlite3.Error) as error:
            raise JournalError(f"the segment {first_index:020}.db cannot be read", cause=str(error)) from error

    def prune(self, receipt_size: int, keep: int) -> int:
        """Unlink those that the receipt covers, but the newest of them, at most `keep` bytes; bytes freed."""
        covered = [first for first in self._chain.segments[:-1] if self._ends_within(first, receipt_size)]
        try:
            weights = {first: self._chain.segment(first).stat().st_size for first in covered}
            freed, kept = 0, sum(weights.values())
            for first in covered:
                if kept <= keep:
                    break
                self.close()
                self._chain.forget(first)
                freed, kept = freed + weights[first], kept - weights[first]
        except OSError as error:
            raise JournalError(
                f"acknowledged segments in {self._chain.directory} cannot be removed",
                cause=error.strerror or str(error),
            ) from error
        return freed

    def _ends_within(self, first_index: int, receipt_size: int) -> bool:
        end = self._chain.end_of(first_index)
        return end is not None and end <= receipt_size
