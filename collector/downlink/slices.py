"""The declarations a site's gates need, in the order they came.

A gate's position says where in the ledger it has got to, and which sailings it was not sent because they had left long
ago by this collector's clock. So when that clock was ahead, and is right again, what was left out is sent after all,
whoever was restarted meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, or_, select

from collector.store.schema import declarations

DAY_NS = 86_400 * 1_000_000_000

KEPT_DAYS = 3
"""Nothing at a gate is judged by a declaration whose sailing left more days ago."""

SPARE_DAYS = 1
"""They are sent for so much longer: a clock that steps back by less has left out nothing that a gate needs."""

INDEX_BITS = 40
"""Of a position: those below hold the ledger index, those above the day. 23 bits of days reach beyond all clocks."""

PAGE = 500
PAGE_BYTES = 1_048_576
"""Declarations and bytes in one message; a single declaration may be larger."""


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where a gate has been served.

    Attributes:
        day: sailings that left before this day (of the Unix epoch) were left out; 0 when none was.
        index: ledger index before which everything else was sent.
    """

    day: int
    index: int

    @classmethod
    def parse(cls, position: int) -> Position:
        """What `pack` made; a bare ledger index, as older collectors gave it, too."""
        return cls(position >> INDEX_BITS, position & ((1 << INDEX_BITS) - 1))

    def pack(self) -> int:
        """As the gate keeps it and gives it back."""
        return self.day << INDEX_BITS | self.index

    def resumed(self, end: int, now_ns: int) -> Position:
        """Where to go on now; `end` is the position of the ledger's end, which a restored collector has lost a part of.

        Where more was left out than may be by now, everything is sent again: gates know what they have.
        """
        today = first_day(now_ns)
        if self.day - today > SPARE_DAYS:
            return Position(today, 0)
        return Position(max(self.day, today), min(self.index, end))


@dataclass(frozen=True, slots=True)
class Page:
    """A few declarations, serialised, and the position after them."""

    bodies: list[bytes]
    position: Position


def first_day(now_ns: int) -> int:
    """Day of the Unix epoch whose sailings are still sent."""
    return max(0, now_ns // DAY_NS - KEPT_DAYS - SPARE_DAYS)


def end_index(connection: Connection) -> int:
    """Ledger index after everything that has come until now."""
    newest = connection.execute(select(func.max(declarations.c.ledger_index))).scalar()
    return 0 if newest is None else int(newest) + 1


def next_page(connection: Connection, site_id: str, position: Position, end: int) -> Page:
    """The next declarations of a site in [position, end), latest versions only; empty, at `end`, when none is left.

    A version that is superseded while a gate fetches is left out: its successor comes at a later position.
    """
    rows = connection.execute(
        select(declarations.c.ledger_index, declarations.c.body)
        .where(
            declarations.c.ledger_index >= position.index,
            declarations.c.ledger_index < end,
            declarations.c.latest,
            declarations.c.site_id == site_id,
            or_(declarations.c.departure_ns == 0, declarations.c.departure_ns >= position.day * DAY_NS),
        )
        .order_by(declarations.c.ledger_index)
        .limit(PAGE)
    ).all()
    bodies: list[bytes] = []
    size = 0
    for row in rows:
        size += len(row.body)
        if bodies and size > PAGE_BYTES:
            return Page(bodies, Position(position.day, int(row.ledger_index)))
        bodies.append(bytes(row.body))
    return Page(bodies, Position(position.day, end if len(rows) < PAGE else int(rows[-1].ledger_index) + 1))
