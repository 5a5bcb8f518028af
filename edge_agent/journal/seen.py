"""Which messages of repeating devices were kept lately. Their rows say which event, as a hash, under a checksum.

So a row that was altered on the disk is never taken for another event: what a camera says for the first time is never
lost as a repetition. One altered bit is found and set right again, so that a repetition is still known for one.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable, Iterator
from zlib import crc32

from edge_agent.journal.segment import FORMAT, SCHEMA, entry_hash

KEPT_EVENTS = 10_000
"""Messages of repeating devices that are remembered; a camera repeats within minutes."""

EVENT_BYTES = 32
ID_BITS = 48
"""Bits of a row id in which an altered one is looked for."""

INSERT = "INSERT OR REPLACE INTO seen VALUES (?, ?, ?)"

Row = tuple[int, int, bytes]
"""Row id, checksum, event."""


def event_of(device_id: str, event_id: str) -> bytes:
    """What a row says of an event."""
    return entry_hash(device_id, event_id)


def row_of(seen_id: int, event: bytes) -> Row:
    """The row in `seen`."""
    return seen_id, _crc(seen_id, event), event


def fits(row: Row) -> bool:
    """Whether a row is as it was written."""
    seen_id, crc, event = row
    return crc == _crc(seen_id, event) and len(event) == EVENT_BYTES


def rows_of(events: Iterable[tuple[int, str, str]]) -> Iterator[Row]:
    """Rows for (row id, device, event id), as older agents kept them."""
    return (row_of(seen_id, event_of(device_id, event_id)) for seen_id, device_id, event_id in events)


def set_right(row: Row) -> Row | None:
    """A row as it was written, with at most one bit of it altered since; None when more was."""
    if fits(row):
        return row
    seen_id, crc, event = row
    if len(event) != EVENT_BYTES or seen_id < 0:
        return None
    if (crc ^ _crc(seen_id, event)).bit_count() == 1:
        return row_of(seen_id, event)
    number = int.from_bytes(event)
    events = ((seen_id, (number ^ 1 << bit).to_bytes(EVENT_BYTES)) for bit in range(8 * EVENT_BYTES))
    ids = ((seen_id ^ 1 << bit, event) for bit in range(ID_BITS))
    return next((row_of(*each) for each in (*events, *ids) if _crc(*each) == crc), None)


def upgrade(connection: sqlite3.Connection) -> None:
    """Bring a segment of an agent whose rows had no checksum to this format, in one transaction."""
    if connection.execute("PRAGMA user_version").fetchone()[0] == FORMAT:
        return
    connection.execute("BEGIN IMMEDIATE")
    events = connection.execute("SELECT seen_id, device_id, event_id FROM seen_events ORDER BY seen_id").fetchall()
    connection.execute(SCHEMA[-1])
    connection.executemany(INSERT, rows_of(events))
    connection.execute("DROP TABLE seen_events")
    connection.execute(f"PRAGMA user_version={FORMAT}")
    connection.execute("COMMIT")


def forgotten(seen_id: int) -> int:
    """Row id up to which events are forgotten when this one is kept."""
    return seen_id - KEPT_EVENTS


class Seen:
    """The events that are remembered, oldest first. What it says does not depend on the disk any more."""

    def __init__(self, rows: Iterable[Row]) -> None:
        """From the rows of the active segment, by rising row id."""
        self._ids = {event: seen_id for seen_id, _, event in rows}

    def __contains__(self, event: bytes) -> bool:
        """Whether it is remembered."""
        return event in self._ids

    def next_id(self) -> int:
        """Row id for the next one."""
        return self._ids[next(reversed(self._ids))] + 1 if self._ids else 1

    def add(self, seen_id: int, event: bytes) -> None:
        """Remember one that was kept, and forget the oldest beyond KEPT_EVENTS."""
        self._ids[event] = seen_id
        while self._ids[oldest := next(iter(self._ids))] <= forgotten(seen_id):
            del self._ids[oldest]


def _crc(seen_id: int, event: bytes) -> int:
    return crc32(event, crc32(struct.pack(">q", seen_id)))
