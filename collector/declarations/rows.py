"""A CSV row or a JSON object → a Declaration, or everything that is wrong with it. Pure and total.

The field names are those of the Declaration message; docs/declarations.md says what each means, which are required,
and its name in the WCO Data Model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from collector.declarations import values
from collector.declarations.reader import BadValue, FieldReader, cells_by_column, read_header, shown
from collector.declarations.values import MAX_CONTAINERS, UnfitError
from gate_contract.v1.declaration_pb2 import FULLNESS_UNSPECIFIED, Declaration, DeclaredContainer, GoodsItem, Money
from gate_contract.v1.passage_pb2 import DIRECTION_UNSPECIFIED

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
    "equipment",
    "carrier_id",
    "drivers",
    "value",
    "currency",
    "verified_gross_kilograms",
)
REQUIRED = ("declaration_id", "lodged", "site_id", "direction", "vehicle_plate", "cargo_kilograms")
GOODS_FIELDS = ("hs_code", "description", "packages", "gross_kilograms")
EQUIPMENT_FIELDS = ("number", "size_type", "fullness", "seals", "tare_kilograms", "verified_gross_kilograms")
DRIVER_FIELDS = ("issuer", "number")
MAX_GOODS = 999
MAX_SEALS = 10
MAX_DRIVERS = 4

Value = TypeVar("Value")

Pseudonyms: TypeAlias = Callable[[str, str, str], bytes]
"""(sailing id, issuer, number) of a document -> its pseudonym on that sailing; UnfitError when there can be none."""


def no_pseudonyms(_sailing_id: str, _issuer: str, _number: str) -> bytes:
    """Where there are no keys of sailings."""
    raise UnfitError("cannot be taken here: there are no keys of sailings")


def columns_of(header: Sequence[str]) -> tuple[str, ...] | list[BadValue]:
    """Read a CSV header: the columns in their order, or what is wrong. Optional columns may be absent."""
    return read_header(header, FIELDS, REQUIRED)


def from_cells(
    row: int, cells: Sequence[str], columns: Sequence[str], pseudonyms: Pseudonyms = no_pseudonyms
) -> Declaration | list[BadValue]:
    """One CSV row. Never raises: what is wrong with it is returned, all of it."""
    entry = cells_by_column(row, cells, columns, personal="drivers" in columns)
    if isinstance(entry, list):
        return entry
    bad = []
    for name, split in (("goods", _split_goods), ("equipment", _split_equipment), ("drivers", _split_drivers)):
        try:
            entry[name] = split(str(entry.get(name, "")))
        except UnfitError as error:
            cell = entry.pop(name)
            bad.append(BadValue(row, name, "…" if name == "drivers" else shown(cell), str(error)))
    entry["containers"] = str(entry.get("containers", "")).split()
    read = _Row(row, entry, pseudonyms)
    declaration = read.declaration()
    return bad + read.bad or declaration


def from_object(row: int, entry: object, pseudonyms: Pseudonyms = no_pseudonyms) -> Declaration | list[BadValue]:
    """One entry of a JSON list, its numbers as text. Never raises: what is wrong with it is returned, all of it."""
    if not isinstance(entry, Mapping):
        return [BadValue(row, "", shown(entry), "is not an object with the fields of a declaration")]
    read = _Row(row, entry, pseudonyms)
    read.refuse_unknown(entry, FIELDS)
    declaration = read.declaration()
    return read.bad or declaration


def _split_goods(cell: str) -> list[dict[str, object]]:
    """`hs_code:description:packages:gross_kilograms`, several separated by `;`. A description may hold colons."""
    items: list[dict[str, object]] = []
    for item in _parts(cell):
        code, colon, rest = item.partition(":")
        words = rest.rsplit(":", 2)
        if not colon or len(words) != len(GOODS_FIELDS) - 1:
            raise UnfitError(f"{shown(item)!r} is not hs_code:description:packages:gross_kilograms")
        items.append(dict(zip(GOODS_FIELDS, (code, *words), strict=True)))
    return items


def _split_equipment(cell: str) -> list[dict[str, object]]:
    """`number:size_type:fullness:seal+seal:tare:verified gross`, several separated by `;`; the last parts may lack."""
    items: list[dict[str, object]] = []
    for item in _parts(cell):
        words = item.split(":")
        if len(words) > len(EQUIPMENT_FIELDS):
            raise UnfitError(f"{shown(item)!r} is not {':'.join(EQUIPMENT_FIELDS)}")
        split: dict[str, object] = dict(zip(EQUIPMENT_FIELDS, words, strict=False))
        split["seals"] = [seal for seal in str(split.get("seals", "")).split("+") if seal.strip()]
        items.append(split)
    return items


def _split_drivers(cell: str) -> list[dict[str, object]]:
    """`issuer:number` of each driver's document, several separated by `;`."""
    items: list[dict[str, object]] = []
    for item in _parts(cell):
        issuer, colon, number = item.partition(":")
        if not colon:
            raise UnfitError("is not issuer:number of a document, e.g. CHN:E12345678")
        items.append(dict(zip(DRIVER_FIELDS, (issuer, number), strict=True)))
    return items


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(";") if part.strip()]


class _Row(FieldReader):
    """The fields of a declaration."""

    def __init__(self, row: int, entry: Mapping[str, object], pseudonyms: Pseudonyms) -> None:
        super().__init__(row, entry, dict.fromkeys(REQUIRED, "is required"))
        self._pseudonyms = pseudonyms

    def declaration(self) -> Declaration:
        """What the row says; meaningless when `bad` is not empty afterwards."""
        containers, equipment = self._containers(), self._equipment()
        if containers or equipment:
            # Two to four tonnes are missing from the expected weight otherwise: every such truck would be a finding.
            self.required["box_tare_kilograms"] = "is required when containers are given"
        sailing_id = self.field("sailing_id", values.identifier, "")
        return Declaration(
            declaration_id=self.field("declaration_id", values.identifier, ""),
            lodged_unix_ns=self.field("lodged", values.moment, 0),
            site_id=self.field("site_id", values.site_id, ""),
            direction=self.field("direction", values.direction, DIRECTION_UNSPECIFIED),
            sailing_id=sailing_id,
            departure_unix_ns=self.field("departure", values.moment, 0),
            vehicle_plate=self.field("vehicle_plate", values.plate, ""),
            trailer_plate=self.field("trailer_plate", values.plate, ""),
            vehicle_tare_kilograms=self.field("vehicle_tare_kilograms", values.kilograms, ""),
            box_tare_kilograms=self.field("box_tare_kilograms", values.kilograms, "0"),
            persons=self.field("persons", values.persons, 0),
            cargo_kilograms=self.field("cargo_kilograms", values.kilograms, ""),
            goods=self._goods(),
            containers=containers,
            declarant_id=self.field("declarant_id", values.identifier, ""),
            equipment=equipment,
            carrier_id=self.field("carrier_id", values.identifier, ""),
            drivers=self._drivers(sailing_id),
            value=self._money(),
            verified_gross_kilograms=self.field("verified_gross_kilograms", values.kilograms, ""),
        )

    def _containers(self) -> list[str]:
        numbers: list[str] = []
        for entry in self.list("containers", self.entry.get("containers"), MAX_CONTAINERS):
            number = self.read("containers", entry, values.container, "", required="holds an empty number")
            if number and number in numbers:
                self.refuse("containers", number, "the container is there twice")
            numbers.append(number)
        return numbers

    def _equipment(self) -> list[DeclaredContainer]:
        declared: dict[str, DeclaredContainer] = {}
        for at, entry in enumerate(self.list("equipment", self.entry.get("equipment"), MAX_CONTAINERS), 1):
            label = f"equipment[{at}]"
            if (item := self._object(label, entry, EQUIPMENT_FIELDS)) is None:
                continue
            container = self._container(label, item)
            if container.number and container.number in declared:
                self.refuse(f"{label}.number", container.number, "the container is there twice")
            declared[container.number] = container
        return list(declared.values())

    def _container(self, label: str, item: Mapping[str, object]) -> DeclaredContainer:
        def field(name: str, read: Callable[[str], Value], absent: Value, required: str = "") -> Value:
            return self.read(f"{label}.{name}", item.get(name), read, absent, required=required)

        seals = self.list(f"{label}.seals", item.get("seals"), MAX_SEALS)
        return DeclaredContainer(
            number=field("number", values.container, "", "is required"),
            size_type=field("size_type", values.size_type, ""),
            fullness=field("fullness", values.fullness, FULLNESS_UNSPECIFIED),
            seals=[
                self.read(f"{label}.seals", seal, values.seal, "", required="holds an empty seal") for seal in seals
            ],
            tare_kilograms=field("tare_kilograms", values.kilograms, ""),
            verified_gross_kilograms=field("verified_gross_kilograms", values.kilograms, ""),
        )

    def _drivers(self, sailing_id: str) -> list[bytes]:
        """Pseudonyms; no document number is kept of them, and none is repeated in what is wrong."""
        found: list[bytes] = []
        for at, entry in enumerate(self.list("drivers", self.entry.get("drivers"), MAX_DRIVERS), 1):
            label = f"drivers[{at}]"
            item = self._object(label, entry, DRIVER_FIELDS)
            if item is None:
                continue
            if not sailing_id:
                self.refuse(
                    label, "", "needs sailing_id: a driver is known by a pseudonym that is made for the sailing"
                )
                continue
            known = len(self.bad)
            issuer = self.secret(f"{label}.issuer", item.get("issuer"), values.issuer)
            number = self.secret(f"{label}.number", item.get("number"), values.document_number)
            if len(self.bad) > known:
                continue
            try:
                found.append(self._pseudonyms(sailing_id, issuer, number))
            except UnfitError as error:
                self.refuse(label, "", str(error))
        return sorted(set(found))

    def _money(self) -> Money | None:
        amount = self.field("value", values.amount, "")
        if amount:
            self.required["currency"] = "is required when a value is given"
        currency = self.field("currency", values.currency, "")
        return Money(amount=amount, currency=currency) if amount else None

    def _goods(self) -> list[GoodsItem]:
        items = self.list("goods", self.entry.get("goods"), MAX_GOODS)
        return [self._goods_item(f"goods[{at}]", item) for at, item in enumerate(items, 1)]

    def _goods_item(self, label: str, entry: object) -> GoodsItem:
        item = self._object(label, entry, GOODS_FIELDS)
        if item is None:
            return GoodsItem()

        def field(name: str, read: Callable[[str], Value], absent: Value) -> Value:
            required = "" if name == "description" else "is required"
            return self.read(f"{label}.{name}", item.get(name), read, absent, required=required)

        return GoodsItem(
            hs_code=field("hs_code", values.hs_code, ""),
            description=field("description", values.description, ""),
            packages=field("packages", values.packages, 0),
            gross_kilograms=field("gross_kilograms", values.kilograms, ""),
        )

    def _object(self, label: str, item: object, fields: Sequence[str]) -> Mapping[str, object] | None:
        if not isinstance(item, Mapping):
            self.refuse(label, item, f"is not an object with {', '.join(fields)}")
            return None
        self.refuse_unknown(item, fields, within=f"{label}.")
        return item
