"""Declarations in memory, ready to be searched by plate; kept up to date without being made anew for each arrival."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from collector.store import schema
from gate_contract.rules import BookingIndex, Policy
from gate_contract.rules.bookings import HOUR, Crossing, is_open
from gate_contract.rules.plates import normalise
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
        """`policy` says how long a declaration is a booking."""
        self._policy = policy
        self._bases: OrderedDict[Span, _Base] = OrderedDict()
        self._layered: dict[Span, BookingIndex] = {}
        self._newer: dict[str, Declaration] = {}
        self._next_index = 0

    def refresh(self, connection: Connection) -> None:
        """Learn of versions that came since the last call. Call it first in each transaction."""
        table = schema.declarations.c
        query = select(table.body, table.ledger_index).where(table.ledger_index >= self._next_index)
        rows = connection.execute(query.order_by(table.ledger_index).limit(MOST_NEWER + 1)).all() if self._bases else []
        if not self._bases or len(rows) + len(self._newer) > MOST_NEWER:
            self._bases.clear()
            self._newer.clear()
            self._layered.clear()
            last = connection.scalar(select(func.max(table.ledger_index)))
            self._next_index = 0 if last is None else last + 1
        elif rows:
            self._newer.update((each.declaration_id, each) for each in (_lean(row.body) for row in rows))
            self._layered.clear()
            self._next_index = rows[-1].ledger_index + 1

    def open_to(self, connection: Connection, span: Span) -> BookingIndex:
        """Every declaration that can be a booking of a passage within the span."""
        if span not in self._bases:
            self._bases[span] = _Base(self._load(connection, span))
            while len(self._bases) > MOST_INDEXES:
                self._layered.pop(self._bases.popitem(last=False)[0], None)
        self._bases.move_to_end(span)
        if not self._newer:
            return self._bases[span].index
        if span not in self._layered:
            self._layered[span] = _LayeredIndex(self._bases[span], self._newer)
        return self._layered[span]

    def _load(self, connection: Connection, span: Span) -> Iterable[Declaration]:
        table, booking = schema.declarations.c, self._policy.booking
        around = booking.departure_window_hours * HOUR
        lodged_from = span.first_ns - booking.lodged_before_hours * HOUR
        lodged_to = span.last_ns + booking.lodged_after_hours * HOUR
        times: ColumnElement[bool] = or_(
            and_(table.departure_ns > 0, table.departure_ns.between(span.first_ns - around, span.last_ns + around)),
            and_(table.departure_ns == 0, table.lodged_ns.between(lodged_from, lodged_to)),
            and_(table.departure_ns == 0, table.lodged_ns == 0),
        )
        query = select(table.body).where(table.latest, times)
        if span.site_id:
            query = query.where(table.site_id.in_((span.site_id, "")))
        return (_lean(row.body) for row in connection.execute(query.execution_options(yield_per=1000)))


def _lean(body: bytes) -> Declaration:
    """What a plate is matched and a weight is judged with; goods and declarant would only fill memory."""
    declaration = Declaration.FromString(body)
    declaration.ClearField("goods")
    declaration.ClearField("declarant_id")
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
