"""The queue of passages to be judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from sqlalchemy import Connection, insert, select

from collector.reconcile.turns import STEP_NS
from collector.store import schema

AT_ONCE = 500  # values in one statement; SQLite allows 32,766 parameters

Item = TypeVar("Item")


def queue_again(connection: Connection, reasons: Mapping[str, str], now_unix_ns: int) -> int:
    """Queue passages, by id with the reason, in the caller's write transaction; how many were added.

    One that waits already stays as it is: it will be judged by what is known then. The others take turns with the live
    passages that come meanwhile: thousands that are judged again do not hold up a truck.
    """
    table = schema.to_judge
    added = 0
    for portion in portions(reasons, AT_ONCE):
        waiting = set(connection.scalars(select(table.c.passage_id).where(table.c.passage_id.in_(portion))))
        rows = [
            {
                "passage_id": passage_id,
                "queued_ns": now_unix_ns,
                "turn": now_unix_ns + (added + number) * STEP_NS,
                "reason": reasons[passage_id],
            }
            for number, passage_id in enumerate(each for each in portion if each not in waiting)
        ]
        if rows:
            connection.execute(insert(table), rows)
        added += len(rows)
    return added


def portions(items: Iterable[Item], size: int) -> Iterator[Sequence[Item]]:
    """The items in order, `size` at a time."""
    rest = iter(items)
    while portion := list(islice(rest, size)):
        yield portion


def position(connection: Connection, name: str) -> int:
    """How far the reader `name` of an ordered table has come: the next index it has not seen."""
    found = connection.scalar(select(schema.cursors.c.position).where(schema.cursors.c.name == name))
    return found or 0


def advance(connection: Connection, name: str, to: int) -> None:
    """Note how far the reader `name` has come, in the caller's write transaction."""
    table = schema.cursors
    if not connection.execute(table.update().where(table.c.name == name).values(position=to)).rowcount:
        connection.execute(insert(table), {"name": name, "position": to})
