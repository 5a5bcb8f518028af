"""Manifests: who may board a sailing. Rows name persons; what is entered names nobody.

Of each row the manifest keeps the pseudonym of the document under the sailing's key, the ticket, and the name, number
and birth sealed under the traveller's own key. Nothing of a person is written to a temporary file or repeated in a
report of what is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from collector.config_retention import RetentionConfig
from collector.declarations import values
from collector.declarations.intake import ImportReport
from collector.declarations.reader import BadValue
from collector.declarations.values import UnfitError
from collector.errors import CollectorError
from collector.ledger.log import Ledger
from collector.privacy.keystore import KeyStore
from collector.registers.forms import Column, Fields, FlatForm
from collector.registers.importing import count, read_all
from collector.registers.intake import NewItem, enter
from collector.registers.reading import latest
from collector.registers.sailing_keys import SailingKeys
from collector.registers.sailings import KEPT_AFTER_DEPARTURE_NS, sailings
from collector.store.engine import Store
from gate_contract.personal import SealedFieldError, open_field, pseudonym, seal_field
from gate_contract.travel_documents import identity_number_fault
from gate_contract.v1 import register_pb2 as pb

MOST_TICKETS: Final = 5_000
"""More than any ferry carries; a manifest goes to a gate in one message."""

KINDS: Final = ("identity-card", "passport", "permit", "other")
IDENTITY_CARD: Final = "identity-card"
MAX_NAME: Final = 128
TELLING: Final = 6
"""So many characters of a document's number or of a name are in a ticket's number by no chance."""


@dataclass(frozen=True, slots=True)
class Traveller:
    """One row: a ticket and whose it is. Never logged, never written but sealed."""

    ticket_id: str
    issuer: str
    number: str
    kind: str
    name: str
    birth: str

    def __repr__(self) -> str:
        """Nothing of the person: a traceback may be logged."""
        return f"Traveller(ticket_id={self.ticket_id!r})"

    def personal(self) -> bytes:
        """What is sealed: one text for the same person."""
        fields = {
            "issuer": self.issuer, "number": self.number, "kind": self.kind, "name": self.name, "birth": self.birth
        }  # fmt: skip
        return json.dumps(fields, ensure_ascii=False, sort_keys=True).encode()


def import_manifest(
    store: Store,
    ledger: Ledger,
    keys: KeyStore,
    retention: RetentionConfig,
    sailing_id: str,
    entries: Iterable[tuple[int, Traveller | list[BadValue]]],
    now_unix_ns: int,
    *,
    partial: bool = False,
) -> ImportReport:
    """Enter the manifest of one sailing; it replaces the one that was there. `unchanged` counts the file then.

    Args:
        store: where.
        ledger: receives the entry.
        keys: of sailing and travellers; made there when they are not yet.
        retention: terms of the keys.
        sailing_id: the sailing, which must be known.
        entries: of the file, as `read_rows` gives them.
        now_unix_ns: when the collector learns of it.
        partial: enter the good rows also when there are bad ones.

    Raises:
        CollectorError: the sailing is not known or over, or the file cannot be read; nothing is entered.
    """
    report = ImportReport()
    travellers = _each_once(read_all(entries, report), report)
    if len(travellers) > MOST_TICKETS:
        raise CollectorError(
            f"the manifest has more than {MOST_TICKETS} tickets", fix="check that it is of one sailing"
        )
    report.bad.sort(key=lambda bad: bad.row)
    if report.bad and not partial:
        return report
    with store.read() as connection:
        sailing = sailings(connection, [sailing_id]).get(sailing_id)
        before = latest(connection, pb.ITEM_KIND_MANIFEST, [sailing_id]).get(sailing_id)
    if sailing is None:
        raise CollectorError(
            f"there is no sailing {sailing_id!r}",
            fix="enter it with `gate-collector sailings import` first: it says when the manifest's keys are destroyed",
        )
    known = pb.SailingManifest.FromString(before.body) if before is not None else pb.SailingManifest()
    manifest = _manifest(keys, retention, sailing, travellers, known, now_unix_ns)
    expires = sailing.departure_unix_ns + KEPT_AFTER_DEPARTURE_NS
    item = NewItem.of(pb.ITEM_KIND_MANIFEST, sailing_id, manifest, site_id=sailing.site_id, expires_unix_ns=expires)
    with store.write() as connection:
        entered = enter(connection, ledger, [item], now_unix_ns)
    count(report, 1, [each.version for each in entered])
    return report


def _manifest(
    keys: KeyStore,
    retention: RetentionConfig,
    sailing: pb.Sailing,
    travellers: Sequence[Traveller],
    known: pb.SailingManifest,
    now_unix_ns: int,
) -> pb.SailingManifest:
    """The manifest, of which `known` is the version before."""
    try:
        key_id, key = SailingKeys(keys, retention, lambda _: sailing, now_unix_ns).key_of(sailing.sailing_id)
    except UnfitError as error:
        raise CollectorError("the manifest cannot be entered", cause=str(error)) from None
    documents = [(each.issuer, each.number) for each in travellers]
    subjects = keys.subjects(documents, retention.travellers_until(sailing.departure_unix_ns))
    sealer = _Sealer(keys, known)
    tickets = [
        pb.Ticket(
            pseudonym=pseudonym(key, each.issuer, each.number),
            ticket_id=each.ticket_id,
            sealed=sealer.sealed(subject, each),
            subject_id=subject,
        )
        for each, subject in zip(travellers, subjects, strict=True)
    ]
    tickets.sort(key=lambda ticket: ticket.ticket_id)
    return pb.SailingManifest(sailing_id=sailing.sailing_id, tickets=tickets, key_id=key_id)


class _Sealer:
    """Seals what is personal; what says the same as before keeps its bytes, so that nothing new is entered for it."""

    def __init__(self, keys: KeyStore, known: pb.SailingManifest) -> None:
        self._keys = keys
        self._known = {(ticket.subject_id, ticket.ticket_id): ticket.sealed for ticket in known.tickets}

    def sealed(self, subject_id: str, traveller: Traveller) -> bytes:
        key = self._keys.key(subject_id)
        if key is None:
            raise CollectorError("a traveller's key was destroyed just now", fix="import the manifest again")
        plain = traveller.personal()
        before = self._known.get((subject_id, traveller.ticket_id), b"")
        try:
            if before and open_field(key, subject_id, before) == plain:
                return before
        except SealedFieldError:
            pass  # sealed under a key that was destroyed since
        return seal_field(key, subject_id, plain)


def _each_once(rows: Sequence[tuple[int, Traveller]], report: ImportReport) -> list[Traveller]:
    """One ticket a document and one document a ticket; of those that are there twice none is taken."""
    first: dict[tuple[str, str], int] = {}
    bad: set[int] = set()
    for row, each in rows:
        for name, value in (("ticket_id", each.ticket_id), ("document_number", f"{each.issuer} {each.number}")):
            there = first.setdefault((name, value), row)
            if there == row:
                continue
            for here, other in ((row, there), (there, row)):
                report.bad.append(BadValue(here, name, "…", f"row {other} has the same"))
                bad.add(here)
    return [each for row, each in rows if row not in bad]


def _traveller(row: Fields) -> Traveller:
    kind = row["document_kind"] or "other"
    if (
        kind == IDENTITY_CARD
        and row["document_issuer"] == "CHN"
        and (fault := identity_number_fault(row["document_number"]))
    ):
        raise UnfitError(f"document_number is no citizen's number (GB 11643): {fault}")
    if _names_somebody(row["ticket_id"], row["document_number"], row["name"] or ""):
        raise UnfitError("ticket_id holds the document's number or the name: it is never destroyed, and gates get it")
    return Traveller(
        ticket_id=row["ticket_id"],
        issuer=row["document_issuer"],
        number=row["document_number"],
        kind=kind,
        name=row["name"] or "",
        birth=row["birth"] or "",
    )


def _names_somebody(ticket_id: str, number: str, name: str) -> bool:
    """Whether the ticket's number says whose it is. Short numbers and names are in others by chance."""
    ticket = "".join(filter(str.isalnum, ticket_id)).upper()
    words = ["".join(filter(str.isalnum, word)).upper() for word in (number, name)]
    return any(word and (word == ticket or (len(word) >= TELLING and word in ticket)) for word in words)


def _kind(text: str) -> str:
    if text.lower() not in KINDS:
        raise UnfitError(f"is none of {', '.join(KINDS)}")
    return text.lower()


def _name(text: str) -> str:
    if len(text) > MAX_NAME or not text.isprintable():
        raise UnfitError(f"is no name: at most {MAX_NAME} characters, no control characters")
    return text


def _birth(text: str) -> str:
    try:
        born = date.fromisoformat(text)
    except ValueError:
        raise UnfitError("is no date, e.g. 1990-02-28") from None
    return born.isoformat()


TRAVELLERS: Final = FlatForm(
    "traveller",
    (
        # All of them: when columns are shifted, anything may stand anywhere.
        Column("ticket_id", values.identifier, required=True, personal=True),
        Column("document_issuer", values.issuer, required=True, personal=True),
        Column("document_number", values.document_number, required=True, personal=True),
        Column("document_kind", _kind, personal=True),
        Column("name", _name, personal=True),
        Column("birth", _birth, personal=True),
    ),
    _traveller,
)
