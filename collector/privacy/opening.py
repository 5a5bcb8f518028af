"""Reading what is sealed of a traveller, for a stated reason; that it was read is kept before anything is shown."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from collector.errors import CollectorError
from collector.ledger.log import Ledger
from collector.privacy.keystore import KeyStore
from collector.privacy.traces import tickets_of
from collector.store import schema
from collector.store.alarms import PERSONAL_DATA_READ, Alarm, keep_alarm
from collector.store.engine import Store
from gate_contract.personal import Person, SealedFieldError, open_field, sealing_key
from gate_contract.v1.passage_pb2 import Passage
from gate_contract.v1.reading_pb2 import DocumentSeen
from gate_contract.v1.register_pb2 import ITEM_KIND_MANIFEST, Ticket


@dataclass(frozen=True, slots=True)
class Opened:
    """One ticket, or one document that a gate read.

    Attributes:
        of: the subject's id, or the passage's.
        sailing_id: the sailing; "" when its key is gone and with it its name.
        ticket_id: of a ticket.
        person: None when nobody can be read.
        problem: why not.
    """

    of: str
    sailing_id: str
    ticket_id: str
    person: Person | None
    problem: str = ""


def open_personal(
    store: Store, ledger: Ledger, keys: KeyStore, name: str, *, actor: str, reason: str, now_ns: int
) -> list[Opened]:
    """Open the tickets of a subject, one ticket, or the documents of a passage.

    Args:
        store: has manifests and passages.
        ledger: gets an entry of who reads what.
        keys: has the keys of subjects and sailings.
        name: a subject id, a ticket id or a passage id.
        actor: who reads.
        reason: why, in the officer's words.
        now_ns: when, nanoseconds since 1970.

    Raises:
        CollectorError: there is none of this id, or no document was read in the passage.
    """
    with store.read() as connection:
        documents = _documents(connection, name)
        tickets = [] if documents else _tickets(connection, name)
    if not documents and not tickets:
        raise CollectorError(
            f"{name!r} is no ticket, no subject and no passage in which a document was read",
            fix="ticket ids are those of the manifest's file, passages are in `gate-collector passages`",
        )
    with store.write() as connection:
        for of in sorted({name} if documents else {ticket.subject_id for _, ticket in tickets}):
            said = f"{actor} opened the personal data of {of} at {now_ns}: {reason}"
            keep_alarm(connection, ledger, Alarm(of, PERSONAL_DATA_READ, said), now_ns)
    # Only now, when it is durable that somebody reads.
    opened = [_of_ticket(keys, sailing_id, ticket) for sailing_id, ticket in tickets]
    return opened + [_of_document(keys, name, document) for document in documents]


def names_of(store: Store, keys: KeyStore, subject_id: str) -> set[str]:
    """How manifests name a subject; nothing once the key is gone. For a check that shows nobody the name."""
    with store.read() as connection:
        tickets = _tickets(connection, subject_id)
    persons = (_of_ticket(keys, sailing_id, ticket).person for sailing_id, ticket in tickets)
    return {person.name for person in persons if person is not None}


def _of_ticket(keys: KeyStore, sailing_id: str, ticket: Ticket) -> Opened:
    read = _read(keys.key(ticket.subject_id), ticket.subject_id, ticket.sealed)
    return Opened(ticket.subject_id, sailing_id, ticket.ticket_id, *read)


def _of_document(keys: KeyStore, passage_id: str, document: DocumentSeen) -> Opened:
    entry, key = keys.entry(document.key_id), keys.key(document.key_id)
    read = _read(None if key is None else sealing_key(key), document.key_id, document.sealed)
    return Opened(passage_id, "" if entry is None else entry.name, "", *read)


def _read(key: bytes | None, key_id: str, sealed: bytes) -> tuple[Person | None, str]:
    if not sealed:
        return None, "the gate had no key and sealed nothing"
    if key is None:
        return None, "its key was destroyed"
    try:
        return Person.from_bytes(open_field(key, key_id, sealed)), ""
    except SealedFieldError as error:
        return None, str(error)


def _tickets(connection: Connection, name: str) -> list[tuple[str, Ticket]]:
    table = schema.register_items.c
    sailings = select(table.item_key).where(table.kind == ITEM_KIND_MANIFEST).distinct().order_by(table.item_key)
    return [
        (sailing_id, ticket)
        for sailing_id in connection.scalars(sailings).all()
        for ticket in tickets_of(connection, sailing_id)
        if name in {ticket.subject_id, ticket.ticket_id}
    ]


def _documents(connection: Connection, passage_id: str) -> list[DocumentSeen]:
    """Of the newest revision."""
    table = schema.passages.c
    query = select(table.body).where(table.passage_id == passage_id).order_by(table.revision.desc()).limit(1)
    body = connection.scalars(query).one_or_none()
    readings = [] if body is None else Passage.FromString(body).readings
    return [each.document for each in readings if each.WhichOneof("body") == "document"]
