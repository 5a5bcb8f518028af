"""Tickets of all manifests: whose document a pseudonym is, on which sailing, and that traveller's other documents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import date, timedelta
from typing import Final, Literal

from sqlalchemy import Connection, Row, Select, insert, select, tuple_

from collector.reconcile.others import Others
from collector.reconcile.queue import AT_ONCE, portions
from collector.store import schema
from gate_contract.rules.facts import PassageFacts
from gate_contract.rules.records import StayRecord
from gate_contract.rules.stays import CHINA_STANDARD_TIME, DAY, Crossing, Span
from gate_contract.v1.passage_pb2 import DIRECTION_INBOUND, DIRECTION_OUTBOUND
from gate_contract.v1.register_pb2 import SailingManifest

_EPOCH_YEAR: Final = 1970
_MOST_TICKETS: Final = 10_000
"""Pseudonyms of one traveller that are looked at; nobody travels so often."""


def note_tickets(connection: Connection, manifests: Iterable[tuple[int, SailingManifest]]) -> None:
    """Note the tickets of manifests, by the ledger index of each, in the caller's write transaction; once each."""
    table = schema.manifest_tickets
    rows = {
        (manifest.sailing_id, ticket.pseudonym): {
            "sailing_id": manifest.sailing_id,
            "pseudonym": ticket.pseudonym,
            "subject_id": ticket.subject_id,
            "ledger_index": index,
        }
        for index, manifest in sorted(manifests, key=lambda each: -each[0])
        for ticket in manifest.tickets
    }
    key = tuple_(table.c.sailing_id, table.c.pseudonym)
    for some in portions(rows, AT_ONCE):
        query = select(table.c.sailing_id, table.c.pseudonym).where(key.in_(some))
        known = {tuple(row) for row in connection.execute(query)}
        if new := [rows[each] for each in some if each not in known]:
            connection.execute(insert(table), new)


class Travellers:
    """Tickets of some pseudonyms, and of the same travellers on other sailings."""

    def __init__(self, connection: Connection, pseudonyms: Collection[bytes], before: int | None) -> None:
        """`before`: as when the ledger had so many entries; None for now."""
        self.sailings: dict[bytes, set[str]] = defaultdict(set)
        """Sailings that a pseudonym has a ticket for; there is one, unless a manifest was entered under two ids."""
        self.subjects: dict[bytes, str] = {}
        """Traveller by pseudonym."""
        self.documents: dict[str, set[bytes]] = defaultdict(set)
        """All pseudonyms of a traveller."""
        table = schema.manifest_tickets.c
        for some in portions(sorted(pseudonyms), AT_ONCE):
            self._take(connection.execute(_tickets(before).where(table.pseudonym.in_(some))).all())
        for subjects in portions(sorted({*self.subjects.values()}), AT_ONCE):
            query = _tickets(before).where(table.subject_id.in_(subjects)).limit(_MOST_TICKETS * len(subjects))
            self._take(connection.execute(query).all())

    def _take(self, rows: Iterable[Row[tuple[str, bytes, str]]]) -> None:
        for row in rows:
            self.sailings[row.pseudonym].add(row.sailing_id)
            if row.subject_id:
                self.subjects[row.pseudonym] = row.subject_id
                self.documents[row.subject_id].add(row.pseudonym)

    def all_of(self, pseudonym: bytes) -> set[bytes]:
        """Every pseudonym of the traveller whose this is, this one included."""
        return {pseudonym, *self.documents.get(self.subjects.get(pseudonym, ""), ())}

    def stays(self, facts: PassageFacts, others: Others[bytes], now_ns: int) -> dict[bytes, StayRecord]:
        """Crossings of the traveller of each document shown in a passage, this passage included, in its year (P08).

        Travellers whose ticket names nobody are left out: one document on one sailing is no stay.
        """
        found = {}
        for pseudonym in {each.pseudonym for each in facts.seen.documents} & self.subjects.keys():
            theirs = {each.passage_id: each.facts for key in self.all_of(pseudonym) for each in others.all(key)}
            theirs[facts.passage_id] = facts
            crossings = [crossing for each in theirs.values() for crossing in _crossing(each)]
            ordered = sorted(crossings, key=lambda each: (each.at_unix_ns, each.name))
            found[pseudonym] = StayRecord(tuple(ordered), year_of(facts.at_unix_ns or now_ns))
        return found


def _tickets(before: int | None) -> Select[tuple[str, bytes, str]]:
    table = schema.manifest_tickets.c
    query = select(table.sailing_id, table.pseudonym, table.subject_id)
    return query if before is None else query.where(table.ledger_index < before)


def _crossing(facts: PassageFacts) -> Iterator[Crossing]:
    """A passage as a crossing; none where it is not known which way it went, or when."""
    ways: dict[int, Literal["in", "out"]] = {DIRECTION_INBOUND: "in", DIRECTION_OUTBOUND: "out"}
    way = ways.get(facts.direction)
    if way and facts.at_unix_ns is not None and not facts.backed_out:
        yield Crossing(facts.at_unix_ns, way, facts.bound_ns or 0, facts.passage_id)


def year_of(at_unix_ns: int) -> Span:
    """The calendar year of a moment in China standard time, nanoseconds since 1970-01-01T00:00:00Z."""
    day = date(_EPOCH_YEAR, 1, 1) + timedelta(days=(at_unix_ns + CHINA_STANDARD_TIME) // DAY)
    first, last = (
        (date(year, 1, 1) - date(_EPOCH_YEAR, 1, 1)).days * DAY - CHINA_STANDARD_TIME
        for year in (day.year, day.year + 1)
    )
    return first, last
