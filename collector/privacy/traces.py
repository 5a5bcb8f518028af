"""Where a person can still be recognised: on sailings whose key is there, by whoever has key and document.

Control orders are left out on purpose: who forgets somebody is not told that the person is looked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from collector.config_retention import DAY_NS
from collector.privacy.keystore import KeyEntry, KeyStore
from collector.registers.reading import latest
from collector.store import schema
from gate_contract.personal import pseudonym
from gate_contract.registers import RegisterError, open_item
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.register_pb2 import ITEM_KIND_MANIFEST, ITEM_KIND_SAILING, Sailing, SailingManifest, Ticket

_AT_ONCE: Final = 50
_MANY: Final = 500
_AROUND_NS: Final = 2 * DAY_NS
"""A declaration says its own departure; it may differ from the schedule's by so much."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One sailing with what names the person on it.

    Attributes:
        sailing: its key's entry; `sailing.name` is the sailing's id.
        tickets: ids of the person's tickets.
        passages: passages in which the document was read.
        declarations: declarations that name the person as a driver.
    """

    sailing: KeyEntry
    tickets: tuple[str, ...]
    passages: tuple[str, ...]
    declarations: tuple[str, ...]


def traces(
    connection: Connection, keys: KeyStore, subject_id: str | None, document: tuple[str, str] | None
) -> list[Trace]:
    """Sailings whose key is there and on which the person is named.

    Args:
        connection: in a transaction.
        keys: says which sailings' keys are there.
        subject_id: the person in manifests; None when there is no key of it.
        document: issuer and number; None when only the subject is known: then only sailings with a ticket are found.
    """
    tickets: dict[str, tuple[str, ...]] = {}
    names: dict[str, set[bytes]] = {}
    sailings = {entry.name: entry for entry in keys.entries("sailing")}
    for sailing_id, entry in sailings.items():
        key = keys.key(entry.key_id)
        if key is None:  # destroyed meanwhile
            continue
        name = None if document is None else pseudonym(key, *document)
        own = [
            ticket
            for ticket in tickets_of(connection, sailing_id)
            if ticket.pseudonym == name or (subject_id is not None and ticket.subject_id == subject_id)
        ]
        tickets[sailing_id] = tuple(dict.fromkeys(ticket.ticket_id for ticket in own))
        names[sailing_id] = {ticket.pseudonym for ticket in own} | ({name} if name else set())
    drivers = _declarations(connection, names)
    found = (
        Trace(sailings[each], tickets[each], _passages(connection, names[each]), tuple(drivers.get(each, ())))
        for each in names
    )
    return [trace for trace in found if trace.tickets or trace.passages or trace.declarations]


def tickets_of(connection: Connection, sailing_id: str) -> list[Ticket]:
    """The tickets of all versions of a sailing's manifest; of one ticket of one person the newest."""
    table = schema.register_items.c
    query = (
        select(table.body)
        .where(table.kind == ITEM_KIND_MANIFEST, table.item_key == sailing_id)
        .order_by(table.version)
        .execution_options(yield_per=_AT_ONCE)
    )
    tickets: dict[tuple[str, str], Ticket] = {}
    for body in connection.scalars(query):
        try:
            manifest = SailingManifest.FromString(open_item(body).body)
        except RegisterError:
            continue  # the audit names it
        tickets |= {(ticket.ticket_id, ticket.subject_id): ticket for ticket in manifest.tickets}
    return list(tickets.values())


def _passages(connection: Connection, names: Iterable[bytes]) -> tuple[str, ...]:
    table = schema.passage_documents.c
    query = select(table.passage_id).where(table.pseudonym.in_(list(names))).order_by(table.at_ns, table.passage_id)
    return tuple(dict.fromkeys(connection.scalars(query)))


def _declarations(connection: Connection, names: Mapping[str, set[bytes]]) -> dict[str, list[str]]:
    """Ids of declarations by sailing; all declarations of the days of these sailings are read once."""
    known = latest(connection, ITEM_KIND_SAILING, [each for each, some in names.items() if some], withdrawn=True)
    departures = [Sailing.FromString(item.body).departure_unix_ns for item in known.values()]
    if not departures:
        return {}
    table = schema.declarations.c
    first, last = min(departures) - _AROUND_NS, max(departures) + _AROUND_NS
    query = select(table.body).where(table.departure_ns.between(first, last)).order_by(table.ledger_index)
    found: dict[str, list[str]] = defaultdict(list)
    for body in connection.scalars(query.execution_options(yield_per=_MANY)):
        declaration = Declaration.FromString(body)
        own = names.get(declaration.sailing_id, set())
        if not own.isdisjoint(declaration.drivers) and declaration.declaration_id not in found[declaration.sailing_id]:
            found[declaration.sailing_id].append(declaration.declaration_id)
    return found
