"""The fields of one row or object of a file, read one by one; what is wrong is gathered, all of it. Pure and total."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TypeVar

from collector.declarations.values import UnfitError

SHOWN = 80  # characters of a wrong value that are repeated in a report

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class BadValue:
    """One thing wrong with a row.

    Attributes:
        row: as a spreadsheet counts, the header being row 1; in JSON, the position in the list, the first being 1.
        field: name of the field or column; "" when it is the row as a whole.
        value: as it stands there, at most 80 characters of it.
        reason: what is wrong and what to write instead.
    """

    row: int
    field: str
    value: str
    reason: str


class FieldReader:
    """Reads the fields of one row and gathers what is wrong."""

    def __init__(self, row: int, entry: Mapping[str, object], required: Mapping[str, str]) -> None:
        """`required`: what to complain of, by the name of a field that is not given."""
        self.bad: list[BadValue] = []
        self.row, self.entry = row, entry
        self.required = dict(required)

    def refuse_unknown(self, entry: Mapping[str, object], known: Sequence[str], within: str = "") -> None:
        """Names that are no field are taken for slips."""
        for name, value in entry.items():
            if name not in known:
                self.refuse(within + name, value, f"unknown field{closest(name, known)}")

    def field(self, name: str, read: Callable[[str], Value], absent: Value) -> Value:
        """A field by its name; `absent` when it is not given or not fit."""
        return self.read(name, self.entry.get(name), read, absent, required=self.required.get(name, ""))

    def read(self, label: str, value: object, read: Callable[[str], Value], absent: Value, *, required: str) -> Value:
        """One value; `absent` when it is not given or not fit. `required` is the complaint when it is not given."""
        if value is not None and not isinstance(value, str):
            self.refuse(label, value, "is neither text nor a number")
            return absent
        text = (value or "").strip()
        if not text:
            if required:
                self.refuse(label, "", required)
            return absent
        try:
            return read(text)
        except UnfitError as error:
            self.refuse(label, text, str(error))
            return absent

    def secret(self, label: str, value: object, read: Callable[[str], str], *, required: str = "is required") -> str:
        """A value of a person, as `read`; what is wrong with it is told without repeating it. "" when it is not fit."""
        before = len(self.bad)
        found = self.read(label, value, read, "", required=required)
        self.bad[before:] = [replace(each, value="…" if each.value else "") for each in self.bad[before:]]
        return found

    def list(self, label: str, value: object, longest: int) -> list[object]:
        """A list; empty when it is not given or not fit."""
        if value is None:
            return []
        if not isinstance(value, list):
            self.refuse(label, value, "is not a list")
            return []
        if len(value) > longest:
            self.refuse(label, f"{len(value)} entries", f"holds more than {longest} entries")
            return []
        return value

    def refuse(self, field: str, value: object, reason: str) -> None:
        """Note what is wrong."""
        self.bad.append(BadValue(self.row, shown(field), shown(value), reason))


def shown(value: object) -> str:
    """A wrong value as a report can print it: short, and with nothing that a terminal would obey."""
    text = value if isinstance(value, str) else repr(value)
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def closest(name: str, known: Sequence[str]) -> str:
    """What was meant by a name that is not known, or what is known, to follow a complaint."""
    close = get_close_matches(name.lower().replace(" ", "_"), known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}"


def read_header(
    header: Sequence[str], fields: Sequence[str], required: Sequence[str], *, personal: bool = False
) -> tuple[str, ...] | list[BadValue]:
    """Read a CSV header: the columns in their order, or what is wrong. Optional columns may be absent.

    `personal`: where the header was forgotten its place is a person's; unknown names are told without repeating them.
    """
    names = [cell.strip() for cell in header]
    bad = [
        BadValue(1, "…", "…", f"unknown column; known are {', '.join(fields)}")
        if personal
        else BadValue(1, name, shown(name), f"unknown column{closest(name, fields)}")
        for name in names
        if name not in fields
    ]
    bad += [BadValue(1, name, name, "the column is there more than once") for name in fields if names.count(name) > 1]
    bad += [BadValue(1, name, "", "the required column is missing") for name in required if name not in names]
    return bad or tuple(names)


def cells_by_column(
    row: int, cells: Sequence[str], columns: Sequence[str], *, personal: bool = False
) -> dict[str, object] | list[BadValue]:
    """A CSV row's cells under the names of their columns; a `personal` row is never repeated."""
    if len(cells) == len(columns):
        return dict(zip(columns, cells, strict=True))
    why = f"the row has {len(cells)} cells and the header {len(columns)}: a text with a comma needs quotation marks"
    return [BadValue(row, "", "…" if personal else shown(",".join(cells)), why)]
