"""The emulated traffic's declarations, as the files that a collector imports. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

from edge_agent.model.passage import Direction

COLUMNS = (
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
KILOGRAMS_PER_PERSON = 75  # as the rule book reckons persons, W01


@dataclass(frozen=True, slots=True)
class Goods:
    """One line of goods; `description` without colons and semicolons."""

    hs_code: str
    description: str
    packages: int
    gross_kilograms: Decimal


@dataclass(frozen=True, slots=True)
class Declaration:
    """What was said of one vehicle; fields as the collector names its columns."""

    declaration_id: str
    lodged: datetime
    site_id: str
    direction: Direction
    sailing_id: str
    departure: datetime
    vehicle_plate: str
    trailer_plate: str
    vehicle_tare_kilograms: Decimal
    box_tare_kilograms: Decimal
    persons: int
    cargo_kilograms: Decimal
    goods: tuple[Goods, ...]
    containers: tuple[str, ...]
    declarant_id: str

    @property
    def gross_kilograms(self) -> Decimal:
        """What the vehicle weighs if all of this is so."""
        return (
            self.vehicle_tare_kilograms
            + self.box_tare_kilograms
            + KILOGRAMS_PER_PERSON * self.persons
            + self.cargo_kilograms
        )


def as_csv(declarations: Iterable[Declaration]) -> str:
    """A header and one row a declaration; goods as `hs_code:description:packages:gross_kilograms;...`."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for declaration in declarations:
        goods = ";".join(
            f"{line.hs_code}:{line.description}:{line.packages}:{line.gross_kilograms}" for line in declaration.goods
        )
        row = _texts(declaration)
        writer.writerow(row | {"goods": goods, "containers": " ".join(declaration.containers)})
    return out.getvalue()


def as_json(declarations: Iterable[Declaration]) -> str:
    """A list of objects with the columns as keys; goods is a list of objects, containers a list of texts."""
    objects = [
        _texts(declaration)
        | {
            "goods": [asdict(line) | {"gross_kilograms": str(line.gross_kilograms)} for line in declaration.goods],
            "containers": list(declaration.containers),
        }
        for declaration in declarations
    ]
    return json.dumps(objects, ensure_ascii=False, indent=2) + "\n"


def _texts(declaration: Declaration) -> dict[str, object]:
    """The plain columns: times in ISO 8601, weights as decimal text."""
    return {
        column: value.isoformat()
        if isinstance(value, datetime)
        else str(value)
        if isinstance(value, Decimal)
        else value
        for column in COLUMNS
        for value in (getattr(declaration, column),)
    }
