"""Register items that arrived → the passages they concern, queued to be judged again (K02)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from google.protobuf.message import DecodeError
from sqlalchemy import Connection, Table, select

from collector.reconcile.places import BOARDS_AFTER, BOARDS_BEFORE
from collector.reconcile.queue import AT_ONCE, advance, portions, position, queue_again
from collector.reconcile.travellers import note_tickets
from collector.registers.reading import since
from collector.store import schema
from collector.store.engine import Store
from gate_contract.rules import OrderIndex, PassageFacts
from gate_contract.rules.bookings import HOUR
from gate_contract.rules.standing_orders import Refused, container_key, plate_key
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.order_pb2 import ControlOrder, SignedOrder
from gate_contract.v1.passage_pb2 import Passage

CURSOR: Final = "reconcile/items"
MOST_AT_ONCE: Final = 2_000
"""Items looked at together."""

JUDGED_AGAIN_FOR: Final = 72 * HOUR
"""Passages that were longer before an order, a sailing or a carrier came are not judged again for it: it is too late to
stop anything, and an inquiry asks for them by `gate-collector replay`."""

MOST_FOR_ORDER: Final = 20_000
"""Passages that one order is compared with, the newest first: those of two busy hours."""

BEFORE_DEPARTURE: Final = 48 * HOUR
"""Vehicles of a sailing come no earlier."""

_OF_DECLARATIONS: Final = frozenset({pb.ITEM_KIND_SETTLEMENT, pb.ITEM_KIND_QUANTITY, pb.ITEM_KIND_SELECTION})
_DECLARED: Final = frozenset({"declaration_id", "hs_prefix", "declarant_id"})


def queue_entered(store: Store, now_unix_ns: int) -> int:
    """Queue what the items that came since the last call concern; how many passages. Safe to repeat."""
    queued = 0
    while True:
        with store.read() as connection:
            start = position(connection, CURSOR)
            arrived = since(connection, start, MOST_AT_ONCE)
            reasons = _reasons(connection, [item for _, item in arrived])
        if not arrived:
            return queued
        with store.write() as connection:
            if position(connection, CURSOR) == start:  # else another process was quicker
                queued += _take(connection, arrived, reasons, now_unix_ns)


def take_entered(connection: Connection, now_unix_ns: int) -> int:
    """The next items, in the caller's write transaction; how many passages were queued."""
    arrived = since(connection, position(connection, CURSOR), MOST_AT_ONCE)
    return _take(connection, arrived, _reasons(connection, [item for _, item in arrived]), now_unix_ns)


def _take(
    connection: Connection, arrived: Sequence[tuple[int, pb.RegisterItem]], reasons: Mapping[str, str], now_unix_ns: int
) -> int:
    if not arrived:
        return 0
    manifests = [(index, item.body) for index, item in arrived if item.kind == pb.ITEM_KIND_MANIFEST]
    note_tickets(connection, [(index, pb.SailingManifest.FromString(body)) for index, body in manifests])
    advance(connection, CURSOR, arrived[-1][0] + 1)
    return queue_again(connection, reasons, now_unix_ns)


def _reasons(connection: Connection, items: Sequence[pb.RegisterItem]) -> dict[str, str]:
    """Reason by passage id."""
    by_kind: dict[int, list[pb.RegisterItem]] = defaultdict(list)
    for item in items:
        by_kind[item.kind].append(item)
    reasons = _of_declarations(connection, [item for kind in _OF_DECLARATIONS for item in by_kind[kind]])
    reasons |= _of_carriers(connection, by_kind[pb.ITEM_KIND_CARRIER])
    reasons |= _of_manifests(connection, by_kind[pb.ITEM_KIND_MANIFEST])
    reasons |= _of_sailings(connection, by_kind[pb.ITEM_KIND_SAILING])
    for item in by_kind[pb.ITEM_KIND_ORDER]:
        reasons |= _of_order(connection, item)
    return reasons


def _name(item: pb.RegisterItem) -> str:
    """E.g. "settlement D-17 version 2 came"."""
    word = pb.ItemKind.Name(item.kind).removeprefix("ITEM_KIND_").lower()
    return f"{word} {item.key} version {item.version} {'was withdrawn' if item.withdrawn else 'came'}"


def _of_declarations(connection: Connection, items: Iterable[pb.RegisterItem]) -> dict[str, str]:
    named = {_declaration_id(item): _name(item) for item in items}
    table = schema.matches.c
    reasons = {}
    for some in portions(named, AT_ONCE):
        for row in connection.execute(select(schema.matches).where(table.declaration_id.in_(some))):
            reasons[row.passage_id] = named[row.declaration_id]
    return reasons


def _declaration_id(item: pb.RegisterItem) -> str:
    if item.kind == pb.ITEM_KIND_QUANTITY:
        return pb.DeclarationQuantity.FromString(item.body).declaration_id
    return item.key


def _of_carriers(connection: Connection, items: Iterable[pb.RegisterItem]) -> dict[str, str]:
    """Passages of the plate; only for V06, which asks nothing of a plate that was read otherwise."""
    named = {item.key: item for item in items}
    table = schema.passages.c
    reasons = {}
    for some in portions(named, AT_ONCE):
        first = min(named[each].received_unix_ns for each in some) - JUDGED_AGAIN_FOR
        query = select(table.passage_id, table.plate).where(table.plate.in_(some), table.opened_ns >= first)
        for row in connection.execute(query):
            reasons[row.passage_id] = _name(named[row.plate])
    return reasons


def _of_manifests(connection: Connection, items: Iterable[pb.RegisterItem]) -> dict[str, str]:
    """Passages of its documents, and passages with any document while it boards."""
    table = schema.passage_documents.c
    reasons: dict[str, str] = {}
    for item in items:
        tickets = {each.pseudonym for each in pb.SailingManifest.FromString(item.body).tickets}
        for some in portions(sorted(tickets), AT_ONCE):
            found = connection.scalars(select(table.passage_id).where(table.pseudonym.in_(some)))
            reasons |= dict.fromkeys(found, _name(item))
        sailing = _sailing(connection, item.key)
        if sailing is not None and sailing.departure_unix_ns:
            departure = sailing.departure_unix_ns
            passages = schema.passages.c
            boarding = (
                select(passages.passage_id)
                .join(schema.passage_documents, table.passage_id == passages.passage_id)
                .where(
                    passages.site_id == sailing.site_id,
                    passages.opened_ns.between(departure - BOARDS_BEFORE, departure + BOARDS_AFTER),
                )
            )
            reasons |= dict.fromkeys(connection.scalars(boarding), _name(item))
    return reasons


def _sailing(connection: Connection, sailing_id: str) -> pb.Sailing | None:
    table = schema.register_items.c
    query = select(table.body).where(table.kind == pb.ITEM_KIND_SAILING, table.item_key == sailing_id, table.latest)
    body = connection.scalar(query)
    return None if body is None else pb.Sailing.FromString(pb.RegisterItem.FromString(body).body)


def _of_sailings(connection: Connection, items: Sequence[pb.RegisterItem]) -> dict[str, str]:
    """Passages judged against declarations of the sailing, and those with documents while it boards."""
    named = {item.key: _name(item) for item in items}
    times = [
        (each.departure_unix_ns, item.received_unix_ns)
        for item in items
        if (each := pb.Sailing.FromString(item.body)).departure_unix_ns
    ]
    if not times:
        return {}
    earliest = min(max(departure - BEFORE_DEPARTURE, received - JUDGED_AGAIN_FOR) for departure, received in times)
    latest = max(departure for departure, _ in times) + BOARDS_AFTER
    passages, matched, declared = schema.passages.c, schema.matches.c, schema.declarations.c
    query = (
        select(passages.passage_id, declared.body)
        .join(schema.matches, matched.passage_id == passages.passage_id)
        .join(schema.declarations, declared.declaration_id == matched.declaration_id)
        .where(passages.opened_ns.between(earliest, latest), declared.latest)
    )
    named_sites = sorted({pb.Sailing.FromString(item.body).site_id for item in items})
    query = query.where(passages.site_id.in_(_sites(connection) if "" in named_sites else named_sites))
    reasons = {}
    for row in connection.execute(query):
        sailing_id = Declaration.FromString(row.body).sailing_id
        if sailing_id in named:
            reasons[row.passage_id] = named[sailing_id]
    return reasons


def _sites(connection: Connection) -> list[str]:
    """All that have gates: passages are found by site and time."""
    return list(connection.scalars(select(schema.journals.c.site_id).distinct()))


def _of_order(connection: Connection, item: pb.RegisterItem) -> dict[str, str]:
    """Passages while it is in force that it may be about; whether it holds is for the rule book to say."""
    order = _order(item)
    if order is None:
        return {}
    table = schema.passages.c
    first = max(order.valid_from_unix_ns - HOUR, item.received_unix_ns - JUDGED_AGAIN_FOR)
    sites = list(order.site_ids) or _sites(connection)
    query = select(table.passage_id, table.body).where(
        table.site_id.in_(sites), table.opened_ns.between(first, order.expires_unix_ns)
    )
    query = query.order_by(table.opened_ns.desc()).limit(MOST_FOR_ORDER)
    declared = any(each.WhichOneof("what") in _DECLARED for each in order.selectors)
    index = OrderIndex((), [Refused(order, "not looked at")])
    return {
        row.passage_id: _name(item)
        for row in connection.execute(query)
        if declared or _about(index, PassageFacts.of(Passage.FromString(row.body)))
    }


def _order(item: pb.RegisterItem) -> ControlOrder | None:
    try:
        return ControlOrder.FromString(SignedOrder.FromString(item.body).order)
    except DecodeError:
        return None


def _about(index: OrderIndex, facts: PassageFacts) -> bool:
    """Whether a passage shows what an order is about."""
    keys = [plate_key(each.text) for each in facts.plates if each.text]
    keys += [container_key(each.number) for each in facts.seen.containers]
    keys += [("document", each.pseudonym) for each in facts.seen.documents if each.pseudonym]
    return bool(index.about(keys))


def behind(connection: Connection, cursors: Mapping[str, Table]) -> bool:
    """Whether something has come to one of the tables that its reader has not looked at."""
    return any(
        connection.scalar(
            select(table.c.ledger_index).where(table.c.ledger_index >= position(connection, name)).limit(1)
        )
        is not None
        for name, table in cursors.items()
    )
