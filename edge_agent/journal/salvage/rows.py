"""Rows of a segment by their shape, wherever in the file they are, and records by their hash. Pure."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice, product
from typing import Any

from edge_agent.journal.salvage.pages import MAX_PAYLOAD, TREE_PAGES, Cell, Image, local_bytes, read_record
from gate_contract.envelope import MAX_RECORD_BYTES

RECORD_TAG = 0x12
"""Field 2 of a Batch, length-delimited: what a record begins with as it stands on the wire."""

MOST_SEARCHED = 64
"""Pages that are searched byte by byte."""

MAX_JOINS = 256
"""Pairs of a broken chain and a piece without a beginning that are tried."""

Row = tuple[Any, ...]
"""The key and the columns after it, of the types that its table's shape says."""


@dataclass(slots=True)
class Found:
    """Rows by table; the key is the row id. Nothing here is proved yet."""

    commits: list[Row] = field(default_factory=list)
    heads: list[Row] = field(default_factory=list)
    inbox: dict[int, Row] = field(default_factory=dict)
    seen: dict[int, Row] = field(default_factory=dict)
    seen_events: dict[int, Row] = field(default_factory=dict)
    in_flight: dict[int, Row] = field(default_factory=dict)
    losses: dict[int, Row] = field(default_factory=dict)
    lost: dict[int, Row] = field(default_factory=dict)
    damaged_pages: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the columns after the key are, and where a row of it goes."""

    types: tuple[type | tuple[type, ...], ...]
    keep: Callable[[Found, Row], Any]


_HEAD = (int, str, (bytes, type(None)), int, bytes, int, bytes, int, int, int, int, int, bytes)
_SHAPES = (
    _Shape((int, int, bytes, bytes), lambda found, row: found.commits.append(row)),
    _Shape(_HEAD, lambda found, row: found.heads.append(row)),
    _Shape((str, bytes, bytes), lambda found, row: found.inbox.setdefault(row[0], row)),
    _Shape((int, bytes), lambda found, row: found.seen.setdefault(row[0], row)),
    _Shape((str, str), lambda found, row: found.seen_events.setdefault(row[0], row)),
    _Shape((bytes, str, bytes), lambda found, row: found.in_flight.setdefault(row[0], row)),
    _Shape((bytes, bytes), lambda found, row: found.losses.setdefault(row[0], row)),
    _Shape(((bytes, type(None)),), lambda found, row: found.lost.setdefault(row[0], row)),
)


def find_rows(image: Image) -> Found:
    """Rows that stand where SQLite would find them: what was deleted is not among them."""
    found = Found()
    for number in range(1, len(image.pages) + 1):
        cells, sound = image.cells(number)
        for cell in cells:
            sound &= _sort_in(found, cell) or number == 1  # page 1 holds the names of the tables
        if not sound:
            found.damaged_pages.append(number)
    return found


def search_rows(image: Image, numbers: Iterable[int], found: Found) -> None:
    """Look for rows at every offset of damaged pages; what stood there before and was deleted may be among them."""
    for number in numbers:
        for cell in image.searched(number):
            _sort_in(found, cell)


def _sort_in(found: Found, cell: Cell) -> bool:
    """Keep a cell's row by its shape; False for a shape that no table has."""
    values = read_record(cell.payload)
    if values is None or not values or values[0] is not None:
        return False
    for shape in _SHAPES:
        if len(values) == len(shape.types) + 1 and all(map(isinstance, values[1:], shape.types)):
            shape.keep(found, (cell.rowid, *values[1:]))
            return True
    return False


# --- records ---------------------------------------------------------------------------------------------------------


def carve(stream: bytes, wanted: Mapping[bytes, Sequence[int]]) -> Iterator[tuple[bytes, bytes]]:
    """(leaf hash, record) of the wanted records that stand encoded in a stream, wherever they begin."""
    at = stream.find(RECORD_TAG)
    while at >= 0:
        record, end = _record_at(stream, at)
        leaf = sha256(b"\x00" + record).digest() if record is not None else b""
        if record is not None and leaf in wanted:
            yield leaf, record
            at = stream.find(RECORD_TAG, end)
        else:
            at = stream.find(RECORD_TAG, at + 1)


def _record_at(stream: bytes, at: int) -> tuple[bytes | None, int]:
    size = shift = 0
    for step in range(at + 1, min(at + 4, len(stream))):
        size |= (stream[step] & 0x7F) << shift
        shift += 7
        if stream[step] < 0x80:  # noqa: PLR2004 - the top bit says that more follows
            end = step + 1 + size
            return (stream[step + 1 : end], end) if size <= MAX_RECORD_BYTES and end <= len(stream) else (None, end)
    return None, at


def streams(image: Image, others: Sequence[bytes], settled: Container[int]) -> Iterator[bytes]:
    """Everything in which an encoded record may stand whole, most likely first.

    Payloads of cells, pages as they lie one after the other, pieces of chains joined with one another; then `others`,
    pages that were replaced. Cells whose row id is in `settled`, and the pages behind them, are left out.
    """
    by_page = [image.cells(number) for number in range(1, len(image.pages) + 1)]
    claimed = {page for cells, _ in by_page for cell in cells if cell.rowid in settled for page in cell.chain}
    cells = [cell for cells, _ in by_page for cell in cells if cell.rowid not in settled]
    free = [number for number in range(1, len(image.pages) + 1) if number not in claimed]
    yield from (cell.payload for cell in cells)
    yield from (image.pages[number - 1] for number in free)
    yield _side_by_side([image.pages[number - 1] for number in free])
    yield from _joined(image, free, [cell for cell in cells if cell.chain or not cell.whole])
    yield from others
    yield _side_by_side(others)
    unread = [
        number
        for number in free
        if (image.pages[number - 1][0] in TREE_PAGES and not by_page[number - 1][0]) or not by_page[number - 1][1]
    ]
    searched = [cell for number in unread[:MOST_SEARCHED] for cell in image.searched(number) if cell.chain]
    yield from (cell.payload for cell in searched)
    yield from _joined(image, free, searched)


def _side_by_side(pages: Sequence[bytes]) -> bytes:
    """Overflow pages are mostly allocated in a row: their contents as they lie."""
    return b"".join(page[4:] for page in pages if page[0] not in TREE_PAGES)


def _joined(image: Image, free: Sequence[int], cells: Sequence[Cell]) -> Iterator[bytes]:
    """Pieces of chains without a beginning, and joined to each row that may go on there."""
    pointed = {int.from_bytes(image.pages[number - 1][:4]) for number in free}
    pointed |= {cell.chain[0] for cell in cells if cell.chain}
    heads = [number for number in free if image.pages[number - 1][0] not in TREE_PAGES and number not in pointed]
    pieces = [b"".join(image.pages[each - 1][4:] for each in image.chain(head, MAX_PAYLOAD)) for head in heads]
    yield from pieces
    for start, piece in islice(product(cells, pieces), MAX_JOINS):
        yield start.payload + piece
        yield start.payload[: local_bytes(start.size)] + piece
    for number, (head, piece) in product(free, zip(heads, pieces, strict=True)):
        # Where a row's own numbers are damaged: what stands before the number of the piece's first page.
        at = image.pages[number - 1].rfind(head.to_bytes(4))
        if at > 0:
            yield image.pages[number - 1][:at] + piece
