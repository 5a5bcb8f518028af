"""Declarations, against the ledger entries they were entered with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, select

from collector.declarations.intake import content_hash
from collector.ledger.audit.log import entries_at
from collector.ledger.audit.problems import Problems
from collector.store import schema
from gate_contract.v1.declaration_pb2 import Declaration

_AT_ONCE = 256


class Chain:
    """Versions of one thing after another: dense from 1, and only the last one `latest`."""

    def __init__(self, what: str, problems: Problems) -> None:
        self._what = what
        self._problems = problems
        self._last: tuple[str, int, bool] = ("", 0, True)

    def follow(self, name: str, number: int, latest: bool) -> None:
        """The next row, ordered by name and number."""
        before, last_number, was_latest = self._last
        if name != before:
            self.finish()
            last_number = 0
        elif was_latest:
            self._problems.add(f"{self._what} {name} {last_number}", "column latest is True; it is not the last one")
        if number != last_number + 1:
            self._problems.add(f"{self._what} {name} {number}", f"it follows {last_number}")
        self._last = (name, number, latest)

    def finish(self) -> None:
        """No more rows of this name."""
        name, number, latest = self._last
        if not latest:
            self._problems.add(f"{self._what} {name} {number}", "column latest is False; it is the last one")


def audit_declarations(connection: Connection, problems: Problems) -> int:
    """Each version against its ledger entry; returns how many there are."""
    count = 0
    chain = Chain("declaration", problems)
    with problems.reading("declarations"):
        order = (schema.declarations.c.declaration_id, schema.declarations.c.version)
        for rows in portions(connection, schema.declarations, order):
            entries = entries_at(connection, [row["ledger_index"] for row in rows], problems)
            for row in rows:
                where = f"declaration {row['declaration_id']} {row['version']}"
                entry = entries.get(row["ledger_index"])
                if entry is None or entry.WhichOneof("body") != "declaration":
                    problems.add(where, f"ledger entry {row['ledger_index']} is no declaration")
                else:
                    expected = _declaration_columns(entry.declaration)
                    problems.compare(where, f"ledger entry {row['ledger_index']}", row, expected)
                chain.follow(row["declaration_id"], row["version"], row["latest"])
            count += len(rows)
            problems.progress(len(rows))
        chain.finish()
    return count


def _declaration_columns(declaration: Declaration) -> dict[str, Any]:
    return {
        "declaration_id": declaration.declaration_id,
        "version": declaration.version,
        "content_sha256": content_hash(declaration),
        "site_id": declaration.site_id,
        "vehicle_plate": declaration.vehicle_plate,
        "trailer_plate": declaration.trailer_plate,
        "lodged_ns": declaration.lodged_unix_ns,
        "departure_ns": declaration.departure_unix_ns,
        "received_ns": declaration.received_unix_ns,
        "body": declaration.SerializeToString(deterministic=True),
    }


def portions(connection: Connection, table: Table, order: Sequence[Any]) -> Iterator[Sequence[RowMapping]]:
    """Rows of a table in an order, some at a time."""
    query = select(*table.c).order_by(*order)
    result = connection.execute(query.execution_options(yield_per=_AT_ONCE)).mappings()
    yield from result.partitions()
