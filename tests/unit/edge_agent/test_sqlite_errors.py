"""Whose fault it is decides whether a file is mended or left alone."""

from __future__ import annotations

import sqlite3

import pytest

from edge_agent.sqlite_errors import is_full, is_of_the_system, is_read_only, says_damaged


def error(code: int) -> sqlite3.Error:
    found = sqlite3.OperationalError("x")
    found.sqlite_errorcode = code
    return found


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_CANTOPEN_ISDIR])
def test_what_the_system_does_says_nothing_of_the_file(code: int) -> None:
    assert is_of_the_system(error(code))
    assert not says_damaged(error(code))


@pytest.mark.parametrize(
    "found",
    [
        error(sqlite3.SQLITE_CORRUPT_INDEX),
        error(sqlite3.SQLITE_NOTADB),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"),
    ],
)
def test_what_is_damaged_is_told_from_it(found: Exception) -> None:
    assert says_damaged(found)
    assert not is_of_the_system(found)


def test_an_error_without_a_code_is_nobodys() -> None:
    found = sqlite3.ProgrammingError("x")
    assert not any(judge(found) for judge in (is_of_the_system, says_damaged, is_full, is_read_only))


def test_the_disk_is_full_and_a_file_may_only_be_read() -> None:
    assert is_full(error(sqlite3.SQLITE_FULL))
    assert is_read_only(error(sqlite3.SQLITE_READONLY_DIRECTORY))
