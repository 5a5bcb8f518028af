"""Does what is stored add up? Each journal's size is counted again, batch by batch, and its dead letters one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from collector.store import schema

MOST_BATCHES = 5_000
"""Batches counted in one look. A large archive is gone through once after the start, without holding anybody up."""


@dataclass(slots=True)
class _Counted:
    """How far a journal was counted: all its records below `end`, and how many of them are dead letters."""

    end: int = 0
    dead_letters: int = 0


@dataclass(frozen=True, slots=True)
class Imbalance:
    """A journal that does not add up, and how."""

    origin: str
    text: str


class Balance:
    """Goes through each batch once, in order, and from then on only through what has come since."""

    def __init__(self) -> None:
        self._counted: dict[int, _Counted] = {}
        self._found: dict[str, Imbalance] = {}

    @property
    def imbalances(self) -> int:
        """Journals that were found not to add up; a breach that was found stays."""
        return len(self._found)

    def look(self, connection: Connection) -> list[Imbalance]:
        """Breaches that were not found before, in the caller's read transaction: all of it is of one moment."""
        table = schema.journals.c
        left = MOST_BATCHES
        fresh: list[Imbalance] = []
        for row in connection.execute(select(table.journal_id, table.origin, table.size, table.dead_lettered)):
            if row.origin in self._found or left <= 0:
                continue
            counted = self._counted.setdefault(row.journal_id, _Counted())
            texts, read = self._count(connection, row.journal_id, row.size, left, counted)
            left -= read
            if counted.end == row.size and counted.dead_letters != row.dead_lettered:
                texts.append(f"{row.dead_lettered} dead letters are told of, {counted.dead_letters} are there")
            if texts:
                fresh.append(Imbalance(row.origin, "; ".join(texts)))
        self._found.update((imbalance.origin, imbalance) for imbalance in fresh)
        return fresh

    def _count(
        self, connection: Connection, journal_id: int, size: int, left: int, counted: _Counted
    ) -> tuple[list[str], int]:
        """Count on, at most `left` batches; what is wrong, and how many were read."""
        start, read = counted.end, 0
        for first_index, count in _batches(connection, journal_id, start, left):
            if first_index != counted.end:
                return [f"the batch at record {first_index} does not follow the one that ends at {counted.end}"], read
            counted.end += count
            read += 1
        counted.dead_letters += _dead_letters(connection, journal_id, start, counted.end)
        if counted.end > size or (read < left and counted.end < size):
            return [f"{size} records are told of, {counted.end} are there"], read
        return [], read


def _batches(connection: Connection, journal_id: int, start: int, limit: int) -> Iterator[tuple[int, int]]:
    """(index of the first record, how many) of the batches from `start` on."""
    table = schema.batches.c
    query = select(table.first_index, table.count).where(table.journal_id == journal_id, table.first_index >= start)
    for row in connection.execute(query.order_by(table.first_index).limit(limit)):
        yield row.first_index, row[1]


def _dead_letters(connection: Connection, journal_id: int, start: int, end: int) -> int:
    table = schema.dead_letters.c
    of_these = (table.journal_id == journal_id, table.record_index >= start, table.record_index < end)
    return connection.scalars(select(func.count()).where(*of_these)).one()
