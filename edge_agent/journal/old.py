"""What is left of the damaged journal of an older agent: one SQLite file with a row a record, and no checksums.

Its rows are found by their shape on every page. What they are worth is for whoever weighs them against the signed tree.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_agent.journal.remains import played
from edge_agent.journal.salvage.pages import read_record
from edge_agent.journal.segment import connect_to_read

Row = tuple[Any, ...]

NOTE_SIGN = "\n— ".encode()
"""What stands before each signature of a note (C2SP signed-note), and in no record but by rare chance."""

_HEAD = (str, int, bytes, int, bytes, int, int, int)
_INBOX = "SELECT inbox_id, device_id, body FROM inbox ORDER BY inbox_id"
_IN_FLIGHT = "SELECT lane_id, body FROM in_flight"
_SEEN = "SELECT seen_id, device_id, event_id FROM seen_events ORDER BY seen_id"


@dataclass(slots=True)
class OldRemains:
    """Rows of the tables; nothing is proved yet.

    Attributes:
        heads: rows of `head`, without the key.
        records: bytes that may be the record of an index; mostly one, or none.
        notes: bytes that may be the note of a size.
        inbox: (id, device, body).
        in_flight: (lane, body).
        seen: (id, device, event).
        state_is_whole: whether the last three could be read as SQLite reads them.
    """

    heads: list[Row] = field(default_factory=list)
    records: dict[int, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    notes: dict[int, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    inbox: list[Row] = field(default_factory=list)
    in_flight: list[Row] = field(default_factory=list)
    seen: list[Row] = field(default_factory=list)
    state_is_whole: bool = True


def read_old_remains(path: Path) -> OldRemains:
    """Read what is left, without changing anything; OSError goes to the caller."""
    wal = path.with_name(f"{path.name}-wal")
    image = played(path.read_bytes(), wal.read_bytes() if wal.exists() else b"")
    remains = OldRemains()
    for number in range(1, len(image.pages) + 1):
        for cell in image.cells(number)[0]:
            values = read_record(cell.payload) if cell.whole else None
            if values:
                _sort_in(remains, cell.rowid, values)
    # Of these, what was consumed may still stand on pages that are free: SQLite knows, if it can read them.
    try:
        with closing(connect_to_read(path)) as connection:
            inbox, in_flight, seen = (connection.execute(each).fetchall() for each in (_INBOX, _IN_FLIGHT, _SEEN))
    except (sqlite3.Error, UnicodeDecodeError):
        remains.state_is_whole = False
    else:
        remains.inbox, remains.in_flight, remains.seen = inbox, in_flight, seen
    return remains


def _sort_in(remains: OldRemains, rowid: int, values: Sequence[Any]) -> None:
    """Keep a row by its shape; a first column of None stands for the row id."""
    types = tuple(map(type, values))
    if types == (type(None), bytes):
        kind = remains.notes if NOTE_SIGN in values[1] else remains.records
        kind[rowid].append(values[1])
    elif types == (type(None), str, bytes):
        remains.inbox.append((rowid, *values[1:]))
    elif types == (type(None), str, str):
        remains.seen.append((rowid, *values[1:]))
    elif types == (str, bytes):
        remains.in_flight.append(tuple(values))
    elif types == (type(None), *_HEAD):
        remains.heads.append(tuple(values[1:]))
