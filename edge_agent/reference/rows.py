"""Rows of the reference file, each with a checksum (CRC-32): a flipped bit must not become another declaration."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from zlib import crc32

from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.register_pb2 import RegisterItem

_Message = TypeVar("_Message", Declaration, RegisterItem)


@dataclass(frozen=True, slots=True)
class Table(Generic[_Message]):
    """One of the two tables of entries. Statements are made of these names alone."""

    name: str
    key: tuple[str, ...]
    message: type[_Message]

    @property
    def _where(self) -> str:
        return " AND ".join(f"{column} = ?" for column in self.key)

    def marked(self, connection: sqlite3.Connection) -> list[int]:
        """Give the rows of before there were checksums theirs, as they are."""
        columns, marks = ", ".join(self.key), []
        connection.execute(f"ALTER TABLE {self.name} ADD COLUMN crc INTEGER")
        for row in connection.execute(f"SELECT {columns}, version, body FROM {self.name}").fetchall():  # noqa: S608 - our own names
            key: tuple[Any, ...] = row[:-2]
            marks.append(_mark(key, row[-2], row[-1]))
            connection.execute(f"UPDATE {self.name} SET crc = ? WHERE {self._where}", (marks[-1], *key))  # noqa: S608 - our own names
        return marks

    def sound(self, connection: sqlite3.Connection, marks: list[int]) -> tuple[list[_Message], int]:
        """Its entries, and how many are damaged; the checksums of all are added to `marks`."""
        found: list[_Message] = []
        damaged = 0
        columns = ", ".join(self.key)
        for row in connection.execute(f"SELECT {columns}, version, body, crc FROM {self.name}"):  # noqa: S608 - our own names
            version, body, crc = row[-3:]
            marks.append(crc if isinstance(crc, int) else 0)
            if isinstance(body, bytes) and crc == _mark(row[:-3], version, body):
                found.append(self.message.FromString(body))
            else:
                damaged += 1
        return found, damaged

    def write(self, connection: sqlite3.Connection, key: Sequence[Any], entry: _Message | None) -> tuple[int, int]:
        """Put an entry in, or take it out (None); by how much the count and all checksums by exclusive or change."""
        count = mark = 0
        old = connection.execute(f"SELECT crc FROM {self.name} WHERE {self._where}", key).fetchone()  # noqa: S608 - our own names
        if old is not None:
            connection.execute(f"DELETE FROM {self.name} WHERE {self._where}", key)  # noqa: S608 - our own names
            count, mark = -1, old[0]
        if entry is not None:
            body = entry.SerializeToString()
            fresh = _mark(key, entry.version, body)
            row = [*key, entry.version, body, fresh]
            connection.execute(f"INSERT INTO {self.name} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608 - our own names
            count, mark = count + 1, mark ^ fresh
        return count, mark


DECLARATIONS: Final = Table("declarations", ("declaration_id",), Declaration)
ITEMS: Final = Table("items", ("kind", "item_key"), RegisterItem)


def _mark(key: Iterable[Any], version: int, body: bytes) -> int:
    """Checksum of a row."""
    return crc32(body, checksum([*key, version]))


def checksum(values: list[Any]) -> int:
    """Of whole numbers, texts and bytes."""
    return crc32(repr(values).encode())


def mixed(marks: Iterable[int]) -> int:
    """All checksums by exclusive or: one that comes or goes is put in, or taken out, without the others."""
    found = 0
    for mark in marks:
        found ^= mark
    return found
