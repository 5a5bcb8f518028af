"""Declarations from a file become versions: new, changed or known already; all of them or none.

The file is read and checked before the database is touched, so that the server's writes wait only while rows are
stored. The reconciliation finds the new versions by their ledger index and judges again what they concern.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from tempfile import TemporaryFile
from types import TracebackType
from typing import NamedTuple, Self

from sqlalchemy import Connection, insert, select, tuple_, update

from collector.declarations.files import Entry
from collector.declarations.reader import BadValue
from collector.ledger.log import FORMAT, Ledger
from collector.store import schema
from collector.store.engine import Store
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.ledger_pb2 import LedgerEntry

AT_ONCE = 500  # declarations looked up and stored in one statement
_LENGTH_BYTES = 4


@dataclass(slots=True)
class ImportReport:
    """What became of a file.

    Attributes:
        rows: entries read.
        new: declarations that were not known.
        changed: declarations that were known with other content; they have a new version now.
        unchanged: entries that say what is known already.
        bad: everything wrong, in order of the rows.
        stored: whether new and changed ones were stored; False when bad rows forbade it.
    """

    rows: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    bad: list[BadValue] = field(default_factory=list)
    stored: bool = False

    @property
    def bad_rows(self) -> int:
        """How many rows have something wrong."""
        return len({bad.row for bad in self.bad})


def import_declarations(
    store: Store,
    ledger: Ledger,
    entries: Iterable[Entry],
    now_unix_ns: int,
    *,
    partial: bool = False,
    on_progress: Callable[[str, int], None] = lambda _stage, _rows: None,
) -> ImportReport:
    """Store the declarations of a file in one transaction, each new or changed one with its ledger entry.

    Args:
        store: where.
        ledger: receives one entry a version.
        entries: of the file, as `read_entries` gives them.
        now_unix_ns: when the collector learns of them.
        partial: store the good rows also when there are bad ones.
        on_progress: is told "read" or "stored" and how many rows so far.

    Raises:
        DeclarationFileError: the file cannot be read to its end; nothing is stored.
        StoreError: the database cannot; nothing is stored.
    """
    report = ImportReport()
    with _Checked() as checked:
        for number, entry in entries:
            report.rows += 1
            report.bad += checked.add(number, entry) if isinstance(entry, Declaration) else entry
            if report.rows % AT_ONCE == 0:
                on_progress("read", report.rows)
        report.bad.sort(key=lambda bad: bad.row)
        if report.bad and not partial:
            return report
        with store.write() as connection:
            for declarations in _portions(checked.good(), AT_ONCE):
                _store(connection, ledger, declarations, now_unix_ns, report)
                on_progress("stored", report.new + report.changed + report.unchanged)
        report.stored = True
    return report


class _First(NamedTuple):
    """Where an id was met first, and what was said there."""

    row: int
    content: bytes


class _Checked:
    """Good declarations, set aside on disk until the whole file is known to be good.

    In memory there are only the ids with a hash each: about 20 MB for 100,000 declarations.
    """

    def __init__(self) -> None:
        self._spool = TemporaryFile(prefix="tidegate-declarations-")  # noqa: SIM115 - closed by __exit__
        self._first: dict[str, _First] = {}
        self._contradicted: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._spool.close()

    def add(self, row: int, declaration: Declaration) -> list[BadValue]:
        """Set a declaration aside; what is wrong when another row says something else under the same id.

        Neither of the two is taken: which one holds is for the sender to say.
        """
        body = declaration.SerializeToString(deterministic=True)
        content = sha256(body).digest()
        first = self._first.setdefault(declaration.declaration_id, _First(row, content))
        if first.content == content:
            self._spool.write(len(body).to_bytes(_LENGTH_BYTES, "big") + body)
            return []
        rows = [(row, first.row)]
        if declaration.declaration_id not in self._contradicted:
            self._contradicted.add(declaration.declaration_id)
            rows.append((first.row, row))
        return [
            BadValue(
                here, "declaration_id", declaration.declaration_id, f"row {there} says otherwise under this number"
            )
            for here, there in rows
        ]

    def good(self) -> Iterator[Declaration]:
        """Everything set aside that no other row contradicts, in order."""
        self._spool.seek(0)
        while length := self._spool.read(_LENGTH_BYTES):
            declaration = Declaration.FromString(self._spool.read(int.from_bytes(length, "big")))
            if declaration.declaration_id not in self._contradicted:
                yield declaration


def _portions(declarations: Iterator[Declaration], size: int) -> Iterator[list[Declaration]]:
    while portion := list(islice(declarations, size)):
        yield portion


class _Known(NamedTuple):
    version: int
    content: bytes


def _store(
    connection: Connection, ledger: Ledger, declarations: Sequence[Declaration], now_unix_ns: int, report: ImportReport
) -> None:
    known = _latest(connection, [declaration.declaration_id for declaration in declarations])
    fresh: list[tuple[Declaration, bytes]] = []
    for declaration in declarations:
        content = content_hash(declaration)
        before = known.get(declaration.declaration_id, _Known(0, b""))
        if before.content == content:
            report.unchanged += 1
            continue
        report.changed += before.version > 0
        report.new += before.version == 0
        declaration.version = before.version + 1
        declaration.received_unix_ns = now_unix_ns
        known[declaration.declaration_id] = _Known(declaration.version, content)
        fresh.append((declaration, content))
    if fresh:
        _append(connection, ledger, fresh, now_unix_ns)


def content_hash(declaration: Declaration) -> bytes:
    """SHA-256 of what was declared: without the version and the time of receipt, which the collector adds."""
    bare = Declaration()
    bare.CopyFrom(declaration)
    bare.version = bare.received_unix_ns = 0
    return sha256(bare.SerializeToString(deterministic=True)).digest()


def _latest(connection: Connection, declaration_ids: Sequence[str]) -> dict[str, _Known]:
    table = schema.declarations.c
    query = select(table.declaration_id, table.version, table.content_sha256).order_by(table.version)
    # All versions, the last one wins: asked for `latest` too, SQLite prefers the index that begins with it.
    rows = connection.execute(query.where(table.declaration_id.in_(declaration_ids)))
    return {row.declaration_id: _Known(row.version, row.content_sha256) for row in rows}


def _append(
    connection: Connection, ledger: Ledger, fresh: Sequence[tuple[Declaration, bytes]], now_unix_ns: int
) -> None:
    table = schema.declarations
    first = ledger.append(
        connection,
        [LedgerEntry(format=FORMAT, entered_unix_ns=now_unix_ns, declaration=declaration) for declaration, _ in fresh],
    )
    replaced = [
        (declaration.declaration_id, declaration.version - 1) for declaration, _ in fresh if declaration.version > 1
    ]
    if replaced:
        versions = tuple_(table.c.declaration_id, table.c.version)
        connection.execute(update(table).where(versions.in_(replaced)).values(latest=False))
    connection.execute(
        insert(table),
        [
            {
                "declaration_id": declaration.declaration_id,
                "version": declaration.version,
                "content_sha256": content,
                "site_id": declaration.site_id,
                "vehicle_plate": declaration.vehicle_plate,
                "trailer_plate": declaration.trailer_plate,
                "lodged_ns": declaration.lodged_unix_ns,
                "departure_ns": declaration.departure_unix_ns,
                "received_ns": now_unix_ns,
                "latest": True,
                "ledger_index": ledger_index,
                "body": declaration.SerializeToString(deterministic=True),
            }
            for ledger_index, (declaration, content) in enumerate(fresh, first)
        ],
    )
