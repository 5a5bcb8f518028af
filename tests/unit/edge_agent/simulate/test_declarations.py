from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from edge_agent.simulate.declarations import COLUMNS, Declaration, Goods, as_csv, as_json

CHINA = timezone(timedelta(hours=8))
LADEN = Declaration(
    declaration_id="D-1",
    lodged=datetime(2025, 5, 31, 18, 5, tzinfo=CHINA),
    site_id="xinhai",
    direction="inbound",
    sailing_id="xinhai-20250601-1400",
    departure=datetime(2025, 6, 1, 14, tzinfo=CHINA),
    vehicle_plate="琼A12345",
    trailer_plate="琼A1234挂",
    vehicle_tare_kilograms=Decimal(14200),
    box_tare_kilograms=Decimal(3800),
    persons=2,
    cargo_kilograms=Decimal("18000.5"),
    goods=(
        Goods("2204", "Wine in bottles", 900, Decimal("8100.5")),
        Goods("4001", "Natural rubber", 280, Decimal(9900)),
    ),
    containers=("CSQU3054383", "TGHU7599330"),
    declarant_id="DECLARANT-01",
)


def test_the_declared_gross_mass_counts_everything_and_75_kg_a_person() -> None:
    assert LADEN.gross_kilograms == Decimal("36150.5")


def test_a_csv_row_has_the_collectors_columns() -> None:
    [row] = csv.DictReader(io.StringIO(as_csv([LADEN])))
    assert tuple(row) == COLUMNS
    assert row == {
        "declaration_id": "D-1",
        "lodged": "2025-05-31T18:05:00+08:00",
        "site_id": "xinhai",
        "direction": "inbound",
        "sailing_id": "xinhai-20250601-1400",
        "departure": "2025-06-01T14:00:00+08:00",
        "vehicle_plate": "琼A12345",
        "trailer_plate": "琼A1234挂",
        "vehicle_tare_kilograms": "14200",
        "box_tare_kilograms": "3800",
        "persons": "2",
        "cargo_kilograms": "18000.5",
        "goods": "2204:Wine in bottles:900:8100.5;4001:Natural rubber:280:9900",
        "containers": "CSQU3054383 TGHU7599330",
        "declarant_id": "DECLARANT-01",
    }


def test_json_says_the_same_with_lists() -> None:
    [entry] = json.loads(as_json([LADEN]))
    [row] = csv.DictReader(io.StringIO(as_csv([LADEN])))
    assert entry["containers"] == ["CSQU3054383", "TGHU7599330"]
    assert entry["goods"][0] == {
        "hs_code": "2204",
        "description": "Wine in bottles",
        "packages": 900,
        "gross_kilograms": "8100.5",
    }
    plain = set(COLUMNS) - {"goods", "containers"}
    assert {key: str(entry[key]) for key in plain} == {key: row[key] for key in plain}
