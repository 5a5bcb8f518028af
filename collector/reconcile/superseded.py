"""Declaration versions that stood when a vehicle was seen and were amended since (D05)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, select

from collector.reconcile.queue import AT_ONCE, portions
from collector.store import schema
from gate_contract.v1.declaration_pb2 import Declaration


class _Amended(NamedTuple):
    declaration: Declaration
    plate: str
    until_ns: int


class Amendments:
    """Versions that were superseded after the first of some moments, of some declarations and some plates."""

    def __init__(
        self,
        connection: Connection,
        declaration_ids: Collection[str],
        plates: Collection[str],
        since_ns: int,
        before: int | None,
    ) -> None:
        """`since_ns`: the first moment that will be asked about; `before`: as when the ledger had so many entries."""
        self._found: dict[tuple[str, int], _Amended] = {}
        table = schema.declarations.c
        for column, keys in ((table.declaration_id, declaration_ids), (table.vehicle_plate, plates)):
            for some in portions(sorted(keys), AT_ONCE):
                for row in connection.execute(_versions(since_ns, before).where(column.in_(some))):
                    self._found[row.declaration_id, row.version] = _Amended(
                        Declaration.FromString(row.body), row.vehicle_plate, row.until_ns
                    )

    def of(
        self, plates: Collection[str], declaration_ids: Collection[str], known_unix_ns: int | None
    ) -> tuple[Declaration, ...]:
        """Those that stood at a moment, of these declarations or with one of these plates; none without a moment."""
        return tuple(self._of(plates, declaration_ids, known_unix_ns)) if known_unix_ns is not None else ()

    def _of(self, plates: Collection[str], declaration_ids: Collection[str], known: int) -> Iterator[Declaration]:
        for (declaration_id, _version), each in sorted(self._found.items()):
            concerned = declaration_id in declaration_ids or each.plate in plates
            if concerned and each.declaration.received_unix_ns <= known < each.until_ns:
                yield each.declaration


def _versions(since_ns: int, before: int | None) -> Select[Any]:
    """Versions with the time when the next one came, if that was after a moment."""
    table, following = schema.declarations.c, schema.declarations.alias("following")
    query = select(
        table.declaration_id, table.version, table.vehicle_plate, table.body, following.c.received_ns.label("until_ns")
    ).join(
        following,
        (following.c.declaration_id == table.declaration_id) & (following.c.version == table.version + 1),
    )
    query = query.where(following.c.received_ns > since_ns)
    return query if before is None else query.where(following.c.ledger_index < before)
