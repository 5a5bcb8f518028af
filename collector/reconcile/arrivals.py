"""Declaration versions that arrived → the passages they concern, queued to be judged again.

A passage is concerned when it was judged against an earlier version, or when the version could be its booking: the
plate is near enough, site and direction fit, and the time is right. Passages that have an exact match are not
troubled by plates that are merely near.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from sqlalchemy import Connection, Row, Select, and_, exists, or_, select

from collector.reconcile.core import concerned_by
from collector.reconcile.queue import AT_ONCE, advance, portions, position, queue_again
from collector.store import schema
from collector.store.engine import Store
from gate_contract.rules import BookingIndex, Policy
from gate_contract.rules.bookings import HOUR
from gate_contract.rules.plates import is_trailer, normalise
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.passage_pb2 import Passage

CURSOR: Final = "reconcile/declarations"
MOST_AT_ONCE: Final = 20_000
"""Versions looked at together."""

CLOCK_NEVER_SET: Final = 1_577_836_800_000_000_000
"""2020-01-01: a gate machine that says it is earlier has no clock, and its passages may be of any day."""

_PLATE_NOT_BOOKED: Final = "V01"
_END_OF_TIME: Final = 2**63 - 1


def queue_concerned(store: Store, policy: Policy, now_unix_ns: int) -> int:
    """Queue what the versions that came since the last call concern; how many passages. Safe to repeat."""
    queued = 0
    while True:
        with store.read() as connection:
            start = position(connection, CURSOR)
            arrived, next_index = _arrived(connection, start)
            reasons = _reasons(connection, arrived, policy) if arrived else {}
        if not arrived:
            return queued
        with store.write() as connection:
            if position(connection, CURSOR) != start:
                continue  # another process was quicker
            queued += queue_again(connection, reasons, now_unix_ns)
            advance(connection, CURSOR, next_index)


def take_concerned(connection: Connection, policy: Policy, now_unix_ns: int) -> int:
    """The next versions, in the caller's write transaction; how many passages were queued."""
    arrived, next_index = _arrived(connection, position(connection, CURSOR))
    if not arrived:
        return 0
    reasons = _reasons(connection, arrived, policy)
    advance(connection, CURSOR, next_index)
    return queue_again(connection, reasons, now_unix_ns)


def _arrived(connection: Connection, start: int) -> tuple[list[Declaration], int]:
    table = schema.declarations.c
    query = select(table.body, table.ledger_index).where(table.ledger_index >= start)
    rows = connection.execute(query.order_by(table.ledger_index).limit(MOST_AT_ONCE)).all()
    return [Declaration.FromString(row.body) for row in rows], rows[-1].ledger_index + 1 if rows else start


def _reasons(connection: Connection, arrived: Sequence[Declaration], policy: Policy) -> dict[str, str]:
    """Reason by passage id."""
    reasons: dict[str, str] = {}
    index = BookingIndex(arrived)
    for row in _candidates(connection, arrived, index, policy):
        if row.passage_id not in reasons:
            found = concerned_by(Passage.FromString(row.body), row.site_id, index, policy)
            if found is not None:
                reasons[row.passage_id] = f"declaration {found} came after the passage"
    changed = {each.declaration_id: each.version for each in arrived if each.version > 1}
    for portion in portions(changed, AT_ONCE):
        matched = select(schema.matches).where(schema.matches.c.declaration_id.in_(portion))
        for row in connection.execute(matched):
            version = changed[row.declaration_id]
            reasons[row.passage_id] = f"declaration {row.declaration_id} was changed: version {version} came"
    return reasons


def _candidates(
    connection: Connection, arrived: Sequence[Declaration], index: BookingIndex, policy: Policy
) -> Iterator[Row[tuple[str, str, str, bytes]]]:
    """Passages that may be concerned: those with a plate that is declared now, and those that have no exact match."""
    first_ns, last_ns = _window(arrived, policy)
    passages = schema.passages.c
    plates = {plate for each in arrived for plate in (each.vehicle_plate, each.trailer_plate) if plate}
    for portion in portions(plates, AT_ONCE):
        booked = _passages().where(passages.plate.in_(portion), passages.opened_ns.between(first_ns, last_ns))
        yield from connection.execute(booked)
        yield from connection.execute(_on_the_same_trip(portion, first_ns, last_ns))
    sites = {each.site_id for each in arrived}
    for window in ((0, CLOCK_NEVER_SET), (first_ns, last_ns)):
        for row in connection.execute(_without_exact_match(sites, *window)):
            plate = normalise(row.plate)
            if not plate or is_trailer(plate) or index.near(plate, policy.V01.match_within):
                yield row


def _passages() -> Select[tuple[str, str, str, bytes]]:
    table = schema.passages.c
    return select(table.passage_id, table.site_id, table.plate, table.body)


def _on_the_same_trip(plates: Sequence[str], first_ns: int, last_ns: int) -> Select[tuple[str, str, str, bytes]]:
    """Passages matched with a declaration of one of the plates: goods of several consignees share a truck."""
    declared, matched, passages = schema.declarations.c, schema.matches.c, schema.passages.c
    return (
        _passages()
        .join(schema.matches, matched.passage_id == passages.passage_id)
        .join(schema.declarations, declared.declaration_id == matched.declaration_id)
        .where(declared.vehicle_plate.in_(plates), passages.opened_ns.between(first_ns, last_ns))
    )


def _without_exact_match(sites: Iterable[str], first_ns: int, last_ns: int) -> Select[tuple[str, str, str, bytes]]:
    passages, matched, found = schema.passages.c, schema.matches.c, schema.findings.c
    unmatched = ~exists().where(matched.passage_id == passages.passage_id)
    doubtful = exists().where(
        found.subject == passages.passage_id, found.subject_kind == "passage", found.code == _PLATE_NOT_BOOKED
    )
    # Who walks brings no goods: thousands in an hour are not looked at for each declaration that comes.
    on_foot = and_(
        passages.plate == "",
        passages.kilograms == "",
        exists().where(schema.passage_documents.c.passage_id == passages.passage_id),
    )
    query = _passages().where(passages.opened_ns.between(first_ns, last_ns), or_(unmatched, doubtful), ~on_foot)
    named = [site for site in sites if site]
    return query.where(passages.site_id.in_([*named, ""])) if len(named) == len(set(sites)) else query


def _window(arrived: Iterable[Declaration], policy: Policy) -> tuple[int, int]:
    """First and last time of passages to which any of the versions is open."""
    booking = policy.booking
    around = booking.departure_window_hours * HOUR
    first_ns, last_ns = _END_OF_TIME, 0
    for each in arrived:
        if each.departure_unix_ns:
            window = each.departure_unix_ns - around, each.departure_unix_ns + around
        elif each.lodged_unix_ns:
            window = (
                each.lodged_unix_ns - booking.lodged_after_hours * HOUR,
                each.lodged_unix_ns + booking.lodged_before_hours * HOUR,
            )
        else:
            return 0, _END_OF_TIME
        first_ns, last_ns = min(first_ns, window[0]), max(last_ns, window[1])
    return first_ns, last_ns
