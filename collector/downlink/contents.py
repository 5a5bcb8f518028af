"""What a slice for a site holds: declarations and register items, in the order in which they came.

A gate's position means the same here as in collector.downlink.slices: what is over before its day was left out,
sailings by their departure and items by their expiry. What a gate may have from before and is not to have any more is
sent as withdrawn, with nothing in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection, func, or_, select

from collector.downlink.slices import DAY_NS, PAGE, PAGE_BYTES, Position
from collector.store import schema
from gate_contract.reference import MOST_BYTES
from gate_contract.registers import COLLECTOR_ONLY
from gate_contract.v1 import register_pb2 as pb

MOST_ENTRY_BYTES = MOST_BYTES - 65_536
"""A larger entry fits in no message to a gate; it is left out, and told."""


class ManifestSent(NamedTuple):
    """A manifest that a slice has: its sailing, the key of its pseudonyms, when gates forget it (0: never)."""

    sailing_id: str
    key_id: str
    expires_unix_ns: int


@dataclass(frozen=True, slots=True)
class Contents:
    """A few entries and the position after them.

    Attributes:
        position: after these.
        declarations: serialised Declarations.
        items: serialised RegisterItems, as a gate may have them.
        manifests: what is to be known of the manifests among them.
        too_large: ledger indices of entries that were left out.
    """

    position: Position
    declarations: list[bytes] = field(default_factory=list)
    items: list[bytes] = field(default_factory=list)
    manifests: list[ManifestSent] = field(default_factory=list)
    too_large: list[int] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it."""
        return not (self.declarations or self.items)


class _Entry(NamedTuple):
    at: int
    body: bytes
    item: pb.RegisterItem | None


def reference_end(connection: Connection) -> int:
    """Ledger index after every declaration and item that has come until now."""
    tables = (schema.declarations, schema.register_items)
    newest = [connection.execute(select(func.max(table.c.ledger_index))).scalar() for table in tables]
    return max(0 if index is None else int(index) + 1 for index in newest)


def next_contents(connection: Connection, site_id: str, position: Position, end: int) -> Contents:
    """The next entries of a site in [position, end), latest versions only; empty, at `end`, when none is left."""
    declared = _declarations(connection, site_id, position, end)
    items = _items(connection, site_id, position, end)
    # Of a query that was cut off, what comes behind its last row is not known yet.
    known_to = min(entries[-1].at + 1 if len(entries) == PAGE else end for entries in (declared, items))
    found = Contents(Position(position.day, known_to))
    size = 0
    for count, entry in enumerate(sorted((*declared, *items), key=lambda each: each.at)):
        size += len(entry.body)
        if entry.at >= known_to:
            break
        if count and (count == PAGE or size > PAGE_BYTES):
            here = Position(position.day, entry.at)
            return Contents(here, found.declarations, found.items, found.manifests, found.too_large)
        _put(entry, found)
    return found


def _put(entry: _Entry, found: Contents) -> None:
    if len(entry.body) > MOST_ENTRY_BYTES:
        found.too_large.append(entry.at)
    elif entry.item is None:
        found.declarations.append(entry.body)
    else:
        found.items.append(entry.body)
        if entry.item.kind == pb.ITEM_KIND_MANIFEST and not entry.item.withdrawn:
            key_id = pb.SailingManifest.FromString(entry.item.body).key_id
            found.manifests.append(ManifestSent(entry.item.key, key_id, entry.item.expires_unix_ns))


def _declarations(connection: Connection, site_id: str, position: Position, end: int) -> list[_Entry]:
    table = schema.declarations.c
    query = select(table.ledger_index, table.body).where(
        table.ledger_index >= position.index,
        table.ledger_index < end,
        table.latest,
        table.site_id == site_id,
        or_(table.departure_ns == 0, table.departure_ns >= position.day * DAY_NS),
    )
    rows = connection.execute(query.order_by(table.ledger_index).limit(PAGE))
    return [_Entry(int(row.ledger_index), bytes(row.body), None) for row in rows]


def _items(connection: Connection, site_id: str, position: Position, end: int) -> list[_Entry]:
    table = schema.register_items.c
    query = select(table.ledger_index, table.body).where(
        table.ledger_index >= position.index,
        table.ledger_index < end,
        table.latest,
        table.kind.not_in(COLLECTOR_ONLY),
        table.site_id.in_((site_id, "")),  # whose site changes is for every site from then on: registers.intake
        or_(
            table.expires_ns == 0,
            table.expires_ns >= position.day * DAY_NS,
            table.version > 1,  # a gate may have the one before
        ),
    )
    rows = connection.execute(query.order_by(table.ledger_index).limit(PAGE))
    opened = ((int(row.ledger_index), pb.RegisterItem.FromString(row.body)) for row in rows)
    made = ((index, _for_a_gate(item, position)) for index, item in opened)
    return [_Entry(index, item.SerializeToString(deterministic=True), item) for index, item in made]


def _for_a_gate(item: pb.RegisterItem, position: Position) -> pb.RegisterItem:
    """The item without what no gate gets: what does not hold there any more, sealed names, subjects."""
    over = 0 < item.expires_unix_ns < position.day * DAY_NS
    if item.withdrawn or over:
        item.withdrawn = True
        item.ClearField("body")
    elif item.kind == pb.ITEM_KIND_MANIFEST:
        manifest = pb.SailingManifest.FromString(item.body)
        for ticket in manifest.tickets:
            ticket.ClearField("sealed")
            ticket.ClearField("subject_id")
        item.body = manifest.SerializeToString(deterministic=True)
    return item
