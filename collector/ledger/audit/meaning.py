"""What was decoded from records, against the records themselves, decoded again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, select

from collector.ingest.contents import (
    PassageRecord,
    dead_letter_rows,
    incident_row,
    passage_row,
    repeated,
    understand,
)
from collector.ledger.audit.problems import Problems
from collector.store import schema

_AT_ONCE = 64


class _Rows:
    """Rows of one journal in a table, in the order of the records, read as the audit goes along."""

    def __init__(self, connection: Connection, table: Table, journal_id: int) -> None:
        self.name = table.name
        query = select(*table.c).where(table.c.journal_id == journal_id).order_by(table.c.record_index)
        self._rows: Iterator[RowMapping] = iter(
            connection.execute(query.execution_options(yield_per=_AT_ONCE)).mappings()
        )
        self._next = next(self._rows, None)

    def below(self, end: int | None) -> Iterator[RowMapping]:
        """The next rows, up to those of record `end`; None: all."""
        while self._next is not None and (end is None or self._next["record_index"] < end):
            yield self._next
            self._next = next(self._rows, None)


class Meaning:
    """The rows of one journal in `passages`, `incidents` and `dead_letters`."""

    def __init__(self, connection: Connection, journal_id: int, origin: str, problems: Problems) -> None:
        self.dead_lettered = 0
        """Dead letters that the records make."""
        self._connection = connection
        self._journal_id = journal_id
        self._origin = origin
        self._problems = problems
        self._passages = _Rows(connection, schema.passages, journal_id)
        self._incidents = _Rows(connection, schema.incidents, journal_id)
        self._dead_letters = _Rows(connection, schema.dead_letters, journal_id)

    def check(self, first_index: int, records: Sequence[bytes], received_ns: int) -> None:
        """The rows of these records; call it in the order of the journal."""
        contents = understand(first_index, records)
        end = first_index + len(records)
        said = {seen.index: seen for seen in contents.passages}
        held = {row["record_index"]: row for row in self._passages.below(end)}
        dead = contents.dead_letters
        for index in said.keys() - held.keys():
            before = self._said_before(said[index])
            if before is None:
                self._problems.add(f"record {self._origin}#{index}", "its row in passages is missing")
            else:
                dead[index] = repeated(said[index], before)
            del said[index]
        self._compare(
            self._passages.name,
            [passage_row(seen, self._journal_id, received_ns) for seen in said.values()],
            held.values(),
        )
        self._compare(
            self._incidents.name,
            [incident_row(seen, self._journal_id) for seen in contents.incidents],
            self._incidents.below(end),
        )
        letters = dead_letter_rows(dead, self._journal_id, received_ns)
        self._compare(self._dead_letters.name, letters, self._dead_letters.below(end))
        self.dead_lettered += len(dead)

    def finish(self) -> None:
        """After the last record there must be no rows left."""
        for rows in (self._passages, self._incidents, self._dead_letters):
            self._compare(rows.name, [], rows.below(None))

    def _compare(self, table: str, expected: Sequence[Mapping[str, Any]], rows: Iterable[RowMapping]) -> None:
        wanted = {row["record_index"]: row for row in expected}
        for row in rows:
            where = f"row of record {self._origin}#{row['record_index']} in {table}"
            right = wanted.pop(row["record_index"], None)
            if right is None:
                self._problems.add(where, "the record does not say this")
            else:
                self._problems.compare(where, "the record", row, right)
        for index in wanted:
            self._problems.add(f"record {self._origin}#{index}", f"its row in {table} is missing")

    def _said_before(self, seen: PassageRecord) -> int | None:
        """The earlier record of this journal that said the same revision of the same passage."""
        table = schema.passages.c
        return self._connection.scalars(
            select(table.record_index).where(
                table.passage_id == seen.passage.passage_id,
                table.revision == seen.passage.revision,
                table.journal_id == self._journal_id,
                table.record_index < seen.index,
            )
        ).one_or_none()
