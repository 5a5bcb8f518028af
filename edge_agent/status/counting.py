"""Counting a journal's records commit by commit, beside what its head says. Reads only."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

BUSY_S = 0.2


class CommitCount:
    """Goes through each commit of the newest segment once; older segments end where the next one begins."""

    def __init__(self, directory: Path) -> None:
        """`directory` is the journal's."""
        self._directory = directory
        self._segment: int | None = None
        self._end = 0
        self._missing = 0

    def look(self) -> int | None:
        """Records that are there or are known to be lost; None when it cannot be read now.

        The first look goes through a whole segment, each further one through what has come since.
        """
        try:
            newest = max((int(path.stem) for path in self._directory.glob("*.db")), default=None)
            if newest is None:
                return None
            if self._segment is None:
                self._segment = self._end = newest
            if newest != self._segment:
                self._go_on(self._segment)  # what came between the last look and the roll
                self._missing += newest - self._end
                self._segment = self._end = newest
            self._go_on(newest)
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
