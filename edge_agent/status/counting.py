"""Counting a journal's records commit by commit, beside what its head says. Reads only."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

BUSY_S = 0.2


class CommitCount:
    """Goes through each commit of a segment once, from the one that was the newest at the first look."""

    def __init__(self, directory: Path) -> None:
        """`directory` is the journal's."""
        self._directory = directory
        self._segment: int | None = None
        self._end = 0
        self._missing = 0

    def look(self) -> int | None:
        """Records that are there or are known to be lost; None when it cannot be read now.

        The first look goes through a whole segment, each further one through what has come since: the rest of the
        segment that was the newest, and all that began after it, for a journal may roll more than once meanwhile.
        """
        try:
            segments = sorted(int(path.stem) for path in self._directory.glob("*.db"))
            if not segments:
                return None
            if self._segment is None:
                self._segment = self._end = segments[-1]
            for segment in [each for each in segments if each >= self._segment] or segments[-1:]:
                if segment > self._end:
                    # Behind a segment that is still there this is a gap. One that was pruned is covered by a receipt.
                    self._missing += segment - self._end if self._segment in segments else 0
                    self._end = segment
                self._go_on(segment)
                self._segment = segment
        except (sqlite3.Error, OSError):
            return None
        return self._end - self._missing

    def _go_on(self, segment: int) -> None:
        uri = f"{(self._directory / f'{segment:020}.db').absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_S)) as connection:
            connection.execute("BEGIN")
            end, missing = self._end, 0
            for first_index, end_index in connection.execute(
                "SELECT first_index, end_index FROM commits WHERE first_index >= ? ORDER BY first_index", (end,)
            ):
                missing += first_index - end - _lost(connection, end, first_index)
                end = end_index
        self._end, self._missing = end, self._missing + missing


def _lost(connection: sqlite3.Connection, start: int, end: int) -> int:
    """How many records of [start, end) are known to be lost."""
    if start == end:
        return 0
    query = "SELECT count(*) FROM lost WHERE record_index >= ? AND record_index < ?"
    return int(connection.execute(query, (start, end)).fetchone()[0])
