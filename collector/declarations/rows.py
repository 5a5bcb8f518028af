"""A CSV row or a JSON object → a Declaration, or everything that is wrong with it. Pure and total.

The field names are those of the Declaration message; docs/declarations.md says what each means, which are required,
and its name in the WCO Data Model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from collector.declarations import values
from collector.declarations.values import MAX_CONTAINERS, UnfitError
from gate_contract.v1.declaration_pb2 import Declaration, GoodsItem
from gate_contract.v1.passage_pb2 import (
    DIRECTION_INBOUND,
    DIRECTION_OUTBOUND,
    DIRECTION_UNSPECIFIED,
    Direction,
)

FIELDS = (
    "declaration_id",
    "lodged",
    "site_id",
    "direction",
    "sailing_id",
    "departure",
    "vehicle_plate",
    "trailer_plate",
    "vehicle_tare_kilograms",
    "box_tare_kilograms",
    "persons",
    "cargo_kilograms",
    "goods",
    "containers",
    "declarant_id",
)
REQUIRED = ("declaration_id", "lodged", "site_id", "direction", "vehicle_plate", "cargo_kilograms")
GOODS_FIELDS = ("hs_code", "description", "packages", "gross_kilograms")
MAX_GOODS = 999
SHOWN = 80  # characters of a wrong value that are repeated in a report

_DIRECTIONS = {"inbound": DIRECTION_INBOUND, "outbound": DIRECTION_OUTBOUND}

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


def columns_of(header: Sequence[str]) -> tuple[str, ...] | list[BadValue]:
    """Read a CSV header: the columns in their order, or what is wrong. Optional columns may be absent."""
    names = [cell.strip() for cell in header]
    bad = [
        BadValue(1, name, shown(name), f"unknown column{_closest(name, FIELDS)}")
        for name in names
        if name not in FIELDS
    ]
    bad += [BadValue(1, name, name, "the column is there more than once") for name in FIELDS if names.count(name) > 1]
    bad += [BadValue(1, name, "", "the required column is missing") for name in REQUIRED if name not in names]
    return bad or tuple(names)


def from_cells(row: int, cells: Sequence[str], columns: Sequence[str]) -> Declaration | list[BadValue]:
    """One CSV row. Never raises: what is wrong with it is returned, all of it."""
    if len(cells) != len(columns):
        why = f"the row has {len(cells)} cells and the header {len(columns)}: a text with a comma needs quotation marks"
        return [BadValue(row, "", shown(",".join(cells)), why)]
    entry: dict[str, object] = dict(zip(columns, cells, strict=True))
    bad = []
    try:
        entry["goods"] = _split_goods(str(entry.get("goods", "")))
    except UnfitError as error:
        bad = [BadValue(row, "goods", shown(entry.pop("goods")), str(error))]
    entry["containers"] = str(entry.get("containers", "")).split()
    read = _Row(row, entry)
    declaration = read.declaration()
    return bad + read.bad or declaration


def from_object(row: int, entry: object) -> Declaration | list[BadValue]:
    """One entry of a JSON list, its numbers as text. Never raises: what is wrong with it is returned, all of it."""
    if not isinstance(entry, Mapping):
        return [BadValue(row, "", shown(entry), "is not an object with the fields of a declaration")]
    read = _Row(row, entry)
    read.refuse_unknown(entry, FIELDS)
    declaration = read.declaration()
    return read.bad or declaration


def shown(value: object) -> str:
    """A wrong value as a report can print it: short, and with nothing that a terminal would obey."""
    text = value if isinstance(value, str) else repr(value)
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _closest(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name.lower().replace(" ", "_"), known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}"


def _split_goods(cell: str) -> list[dict[str, object]]:
    """`hs_code:description:packages:gross_kilograms`, several separated by `;`. A description may hold colons."""
    items: list[dict[str, object]] = []
    for item in filter(None, (part.strip() for part in cell.split(";"))):
        code, colon, rest = item.partition(":")
        words = rest.rsplit(":", 2)
        if not colon or len(words) != len(GOODS_FIELDS) - 1:
            raise UnfitError(f"{shown(item)!r} is not hs_code:description:packages:gross_kilograms")
        items.append(dict(zip(GOODS_FIELDS, (code, *words), strict=True)))
    return items


class _Row:
    """Reads the fields of one row and gathers what is wrong."""

    def __init__(self, row: int, entry: Mapping[str, object]) -> None:
        self.bad: list[BadValue] = []
        self._row, self._entry = row, entry
        self._required = dict.fromkeys(REQUIRED, "is required")

    def declaration(self) -> Declaration:
        """What the row says; meaningless when `bad` is not empty afterwards."""
        containers = self._containers()
        if containers:
            # Two to four tonnes are missing from the expected weight otherwise: every such truck would be a finding.
            self._required["box_tare_kilograms"] = "is required when containers are given"
        return Declaration(
            declaration_id=self._field("declaration_id", values.identifier, ""),
            lodged_unix_ns=self._field("lodged", values.moment, 0),
            site_id=self._field("site_id", values.site_id, ""),
            direction=self._field("direction", _direction, DIRECTION_UNSPECIFIED),
            sailing_id=self._field("sailing_id", values.identifier, ""),
            departure_unix_ns=self._field("departure", values.moment, 0),
            vehicle_plate=self._field("vehicle_plate", values.plate, ""),
            trailer_plate=self._field("trailer_plate", values.plate, ""),
            vehicle_tare_kilograms=self._field("vehicle_tare_kilograms", values.kilograms, ""),
            box_tare_kilograms=self._field("box_tare_kilograms", values.kilograms, "0"),
            persons=self._field("persons", values.persons, 0),
            cargo_kilograms=self._field("cargo_kilograms", values.kilograms, ""),
            goods=self._goods(),
            containers=containers,
            declarant_id=self._field("declarant_id", values.identifier, ""),
        )

    def refuse_unknown(self, entry: Mapping[str, object], known: Sequence[str], within: str = "") -> None:
        """Names that are no field are taken for slips."""
        for name, value in entry.items():
            if name not in known:
                self._refuse(within + name, value, f"unknown field{_closest(name, known)}")

    def _field(self, name: str, read: Callable[[str], Value], absent: Value) -> Value:
        return self._read(name, self._entry.get(name), read, absent, required=self._required.get(name, ""))

    def _read(self, label: str, value: object, read: Callable[[str], Value], absent: Value, *, required: str) -> Value:
        """One value; `absent` when it is not given or not fit. `required` is the complaint when it is not given."""
        if value is not None and not isinstance(value, str):
            self._refuse(label, value, "is neither text nor a number")
            return absent
        text = (value or "").strip()
        if not text:
            if required:
                self._refuse(label, "", required)
            return absent
        try:
            return read(text)
        except UnfitError as error:
            self._refuse(label, text, str(error))
            return absent

    def _list(self, name: str, longest: int) -> list[object]:
        value = self._entry.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self._refuse(name, value, "is not a list")
            return []
        if len(value) > longest:
            self._refuse(name, f"{len(value)} entries", f"holds more than {longest} entries")
            return []
        return value

    def _containers(self) -> list[str]:
        numbers: list[str] = []
        for entry in self._list("containers", MAX_CONTAINERS):
            number = self._read("containers", entry, values.container, "", required="holds an empty number")
            if number and number in numbers:
                self._refuse("containers", number, "the container is there twice")
            numbers.append(number)
        return numbers

    def _goods(self) -> list[GoodsItem]:
        return [self._goods_item(f"goods[{at}]", item) for at, item in enumerate(self._list("goods", MAX_GOODS), 1)]

    def _goods_item(self, label: str, item: object) -> GoodsItem:
        if not isinstance(item, Mapping):
            self._refuse(label, item, f"is not an object with {', '.join(GOODS_FIELDS)}")
            return GoodsItem()
        self.refuse_unknown(item, GOODS_FIELDS, within=f"{label}.")

        def field(name: str, read: Callable[[str], Value], absent: Value) -> Value:
            required = "" if name == "description" else "is required"
            return self._read(f"{label}.{name}", item.get(name), read, absent, required=required)

        return GoodsItem(
            hs_code=field("hs_code", values.hs_code, ""),
            description=field("description", values.description, ""),
            packages=field("packages", values.packages, 0),
            gross_kilograms=field("gross_kilograms", values.kilograms, ""),
        )

    def _refuse(self, field: str, value: object, reason: str) -> None:
        self.bad.append(BadValue(self._row, shown(field), shown(value), reason))


def _direction(text: str) -> Direction.ValueType:
    direction = _DIRECTIONS.get(text.lower())
    if direction is None:
        raise UnfitError("is neither inbound (onto the island) nor outbound (off it)")
    return direction
