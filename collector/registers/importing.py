"""Rows of a file become register items: new, changed or known already; all of them or none.

The file is read and checked before the database is touched, so that the server's writes wait only while items are
stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple, TypeVar

from sqlalchemy import Connection, select

from collector.declarations.intake import ImportReport
from collector.declarations.reader import BadValue
from collector.errors import CollectorError
from collector.ledger.log import Ledger
from collector.registers.forms import Said
from collector.registers.intake import AT_ONCE, Kind, NewItem, enter
from collector.registers.reading import latest
from collector.store import schema
from collector.store.engine import Store
from gate_contract.v1.register_pb2 import RegisterItem

MOST_ROWS: Final = 100_000
"""Rows of one file: they are held in memory until all are known to be good."""

DAY_NS: Final = 86_400 * 10**9

KEPT_WITH_DECLARATION_NS: Final = 30 * DAY_NS
"""So long after departure gates know what is entered about a declaration; they forget the declaration itself before."""

KEPT_UNDECLARED_NS: Final = 90 * DAY_NS
"""So long gates know what is entered about a declaration that is not known."""

Row = TypeVar("Row")


def read_all(
    entries: Iterable[tuple[int, Row | list[BadValue]]],
    report: ImportReport,
    on_progress: Callable[[str, int], None] = lambda _stage, _rows: None,
) -> list[tuple[int, Row]]:
    """Row number and content of the good rows; what is wrong with the others is in the report.

    Raises CollectorError when there are more than MOST_ROWS, DeclarationFileError when the file cannot be read.
    """
    good: list[tuple[int, Row]] = []
    for number, entry in entries:
        report.rows += 1
        if report.rows > MOST_ROWS:
            raise CollectorError(f"the file has more than {MOST_ROWS} rows", fix="divide it; nothing was imported")
        if isinstance(entry, list):
            report.bad += entry
        else:
            good.append((number, entry))
        if report.rows % AT_ONCE == 0:
            on_progress("read", report.rows)
    return good


def import_items(
    store: Store,
    ledger: Ledger,
    kind: Kind,
    entries: Iterable[tuple[int, Said | list[BadValue]]],
    now_unix_ns: int,
    *,
    partial: bool = False,
    completed: Callable[[Connection, list[Said]], list[Said]] = lambda _connection, said: said,
    on_progress: Callable[[str, int], None] = lambda _stage, _rows: None,
) -> ImportReport:
    """Enter the rows of a file in one transaction, each new or changed one with its ledger entry.

    Args:
        store: where.
        ledger: receives one entry a version.
        kind: which register.
        entries: of the file, as `read_rows` gives them.
        now_unix_ns: when the collector learns of them.
        partial: enter the good rows also when there are bad ones.
        completed: adds what the database knows, in the transaction that enters.
        on_progress: is told "read" or "stored" and how many rows so far.

    Raises:
        CollectorError: the file cannot be read to its end, or the database cannot; nothing is entered.
    """
    report = ImportReport()
    good = _uncontradicted(read_all(entries, report, on_progress), report)
    report.bad.sort(key=lambda bad: bad.row)
    if report.bad and not partial:
        return report
    with store.write() as connection:
        items = _items(connection, kind, completed(connection, good), now_unix_ns)
        entered = enter(connection, ledger, items, now_unix_ns)
    count(report, len(items), [each.version for each in entered])
    on_progress("stored", len(items))
    return report


def count(report: ImportReport, items: int, versions: Sequence[int]) -> None:
    """Note in the report what became of `items`, of which these versions were made."""
    report.new = sum(version == 1 for version in versions)
    report.changed = len(versions) - report.new
    report.unchanged = items - len(versions)
    report.stored = True


def _uncontradicted(rows: Sequence[tuple[int, Said]], report: ImportReport) -> list[Said]:
    """One of each key. Of two rows that say different things neither is taken: the sender must say which one holds."""
    first: dict[str, tuple[int, Said]] = {}
    contradicted: set[str] = set()
    for row, said in rows:
        there, known = first.setdefault(said.key, (row, said))
        if known == said:
            continue
        reason = "row {} says otherwise of the same"
        if said.key not in contradicted:
            contradicted.add(said.key)
            report.bad.append(BadValue(there, "", said.key, reason.format(row)))
        report.bad.append(BadValue(row, "", said.key, reason.format(there)))
    return [said for key, (_, said) in first.items() if key not in contradicted]


def _items(connection: Connection, kind: Kind, said: Sequence[Said], now_unix_ns: int) -> list[NewItem]:
    about = [each.declaration_id for each in said if each.declaration_id]
    declared = _declared(connection, about)
    known = latest(connection, kind, [each.key for each in said if each.declaration_id]) if about else {}
    made = []
    for each in said:
        item = NewItem.of(kind, each.key, each.body, site_id=each.site_id, expires_unix_ns=each.expires_unix_ns)
        if each.declaration_id:
            item = _with_its_declaration(item, declared.get(each.declaration_id), known.get(each.key), now_unix_ns)
        made.append(item)
    return made


class _Declared(NamedTuple):
    site_id: str
    departure_ns: int


def _with_its_declaration(
    item: NewItem, declared: _Declared | None, known: RegisterItem | None, now_unix_ns: int
) -> NewItem:
    """For the declaration's site, and at gates about as long as the declaration itself."""
    if declared is not None:
        expires = declared.departure_ns + KEPT_WITH_DECLARATION_NS if declared.departure_ns else 0
        return replace(item, site_id=declared.site_id, expires_unix_ns=expires)
    # It may come to any site, and soon, or never. What says the same again keeps its term, or it would be news.
    same = known is not None and known.body == item.body
    return replace(item, expires_unix_ns=known.expires_unix_ns if same and known else now_unix_ns + KEPT_UNDECLARED_NS)


def _declared(connection: Connection, declaration_ids: Sequence[str]) -> dict[str, _Declared]:
    """What is known of the declarations, by id."""
    table = schema.declarations.c
    found: dict[str, _Declared] = {}
    for start in range(0, len(declaration_ids), AT_ONCE):
        query = select(table.declaration_id, table.site_id, table.departure_ns).where(table.latest)
        rows = connection.execute(query.where(table.declaration_id.in_(declaration_ids[start : start + AT_ONCE])))
        found.update({row.declaration_id: _Declared(row.site_id, row.departure_ns) for row in rows})
    return found
