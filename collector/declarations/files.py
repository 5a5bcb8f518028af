"""A CSV or JSON file → its entries, one at a time: memory does not grow with the file."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import BinaryIO, Literal, TextIO

from collector.declarations.rows import BadValue, columns_of, from_cells, from_object
from collector.declarations.values import UnfitError
from collector.errors import CollectorError
from gate_contract.v1.declaration_pb2 import Declaration

FileFormat = Literal["csv", "json"]
Entry = tuple[int, Declaration | list[BadValue]]

CHUNK_CHARACTERS = 1 << 16
MAX_ENTRY_CHARACTERS = 1 << 20  # one JSON entry; a declaration with 999 lines of goods has a tenth of that
AS_JSON = "correct it there, or write the file anew; docs/declarations.md describes the form"
AS_UTF8 = "save it as UTF-8; in Excel: Save As, `CSV UTF-8 (comma delimited)`"

_NO_SPACE = re.compile(r"[^ \t\r\n]")


class DeclarationFileError(CollectorError):
    """The file cannot be read to its end, so nothing of it is imported."""


def read_entries(stream: BinaryIO, file_format: FileFormat) -> Iterator[Entry]:
    """Number and content of each entry in order; an entry that is no declaration is the list of what is wrong.

    A bad CSV header is one entry (row 1), and the only one.

    Raises:
        DeclarationFileError: wrong encoding, broken quotation or syntax: what follows cannot be told apart.
    """
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    try:
        yield from _csv_entries(text) if file_format == "csv" else _json_entries(text)
    except UnicodeDecodeError as error:
        raise DeclarationFileError("The file is not in UTF-8", cause=_encoding(error), fix=AS_UTF8) from None
    finally:
        text.detach()  # the stream is the caller's


def _encoding(error: UnicodeDecodeError) -> str:
    if error.object.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "it is UTF-16, which Excel calls Unicode Text"
    wrong = error.object[error.start : error.start + 8].hex(" ")
    try:
        error.object[error.start : error.start + 2].decode("gb18030")
    except UnicodeDecodeError:
        return f"the bytes {wrong} are no UTF-8"
    return f"the bytes {wrong} are no UTF-8 and look like GBK, which a Chinese Excel writes"


def _csv_entries(text: TextIO) -> Iterator[Entry]:
    rows = csv.reader(text, strict=True)
    number = 1
    try:
        header = next(rows, None)
        if header is None:
            raise DeclarationFileError("The file is empty", fix="its first line must name the columns")
        if len(header) == 1 and (separator := next((mark for mark in ";\t|" if mark in header[0]), None)):
            cause = f"its columns are separated by {separator!r}"
            raise DeclarationFileError("The file is not comma separated", cause=cause, fix=AS_UTF8)
        columns = columns_of(header)
        if isinstance(columns, list):
            yield 1, columns
            return
        for number, cells in enumerate(rows, 2):
            if any(cells):
                yield number, from_cells(number, cells, columns)
    except csv.Error as error:
        cause = f"after row {number}, line {rows.line_num}: {error}"
        fix = 'a quotation mark inside a text is written twice (""), and each one that opens must close'
        raise DeclarationFileError("The file is no well-formed CSV", cause=cause, fix=fix) from None


def _json_entries(text: TextIO) -> Iterator[Entry]:
    yield from ((number, from_object(number, entry)) for number, entry in enumerate(_JsonList(text), 1))


class _JsonList:
    """The entries of a JSON list, decoded one after the other from a text that is read in pieces."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._pending, self._at, self._count = "", 0, 0
        # Numbers stay the text that was written: no binary fraction ever stands in between.
        self._decode = json.JSONDecoder(
            parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_without_repetition
        ).raw_decode

    def __iter__(self) -> Iterator[object]:
        self._expect("[", "the file must be a list of declarations: [{…}, {…}]")
        if self._next() == "]":
            self._at += 1
        else:
            yield self._entry()
            while self._next() == ",":
                self._at += 1
                yield self._entry()
            self._expect("]", "between two entries there must be a comma, and after the last one a ]")
        if self._next():
            raise self._error("something follows after the end of the list")

    def _expect(self, character: str, otherwise: str) -> None:
        if self._next() != character:
            raise self._error(otherwise)
        self._at += 1

    def _next(self) -> str:
        """The next character that is no white space; "" at the end."""
        while (found := _NO_SPACE.search(self._pending, self._at)) is None:
            if not self._more():
                return ""
        self._at = found.start()
        return found.group()

    def _more(self) -> bool:
        chunk = self._text.read(CHUNK_CHARACTERS)
        self._pending, self._at = self._pending[self._at :] + chunk, 0
        return bool(chunk)

    def _entry(self) -> object:
        self._next()
        while True:
            try:
                entry, end = self._decode(self._pending, self._at)
            except (json.JSONDecodeError, UnfitError, RecursionError) as error:
                # What looks broken may only be cut off: try again with more of the file.
                if isinstance(error, json.JSONDecodeError) and self._may_grow():
                    continue
                raise self._error(str(error)) from None
            if end < len(self._pending) or not self._may_grow():
                self._at, self._count = end, self._count + 1
                return entry

    def _may_grow(self) -> bool:
        return len(self._pending) - self._at < MAX_ENTRY_CHARACTERS and self._more()

    def _error(self, cause: str) -> DeclarationFileError:
        where = f"after entry {self._count}: " if self._count else "at its beginning: "
        return DeclarationFileError("The file is no well-formed JSON", cause=where + cause, fix=AS_JSON)


def _without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    entry = dict(pairs)
    if len(entry) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UnfitError(f"the field {twice!r} is there twice in one entry")
    return entry
