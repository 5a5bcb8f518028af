"""SQLite's pages: cells of table leaves and the payloads behind them, with their overflow chains. Pure.

Format: https://sqlite.org/fileformat2.html, sections 1.5, 1.6 and 2.1. Nothing is trusted: every number is checked
before it is followed, and a page that does not read as it should is searched byte by byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

PAGE_BYTES = 4096
TABLE_LEAF = 0x0D
TREE_PAGES = (0x02, 0x05, 0x0A, TABLE_LEAF)
MOST_LOCAL = PAGE_BYTES - 35
LEAST_LOCAL = (PAGE_BYTES - 12) * 32 // 255 - 23
LINKED = PAGE_BYTES - 4
"""Payload bytes in an overflow page; its first four are the number of the next."""

MAX_PAYLOAD = 1 << 24
Value = int | str | bytes | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of a table as far as it can be had.

    Attributes:
        rowid: its key.
        payload: its record; shorter than it was when its overflow chain is broken.
        size: how long the record was.
        chain: the overflow pages that were followed.
    """

    rowid: int
    payload: bytes
    size: int
    chain: tuple[int, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing of the payload is missing."""
        return len(self.payload) == self.size


class Image:
    """The database's pages as they would be with its log played in; numbers count from 1."""

    def __init__(self, pages: Sequence[bytes]) -> None:
        """`pages` are PAGE_BYTES each."""
        self.pages = pages

    def page(self, number: int) -> bytes | None:
        """A page; None when there is none of that number."""
        return self.pages[number - 1] if 0 < number <= len(self.pages) else None

    def cells(self, number: int) -> tuple[list[Cell], bool]:
        """Cells of a table leaf by its cell pointers, and whether all of the page reads as it should."""
        page = self.pages[number - 1]
        start = 100 if number == 1 else 0
        if page[start] != TABLE_LEAF:
            # Not of a tree: an overflow or free page, which begins with the number of another one.
            return [], page[start] in TREE_PAGES or int.from_bytes(page[:4]) <= len(self.pages)
        count = int.from_bytes(page[start + 3 : start + 5])
        if start + 8 + 2 * count > PAGE_BYTES:
            return [], False
        found: list[Cell] = []
        for at in range(start + 8, start + 8 + 2 * count, 2):
            cell = self.cell(page, int.from_bytes(page[at : at + 2]))
            if cell is not None:
                found.append(cell)
        return found, len(found) == count

    def cell(self, page: bytes, offset: int) -> Cell | None:
        """The cell at an offset of a table leaf; None when none can be there."""
        head = read_varint(page, offset)
        key = read_varint(page, head[1]) if head else None
        if head is None or key is None or not 0 < head[0] <= MAX_PAYLOAD:
            return None
        size, (rowid, start) = head[0], key
        local = local_bytes(size)
        if start + local + (4 if local < size else 0) > PAGE_BYTES:
            return None
        payload = page[start : start + local]
        if local == size:
            return Cell(_signed(rowid), payload, size, ())
        following = int.from_bytes(page[start + local : start + local + 4])
        chain = self.chain(following, size - local)
        linked = b"".join(self.pages[number - 1][4:] for number in chain)
        return Cell(_signed(rowid), payload + linked[: size - local], size, tuple(chain))

    def chain(self, number: int, wanted: int) -> list[int]:
        """Overflow pages from one on, until `wanted` bytes are in them or the next number cannot be."""
        found: list[int] = []
        while len(found) * LINKED < wanted and number not in found:
            page = self.page(number)
            if page is None:
                break
            found.append(number)
            number = int.from_bytes(page[:4])
        return found

    def searched(self, number: int) -> Iterator[Cell]:
        """Cells at every offset of a page where one might begin."""
        page = self.pages[number - 1]
        for offset in range(PAGE_BYTES - 4):
            # The shortest record of ours has a header of three bytes; one that begins with a zero is none.
            if page[offset] and (cell := self.cell(page, offset)) is not None:
                yield cell


def read_record(payload: bytes) -> list[Value] | None:
    """The columns of a record; None when it is none. A last blob that was cut off is given as far as it goes."""
    head = read_varint(payload, 0)
    if head is None or not 1 < head[0] <= len(payload):
        return None
    end, at = head
    types: list[int] = []
    while at < end:
        kind = read_varint(payload, at)
        if kind is None:
            return None
        types.append(kind[0])
        at = kind[1]
    values: list[Value] = []
    for kind_ in types:
        size = content_bytes(kind_)
        if size is None or at > len(payload):
            return None
        value = _value(kind_, payload[at : at + size])
        if value is _NOT_TEXT:
            return None
        values.append(value)  # type: ignore[arg-type] # the only object() that is no Value is excluded
        at += size
    return values


def local_bytes(size: int) -> int:
    """How much of a payload is in the leaf itself (section 1.6)."""
    if size <= MOST_LOCAL:
        return size
    rest = LEAST_LOCAL + (size - LEAST_LOCAL) % LINKED
    return rest if rest <= MOST_LOCAL else LEAST_LOCAL


def read_varint(data: bytes, at: int) -> tuple[int, int] | None:
    """A variable-length integer and where it ends; None when the data does."""
    value = 0
    for step in range(8):
        if at + step >= len(data):
            return None
        byte = data[at + step]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004 - the top bit says that more follows
            return value, at + step + 1
    if at + 8 >= len(data):
        return None
    return value << 8 | data[at + 8], at + 9


def content_bytes(kind: int) -> int | None:
    """Bytes of a value by its serial type (section 2.1); None for types that are not in use."""
    if kind >= 12:  # noqa: PLR2004 - blobs are even, texts odd
        return (kind - 12) // 2
    return (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, None, None)[kind]


_NOT_TEXT = object()


def _value(kind: int, data: bytes) -> object:
    if kind == 0:
        return None
    if kind in (8, 9):
        return kind - 8
    if kind < 12:  # noqa: PLR2004 - numbers; we write no fractions, so that one is read as an integer is no harm
        return int.from_bytes(data, signed=True)
    if kind % 2 == 0:
        return data
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _NOT_TEXT


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value
