"""What the registers hold, read in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import Connection, Select, func, select, tuple_

from collector.registers.intake import AT_ONCE, Kind
from collector.store import schema
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.order_pb2 import Officer
from gate_contract.v1.register_pb2 import RegisterItem


def latest(
    connection: Connection,
    kind: Kind,
    keys: Collection[str] | None = None,
    *,
    withdrawn: bool = False,
    before: int | None = None,
) -> dict[str, RegisterItem]:
    """The highest version of each key that holds, by key.

    Args:
        connection: in a transaction.
        kind: which register.
        keys: only these; None for all.
        withdrawn: also those that were withdrawn.
        before: as it was when the ledger had so many entries; None for now.

    Expiry is not looked at: it says when gates forget, not what was so.
    """
    found: dict[str, RegisterItem] = {}
    for query in _queries(kind, keys, before):
        for body in connection.scalars(query):
            item = RegisterItem.FromString(body)
            if withdrawn or not item.withdrawn:
                found[item.key] = item
    return found


def since(connection: Connection, ledger_index: int, limit: int | None = None) -> list[tuple[int, RegisterItem]]:
    """(ledger index, item) of each version entered at `ledger_index` or later, in that order; at most `limit`.

    A cursor that holds the index after the last one seen misses none: indices grow in the order of commits.
    """
    table = schema.register_items.c
    query = select(table.ledger_index, table.body).where(table.ledger_index >= ledger_index)
    rows = connection.execute(query.order_by(table.ledger_index).limit(limit))
    return [(row.ledger_index, RegisterItem.FromString(row.body)) for row in rows]


def versions(connection: Connection, kind: Kind, key: str) -> list[tuple[int, RegisterItem]]:
    """(ledger index, item) of every version of one key, the first one first."""
    table = schema.register_items.c
    query = select(table.ledger_index, table.body).where(table.kind == kind, table.item_key == key)
    return [
        (row.ledger_index, RegisterItem.FromString(row.body))
        for row in connection.execute(query.order_by(table.version))
    ]


def officers(connection: Connection, *, before: int | None = None) -> dict[str, Officer]:
    """Officers by id; those whose office has ended too, because what they signed while in office holds."""
    items = latest(connection, pb.ITEM_KIND_OFFICER, before=before)
    return {key: Officer.FromString(item.body) for key, item in items.items()}


def orders(connection: Connection, *, before: int | None = None) -> list[bytes]:
    """The highest version of each control order, serialised SignedOrder, by order id; lifted and expired ones too."""
    return [item.body for _, item in sorted(latest(connection, pb.ITEM_KIND_ORDER, before=before).items())]


def _queries(kind: Kind, keys: Collection[str] | None, before: int | None) -> Iterator[Select[bytes]]:
    if keys is None:
        yield _query(kind, None, before)
        return
    named = sorted(set(keys))
    for start in range(0, len(named), AT_ONCE):
        yield _query(kind, named[start : start + AT_ONCE], before)


def _query(kind: Kind, keys: Sequence[str] | None, before: int | None) -> Select[bytes]:
    table = schema.register_items.c
    query = select(table.body).where(table.kind == kind)
    if keys is not None:
        query = query.where(table.item_key.in_(keys))
    if before is None:
        return query.where(table.latest)
    then = select(table.item_key, func.max(table.version)).where(table.kind == kind, table.ledger_index < before)
    return query.where(tuple_(table.item_key, table.version).in_(then.group_by(table.item_key)))
