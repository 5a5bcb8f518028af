"""Whose fault an error of SQLite is: the file's, or that of the disk, the system or another program. Pure.

By primary result codes (https://sqlite.org/rescode.html), the low eight bits of what an error carries.
"""

from __future__ import annotations

import sqlite3
from typing import Final

OF_THE_SYSTEM: Final = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_MISUSE,
    }
)
"""They say nothing about what is in the file: the disk, or whoever uses it, is in the way."""

_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_of_the_system(error: Exception) -> bool:
    """Whether the file may be sound; False also for errors without a code, such as a value that is none."""
    return _primary(error) in OF_THE_SYSTEM


def is_read_only(error: Exception) -> bool:
    """Whether SQLite only reads the file: it could not open it for writing once, and stays so until it is closed."""
    return _primary(error) == sqlite3.SQLITE_READONLY


def is_full(error: Exception) -> bool:
    """Whether the disk took nothing more."""
    return _primary(error) == sqlite3.SQLITE_FULL


def says_damaged(error: Exception) -> bool:
    """Whether SQLite finds the file damaged, or a text in it is none."""
    return isinstance(error, UnicodeDecodeError) or _primary(error) in _DAMAGED


def _primary(error: Exception) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF
