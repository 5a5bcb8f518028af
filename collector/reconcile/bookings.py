"""Declarations in memory, ready to be searched by plate; kept up to date without being made anew for each arrival."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from collector.store import schema
from gate_contract.rules import BookingIndex, Policy
from gate_contract.rules.bookings import HOUR, Crossing, is_open
from gate_contract.rules.plates import normalise
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
        self._bases: OrderedDict[_Key, _Base] = OrderedDict()
        self._layered: dict[_Key, BookingIndex] = {}
        self._newer: dict[str, Declaration] = {}
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
        rows = connection.execute(query.order_by(table.ledger_index).limit(MOST_NEWER + 1)).all() if self._bases else []
        if not self._bases or len(rows) + len(self._newer) > MOST_NEWER:
            self._bases.clear()
            self._newer.clear()
            self._layered.clear()
            last = connection.scalar(select(func.max(table.ledger_index)).where(*self._known()))
            self._next_index = 0 if last is None else last + 1
        elif rows:
            self._newer.update((each.declaration_id, each) for each in (_lean(row.body) for row in rows))
            self._layered.clear()
            self._next_index = rows[-1].ledger_index + 1

    def open_to(self, connection: Connection, span: Span, policy: Policy | None = None) -> BookingIndex:
        """Every declaration that can be a booking of a passage within the span, under the policy in force there."""
        key = _Key(span, (policy or self._policy).booking)
        if key not in self._bases:
            self._bases[key] = _Base(self._load(connection, key))
            while len(self._bases) > MOST_INDEXES:
                self._layered.pop(self._bases.popitem(last=False)[0], None)
        self._bases.move_to_end(key)
        if not self._newer:
            return self._bases[key].index
        if key not in self._layered:
            self._layered[key] = _LayeredIndex(self._bases[key], self._newer)
        return self._layered[key]

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


class _Base:
    """An index with its declarations by id."""

    def __init__(self, declarations: Iterable[Declaration]) -> None:
        self.by_id = {declaration.declaration_id: declaration for declaration in declarations}
        self.index = BookingIndex(self.by_id.values())


class _LayeredIndex(BookingIndex):
    """An index over newer versions, laid over a large one whose versions of the same declarations it hides."""

    def __init__(self, base: _Base, newer: dict[str, Declaration]) -> None:
        super().__init__(newer.values())
        self._base = base.index
        self._newer: Collection[str] = newer.keys()
        self._hidden = [base.by_id[each] for each in newer if each in base.by_id]

    def __len__(self) -> int:
        return super().__len__() + len(self._base) - len(self._hidden)

    def exact(self, plate: str) -> list[Declaration]:
        return super().exact(plate) + self._not_hidden(self._base.exact(plate))

    def with_container(self, number: str) -> list[Declaration]:
        return super().with_container(number) + self._not_hidden(self._base.with_container(number))

    def near(self, plate: str, edits: int) -> dict[str, list[Declaration]]:
        found = super().near(plate, edits)
        for booked, declarations in self._base.near(plate, edits).items():
            if kept := self._not_hidden(declarations):
                found[booked] = found.get(booked, []) + kept
        return found

    def count_open(self, crossing: Crossing, policy: Policy) -> int:
        hidden = [each for each in self._hidden if _names_vehicle(each) and is_open(each, crossing, policy)]
        return super().count_open(crossing, policy) + self._base.count_open(crossing, policy) - len(hidden)

    def _not_hidden(self, declarations: Iterable[Declaration]) -> list[Declaration]:
        return [each for each in declarations if each.declaration_id not in self._newer]


def _names_vehicle(declaration: Declaration) -> bool:
    """Whether an index counts it: a plate can be compared with it."""
    return bool(normalise(declaration.vehicle_plate) or normalise(declaration.trailer_plate))
