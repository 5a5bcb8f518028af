"""What is kept beside journals and ledger: the database itself, and rows under a digest of their own."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Integer, LargeBinary, RowMapping, String, Table, select, text

from collector.ledger.audit.problems import Problems
from collector.store import schema
from collector.store.digest import row_digest

_AT_ONCE = 64
_MOST_TOLD = 20  # of SQLite's own complaints


def audit_database(connection: Connection, problems: Problems) -> None:
    """SQLite's own check of pages, indices and constraints; PostgreSQL has no such thing."""
    if connection.dialect.name != "sqlite":
        return
    with problems.reading("the database file"):
        for (complaint,) in connection.execute(text(f"PRAGMA integrity_check({_MOST_TOLD})")):
            if complaint != "ok":
                problems.add("the database file", str(complaint))
    for table in schema.metadata.sorted_tables:
        with problems.reading(table.name):
            _audit_types(connection, table, problems)


def _audit_types(connection: Connection, table: Table, problems: Problems) -> None:
    """SQLite lets any type into any column: name the rows where one is wrong, before they are read in earnest."""
    keys = [column.name for column in table.primary_key.columns]
    for column in table.columns:
        # Quoted in SQL, so that a value which cannot be decoded is shown as well.
        shown = ", ".join(f"quote({key})" for key in keys)
        wrong = connection.execute(
            text(f"SELECT {shown} FROM {table.name} WHERE NOT {_right_type(column)} LIMIT {_MOST_TOLD}")  # noqa: S608 - names from the schema
        )
        for row in wrong:
            problems.add(f"row {' '.join(map(str, row))} of {table.name}", f"column {column.name} has a wrong type")


def _right_type(column: Column[Any]) -> str:
    """An SQL condition."""
    name = column.name
    if isinstance(column.type, Boolean):
        return f"{name} IN (0, 1)"
    kinds = {LargeBinary: "blob", String: "text", Integer: "integer"}
    kind = next(kind for python, kind in kinds.items() if isinstance(column.type, python))
    return f"typeof({name}) IN ('{kind}', 'null')" if column.nullable else f"typeof({name}) = '{kind}'"


def audit_digests(connection: Connection, problems: Problems) -> None:
    """Rows of which nothing is in the ledger, against their digest."""
    for name in schema.DIGESTED:
        table = schema.metadata.tables[name]
        with problems.reading(name):
            for row in connection.execute(select(*table.c).execution_options(yield_per=_AT_ONCE)).mappings():
                columns = {column: row[column] for column in schema.DIGESTED[name]}
                if row["digest"] != row_digest(columns):
                    problems.add(f"row {_key(table, row)} of {name}", "it was changed")
                problems.progress(1)


def audit_quarantine(connection: Connection, problems: Problems) -> None:
    """Bodies that are still kept, against their hash."""
    table = schema.quarantine.c
    query = select(table.quarantine_id, table.body, table.body_sha256).where(table.body.is_not(None))
    _audit_forks(connection, problems)
    with problems.reading("quarantine"):
        for row in connection.execute(query.execution_options(yield_per=1)):
            if sha256(row.body).digest() != row.body_sha256:
                problems.add(f"row {row.quarantine_id} of quarantine", "its body was changed")


def _audit_forks(connection: Connection, problems: Problems) -> None:
    """The index of a fork, which is not under the row's digest, against its words, which are."""
    table = schema.quarantine.c
    with problems.reading("quarantine"):
        for row in connection.execute(select(table.quarantine_id, table.detail, table.record_index)):
            if row.record_index and f"record {row.record_index} " not in row.detail:
                problems.add(f"row {row.quarantine_id} of quarantine", "column record_index is not what its words say")


def _key(table: Table, row: RowMapping) -> str:
    """Its primary key in words."""
    key = {column.name: row[column.name] for column in table.primary_key.columns}
    return " ".join(value.hex() if isinstance(value, bytes) else f"{name} {value}" for name, value in key.items())
