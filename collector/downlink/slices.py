"""The declarations a site's gates need, in the order they came."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, or_, select

from collector.store.schema import declarations

KEPT_NS = 3 * 86_400 * 1_000_000_000
"""Declarations of sailings that left longer ago are not sent: nothing at a gate is judged by them any more."""

PAGE = 500
PAGE_BYTES = 1_048_576
"""Declarations and bytes in one message; a single declaration may be larger."""


@dataclass(frozen=True, slots=True)
class Page:
    """A few declarations, serialised, and the position after them."""

    bodies: list[bytes]
    position: int


def end_position(connection: Connection) -> int:
    """Position after everything that has come until now."""
    newest = connection.execute(select(func.max(declarations.c.ledger_index))).scalar()
    return 0 if newest is None else int(newest) + 1


def next_page(connection: Connection, site_id: str, position: int, end: int, now_ns: int) -> Page:
    """The next declarations of a site in [position, end), latest versions only; empty, at `end`, when none is left.

    A version that is superseded while a gate fetches is left out: its successor comes at a later position.
    """
    rows = connection.execute(
        select(declarations.c.ledger_index, declarations.c.body)
        .where(
            declarations.c.ledger_index >= position,
            declarations.c.ledger_index < end,
            declarations.c.latest,
            declarations.c.site_id == site_id,
            or_(declarations.c.departure_ns == 0, declarations.c.departure_ns >= now_ns - KEPT_NS),
        )
        .order_by(declarations.c.ledger_index)
        .limit(PAGE)
    ).all()
    bodies: list[bytes] = []
    size = 0
    for row in rows:
        size += len(row.body)
        if bodies and size > PAGE_BYTES:
            return Page(bodies, int(row.ledger_index))
        bodies.append(bytes(row.body))
    return Page(bodies, end if len(rows) < PAGE else int(rows[-1].ledger_index) + 1)
