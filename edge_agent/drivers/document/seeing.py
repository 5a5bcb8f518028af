"""What of a document goes into a record: a pseudonym, faults, and a sealed part. Pure; time is an argument."""

from __future__ import annotations

from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Final

from edge_agent.drivers.document.zone import Zone
from edge_agent.model.document_reading import DocumentSeen, SailingOf
from edge_agent.model.moment import SECOND, Moment
from gate_contract.personal import Person, pseudonym, seal_field, sealing_key
from gate_contract.travel_documents import TravelDocument

EARLIEST: Final = date(2026, 1, 1)
"""No gate with this release runs before. A clock that says so is wrong and would put last days into another century."""


def document_seen(document: TravelDocument, sailing_of: SailingOf, now: Moment) -> DocumentSeen:
    """The record of a document; without a sailing's key it has neither pseudonym nor sealed part."""
    sailing = sailing_of(document.issuer, document.number, now)
    name = sealed = b""
    if sailing is not None:
        person = Person(
            f"{document.surname} {document.given_names}".strip(), document.issuer, document.number, document.birth
        )
        name = pseudonym(sailing.key, document.issuer, document.number)
        sealed = seal_field(sealing_key(sailing.key), sailing.key_id, person.to_bytes())
    return DocumentSeen(
        kind=document.kind,
        issuer=document.issuer,
        pseudonym=name,
        expires="" if document.expires is None else document.expires.isoformat(),
        faults=document.faults,
        sealed=sealed,
        key_id="" if sailing is None else sailing.key_id,
    )


def today_of(now: Moment) -> date:
    """The day for choosing centuries, in UTC."""
    seconds = max(now.wall // SECOND, 0)
    try:
        return max(datetime.fromtimestamp(seconds, UTC).date(), EARLIEST)
    except (ValueError, OverflowError, OSError):  # a clock beyond the year 9999
        return EARLIEST


class DocumentKeeper:
    """The rule: a document that lies on the reader and is sent again and again is one record. It keeps no text."""

    def __init__(self, again_after_s: float) -> None:
        self._again_after_s = again_after_s
        self._last: tuple[bytes, Moment] | None = None

    def keep(self, zone: Zone, now: Moment) -> bool:
        """Whether this reading becomes a record."""
        digest = sha256(zone.text.encode()).digest()
        last, self._last = self._last, (digest, now)
        return last is None or last[0] != digest or now.seconds_since(last[1]) >= self._again_after_s
