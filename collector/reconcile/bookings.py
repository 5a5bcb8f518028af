"""Declarations in memory, ready to be searched by plate; kept up to date without being made anew for each arrival."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from collector.store import schema
from gate_contract.rules import BookingIndex, Policy
from gate_contract.rules.bookings import HOUR
from gate_contract.rules.layers import LayeredBookings
from gate_contract.rules.tolerances import BookingPolicy
from gate_contract.v1.declaration_pb2 import Declaration

DAY: Final = 24 * HOUR

MOST_NEWER: Final = 2_000
"""Versions laid over an index before it is made anew (seconds for 100,000 declarations)."""

MOST_INDEXES: Final = 6
"""Indexes kept, one a site and day; the least recently used one goes first."""

WITHOUT_CLOCK: Final = 31 * DAY
"""How far back a passage may lie that reached the collector from a gate whose clock cannot be believed."""


class Span(NamedTuple):
    """Passages of one site between two times, nanoseconds since 1970; `site_id` "" is every site."""

    site_id: str
    first_ns: int
    last_ns: int


def span_of(site_id: str, at_unix_ns: int | None, received_ns: int) -> Span:
    """The day a passage belongs to; when its time is not believed, the days before it was received."""
    if at_unix_ns is None:
        received = received_ns // DAY * DAY
        return Span(site_id, received - WITHOUT_CLOCK, received + DAY)
    return Span(site_id, at_unix_ns // DAY * DAY, at_unix_ns // DAY * DAY + DAY)


class Bookings:
    """Indexes of the declarations that can be open to a passage. Used by one thread."""

    def __init__(self, policy: Policy) -> None:
        """`policy` says how long a declaration is a booking, where nobody says otherwise."""
        self._policy = policy
        self._books: OrderedDict[_Key, LayeredBookings] = OrderedDict()
        self._newer = 0
        self._next_index = 0
        self._before: int | None = None

    def refresh(self, connection: Connection, before: int | None = None) -> None:
        """Learn of versions that came since the last call. Call it first in each transaction.

        `before` makes it the book as it was when the ledger had so many entries, never fewer than at the last call;
        None for now.
        """
        self._before = before
        table = schema.declarations.c
        query = select(table.body, table.ledger_index).where(table.ledger_index >= self._next_index, *self._known())
        rows = connection.execute(query.order_by(table.ledger_index).limit(MOST_NEWER + 1)).all() if self._books else []
        if not self._books or len(rows) + self._newer > MOST_NEWER:
            self._books.clear()
            self._newer = 0
            last = connection.scalar(select(func.max(table.ledger_index)).where(*self._known()))
            self._next_index = 0 if last is None else last + 1
        elif rows:
            newer = {each.declaration_id: each for each in (_lean(row.body) for row in rows)}
            for key, book in self._books.items():
                self._books[key] = book.with_changes(newer)
            self._newer += len(rows)
            self._next_index = rows[-1].ledger_index + 1

    def open_to(self, connection: Connection, span: Span, policy: Policy | None = None) -> BookingIndex:
        """Every declaration that can be a booking of a passage within the span, under the policy in force there."""
        key = _Key(span, (policy or self._policy).booking)
        if key not in self._books:
            declarations = {each.declaration_id: each for each in self._load(connection, key)}
            self._books[key] = LayeredBookings().with_changes(declarations)
            while len(self._books) > MOST_INDEXES:
                self._books.popitem(last=False)
        self._books.move_to_end(key)
        return self._books[key]

    def _load(self, connection: Connection, key: _Key) -> Iterable[Declaration]:
        table, span, booking = schema.declarations.c, key.span, key.booking
        around = booking.departure_window_hours * HOUR
        lodged_from = span.first_ns - booking.lodged_before_hours * HOUR
        lodged_to = span.last_ns + booking.lodged_after_hours * HOUR
        times: ColumnElement[bool] = or_(
            and_(table.departure_ns > 0, table.departure_ns.between(span.first_ns - around, span.last_ns + around)),
            and_(table.departure_ns == 0, table.lodged_ns.between(lodged_from, lodged_to)),
            and_(table.departure_ns == 0, table.lodged_ns == 0),
        )
        query = select(table.body).where(self._standing(), times)
        if span.site_id:
            query = query.where(table.site_id.in_((span.site_id, "")))
        return (_lean(row.body) for row in connection.execute(query.execution_options(yield_per=1000)))

    def _known(self) -> list[ColumnElement[bool]]:
        """Versions that had come."""
        return [] if self._before is None else [schema.declarations.c.ledger_index < self._before]

    def _standing(self) -> ColumnElement[bool]:
        """Versions that stand, or stood."""
        table = schema.declarations.c
        if self._before is None:
            return and_(table.latest)
        later = schema.declarations.alias("later").c
        superseded = exists().where(
            later.declaration_id == table.declaration_id,
            later.version > table.version,
            later.ledger_index < self._before,
        )
        return and_(table.ledger_index < self._before, ~superseded)


class _Key(NamedTuple):
    """What an index was made for."""

    span: Span
    booking: BookingPolicy


def _lean(body: bytes) -> Declaration:
    """What the rules look at; words for people would only fill memory."""
    declaration = Declaration.FromString(body)
    for item in declaration.goods:
        item.ClearField("description")
    return declaration
