"""A CSV or JSON file → its entries, one at a time: memory does not grow with the file.

What the entries are is for a `Form` to say: declarations here, items of registers in collector.registers.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Literal, Protocol, TextIO, TypeVar

from collector.declarations import rows
from collector.declarations.reader import BadValue
from collector.declarations.values import UnfitError
from collector.errors import CollectorError
from gate_contract.v1.declaration_pb2 import Declaration

FileFormat = Literal["csv", "json"]
Entry = tuple[int, Declaration | list[BadValue]]

CHUNK_CHARACTERS = 1 << 16
MAX_ENTRY_CHARACTERS = 1 << 20  # one JSON entry; a declaration with 999 lines of goods has a tenth of that
AS_JSON = "correct it there, or write the file anew; docs/declarations.md describes the form"
AS_UTF8 = "save it as UTF-8; in Excel: Save As, `CSV UTF-8 (comma delimited)`"

Read_co = TypeVar("Read_co", covariant=True)

_NO_SPACE = re.compile(r"[^ \t\r\n]")


class DeclarationFileError(CollectorError):
    """The file cannot be read to its end, so nothing of it is imported."""


class Form(Protocol[Read_co]):
    """What the rows of a file are read into."""

    def columns_of(self, header: Sequence[str]) -> tuple[str, ...] | list[BadValue]:
        """Read a CSV header: the columns in their order, or what is wrong."""

    def from_cells(self, row: int, cells: Sequence[str], columns: Sequence[str]) -> Read_co | list[BadValue]:
        """One CSV row. Never raises: what is wrong with it is returned, all of it."""

    def from_object(self, row: int, entry: object) -> Read_co | list[BadValue]:
        """One entry of a JSON list, its numbers as text. Never raises."""


@dataclass(frozen=True, slots=True)
class DeclarationForm:
    """Rows are declarations; their drivers become `pseudonyms`."""

    pseudonyms: rows.Pseudonyms = rows.no_pseudonyms

    def columns_of(self, header: Sequence[str]) -> tuple[str, ...] | list[BadValue]:
        """See Form."""
        return rows.columns_of(header)

    def from_cells(self, row: int, cells: Sequence[str], columns: Sequence[str]) -> Declaration | list[BadValue]:
        """See Form."""
        return rows.from_cells(row, cells, columns, self.pseudonyms)

    def from_object(self, row: int, entry: object) -> Declaration | list[BadValue]:
        """See Form."""
        return rows.from_object(row, entry, self.pseudonyms)


def read_entries(
    stream: BinaryIO, file_format: FileFormat, pseudonyms: rows.Pseudonyms = rows.no_pseudonyms
) -> Iterator[Entry]:
    """The entries of a file of declarations, see read_rows."""
    return read_rows(stream, file_format, DeclarationForm(pseudonyms))


def read_rows(
    stream: BinaryIO, file_format: FileFormat, form: Form[Read_co]
) -> Iterator[tuple[int, Read_co | list[BadValue]]]:
    """Number and content of each entry in order; an entry that does not fit is the list of what is wrong.

    A bad CSV header is one entry (row 1), and the only one.

    Raises:
        DeclarationFileError: wrong encoding, broken quotation or syntax: what follows cannot be told apart.
    """
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    try:
        yield from _csv_entries(text, form) if file_format == "csv" else _json_entries(text, form)
    except UnicodeDecodeError as error:
        raise DeclarationFileError("The file is not in UTF-8", cause=_encoding(error), fix=AS_UTF8) from None
    finally:
        text.detach()  # the stream is the caller's


def _encoding(error: UnicodeDecodeError) -> str:
    if error.object.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "it is UTF-16, which Excel calls Unicode Text"
    wrong = f"{error.object[error.start]:02x}"  # no more of it: it may be somebody's name
    try:
        error.object[error.start : error.start + 2].decode("gb18030")
    except UnicodeDecodeError:
        return f"the byte {wrong} is no UTF-8"
    return f"the byte {wrong} is no UTF-8 and looks like GBK, which a Chinese Excel writes"


def _csv_entries(text: TextIO, form: Form[Read_co]) -> Iterator[tuple[int, Read_co | list[BadValue]]]:
    lines = csv.reader(text, strict=True)
    number = 1
    try:
        header = next(lines, None)
        if header is None:
            raise DeclarationFileError("The file is empty", fix="its first line must name the columns")
        if len(header) == 1 and (separator := next((mark for mark in ";\t|" if mark in header[0]), None)):
            cause = f"its columns are separated by {separator!r}"
            raise DeclarationFileError("The file is not comma separated", cause=cause, fix=AS_UTF8)
        columns = form.columns_of(header)
        if isinstance(columns, list):
            yield 1, columns
            return
        for number, cells in enumerate(lines, 2):
            if any(cells):
                yield number, form.from_cells(number, cells, columns)
    except csv.Error as error:
        cause = f"after row {number}, line {lines.line_num}: {error}"
        fix = 'a quotation mark inside a text is written twice (""), and each one that opens must close'
        raise DeclarationFileError("The file is no well-formed CSV", cause=cause, fix=fix) from None


def _json_entries(text: TextIO, form: Form[Read_co]) -> Iterator[tuple[int, Read_co | list[BadValue]]]:
    yield from ((number, form.from_object(number, entry)) for number, entry in enumerate(_JsonList(text), 1))


class _JsonList:
    """The entries of a JSON list, or of JSON lines, decoded one after the other from a text that is read in pieces."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._pending, self._at, self._count = "", 0, 0
        # Numbers stay the text that was written: no binary fraction ever stands in between.
        self._decode = json.JSONDecoder(
            parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_without_repetition
        ).raw_decode

    def __iter__(self) -> Iterator[object]:
        if self._next() == "{":
            while self._next() == "{":
                yield self._entry()
            if self._next():
                raise self._error("between two objects there must be a line break and nothing else")
            return
        self._expect("[", "the file must be a list, [{…}, {…}], or one object on each line")
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
