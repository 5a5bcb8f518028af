"""The columns of each register's file, and what a row says: one table a register. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

from google.protobuf.message import Message

from collector.declarations import values
from collector.declarations.reader import BadValue, FieldReader, cells_by_column, read_header
from collector.declarations.values import UnfitError
from collector.registers.intake import Kind
from gate_contract.v1 import register_pb2 as pb

DETAILS: Final = "docs/registers.md"

Row = TypeVar("Row")
Fields: TypeAlias = Mapping[str, Any]
"""A row's values by column; None where nothing is given."""


class Column(NamedTuple):
    """One column. A `personal` value is never repeated in what is wrong."""

    name: str
    read: Callable[[str], Any]
    required: bool = False
    personal: bool = False


@dataclass(frozen=True, slots=True)
class FlatForm(Generic[Row]):
    """Rows of one width: CSV cells, or JSON objects with the same names.

    Attributes:
        what: a row in a word, for complaints.
        columns: all there are.
        made: what a row says; UnfitError when its values do not fit together.
    """

    what: str
    columns: tuple[Column, ...]
    made: Callable[[Fields], Row]

    def columns_of(self, header: Sequence[str]) -> tuple[str, ...] | list[BadValue]:
        """Read a CSV header: the columns in their order, or what is wrong."""
        required = [column.name for column in self.columns if column.required]
        return read_header(header, self._names(), required, personal=self._personal())

    def from_cells(self, row: int, cells: Sequence[str], columns: Sequence[str]) -> Row | list[BadValue]:
        """One CSV row. Never raises: what is wrong with it is returned, all of it."""
        entry = cells_by_column(row, cells, columns, personal=self._personal())
        return entry if isinstance(entry, list) else self._read(row, entry)

    def from_object(self, row: int, entry: object) -> Row | list[BadValue]:
        """One entry of a JSON list, its numbers as text. Never raises: what is wrong with it is returned, all of it."""
        if not isinstance(entry, Mapping):
            return [BadValue(row, "", "", f"is not an object with the fields of a {self.what}")]
        return self._read(row, entry)

    def _names(self) -> list[str]:
        return [column.name for column in self.columns]

    def _personal(self) -> bool:
        return any(column.personal for column in self.columns)

    def _read(self, row: int, entry: Mapping[str, object]) -> Row | list[BadValue]:
        required = {column.name: "is required" for column in self.columns if column.required}
        reader = FieldReader(row, entry, required)
        reader.refuse_unknown(dict.fromkeys(entry, ""), self._names())
        found: dict[str, Any] = {}
        for column in self.columns:
            value = entry.get(column.name)
            if isinstance(value, bool):
                value = "yes" if value else "no"
            complaint = required.get(column.name, "")
            if column.personal:
                found[column.name] = reader.secret(column.name, value, column.read, required=complaint) or None
            else:
                found[column.name] = reader.read(column.name, value, column.read, None, required=complaint)
        if reader.bad:
            return reader.bad
        try:
            return self.made(found)
        except UnfitError as error:
            return [BadValue(row, "", "", str(error))]


class Said(NamedTuple):
    """What a row enters into a register, but for what only the registers know.

    Attributes:
        key: of the item.
        body: what it says.
        site_id: site it is for; "" for every site.
        declaration_id: of the declaration that it is about, whose site and term it takes; "" for none.
        expires_unix_ns: from then on gates forget it, nanoseconds since 1970-01-01T00:00:00Z; 0 for never.
    """

    key: str
    body: Message
    site_id: str = ""
    declaration_id: str = ""
    expires_unix_ns: int = 0


def _settlement(row: Fields) -> Said:
    parties = {
        document: row[f"{document}_party"]
        for document in ("order", "payment", "logistics")
        if row[f"{document}_party"] is not None
    }
    if (row["paid"] is None) != (row["currency"] is None):
        raise UnfitError("paid and currency are given both or neither")
    names = ("paid", "currency", "yuan_per_paid", "yuan_per_declared", "duty_due", "duty_paid", "guarantee_left")
    known = {name: row[name] for name in names if row[name] is not None}
    declaration_id = row["declaration_id"]
    body = pb.DeclarationSettlement(declaration_id=declaration_id, parties=parties, **known)
    return Said(declaration_id, body, declaration_id=declaration_id)


def _carrier(row: Fields) -> Said:
    return Said(row["plate"], pb.VehicleCarrier(plate=row["plate"], carrier_id=row["carrier_id"]))


def _quantity(row: Fields) -> Said:
    if row["unit"] != "kg" and row["used_per_passage"] is None:
        raise UnfitError("used_per_passage is required where the unit is not kg: nothing else says what a passage uses")
    declaration_id, name = row["declaration_id"], row["name"]
    body = pb.DeclarationQuantity(
        declaration_id=declaration_id,
        name=name,
        allowed=row["allowed"],
        unit=row["unit"],
        used_per_passage=row["used_per_passage"] or "",
    )
    return Said(f"{declaration_id}/{name}", body, declaration_id=declaration_id)


def _journey(row: Fields) -> Said:
    first, second = sorted((row["site_id"], row["other_site_id"]))
    if first == second:
        raise UnfitError("the two sites are the same")
    body = pb.Journey(site_id=first, other_site_id=second, shortest_s=row["shortest_s"])
    return Said(f"{first}/{second}", body)


def _quantity_name(text: str) -> str:
    """A name that can stand in a key."""
    if "/" in text:
        raise UnfitError("a name has no slash")
    return values.identifier(text)


def _seconds(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or not 0 < int(text) <= 7 * 86_400:
        raise UnfitError("is no whole number of seconds from 1 to 604800 (a week)")
    return int(text)


SETTLEMENTS: Final = FlatForm(
    "settlement",
    (
        Column("declaration_id", values.identifier, required=True),
        Column("paid", values.amount),
        Column("currency", values.currency),
        Column("yuan_per_paid", values.rate),
        Column("yuan_per_declared", values.rate),
        Column("order_party", values.identifier),
        Column("payment_party", values.identifier),
        Column("logistics_party", values.identifier),
        Column("duty_due", values.amount),
        Column("duty_paid", values.amount),
        Column("guarantee_left", values.amount),
    ),
    _settlement,
)
CARRIERS: Final = FlatForm(
    "carrier",
    (Column("plate", values.plate, required=True), Column("carrier_id", values.identifier, required=True)),
    _carrier,
)
QUANTITIES: Final = FlatForm(
    "quantity",
    (
        Column("declaration_id", values.identifier, required=True),
        Column("name", _quantity_name, required=True),
        Column("allowed", values.amount, required=True),
        Column("unit", values.identifier, required=True),
        Column("used_per_passage", values.amount),
    ),
    _quantity,
)
JOURNEYS: Final = FlatForm(
    "journey",
    (
        Column("site_id", values.site_id, required=True),
        Column("other_site_id", values.site_id, required=True),
        Column("shortest_s", _seconds, required=True),
    ),
    _journey,
)

FORMS: Final[Mapping[str, tuple[Kind, FlatForm[Said]]]] = {
    "settlement": (pb.ITEM_KIND_SETTLEMENT, SETTLEMENTS),
    "carrier": (pb.ITEM_KIND_CARRIER, CARRIERS),
    "quantity": (pb.ITEM_KIND_QUANTITY, QUANTITIES),
    "journey": (pb.ITEM_KIND_JOURNEY, JOURNEYS),
}
"""Registers that are imported with `registers import`, by their names."""
