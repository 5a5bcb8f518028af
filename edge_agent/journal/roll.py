"""Beginning the next segment: made beside the others with a copy of the state, and counted with one rename."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from edge_agent.errors import JournalError
from edge_agent.journal.chain import Chain
from edge_agent.journal.files import PART
from edge_agent.journal.segment import STATE_TABLES, Head, create, finish


def begin_segment(chain: Chain, head: Head, state: sqlite3.Connection | None = None) -> None:
    """Let a new segment be the active one, that goes on at `head` with a copy of the state in `state`.

    OSError and sqlite3.Error go to the caller, who must then call `undo_begun`.
    """
    first_index = head.frontier.size
    path = chain.segment(first_index)
    part = path.with_name(f"{path.name}{PART}")
    with closing(create(part, head)) as connection:
        if state is not None:
            copy_state(state, connection)
        finish(connection)
    chain.add(part, first_index)


def undo_begun(chain: Chain, first_index: int) -> None:
    """Remove what there is of a segment that could not be begun: two that go on at the same record must never be."""
    path = chain.segment(first_index)
    try:
        for each in (path, *path.parent.glob(f"{path.name}{PART}*")):
            each.unlink(missing_ok=True)
    except OSError as error:
        raise JournalError(
            f"the journal {chain.directory} can begin no new segment, nor remove what it began",
            cause=error.strerror or str(error),
            fix="look at the disk's health",
        ) from error


def copy_state(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Give a new segment the state beside the records."""
    for table in STATE_TABLES:
        rows = source.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - our own table names
        if rows:
            target.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(rows[0]))})", rows)  # noqa: S608 - the same
