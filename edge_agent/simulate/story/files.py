"""What was said beforehand, as the files that a collector imports. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from edge_agent.simulate.mrz import Passport
from edge_agent.simulate.story.declared import Box, Said
from edge_agent.simulate.story.telling import Telling


def declarations_json(declarations: Iterable[Said]) -> str:
    """A list of objects, as docs/declarations.md says."""
    return json.dumps([_declaration(each) for each in declarations], ensure_ascii=False, indent=1) + "\n"


def _declaration(said: Said) -> dict[str, object]:
    row: dict[str, object] = {
        "declaration_id": said.declaration_id,
        "lodged": said.lodged.isoformat(),
        "site_id": said.site_id,
        "direction": said.direction,
        "sailing_id": said.sailing_id,
        "departure": said.departure.isoformat(),
        "vehicle_plate": said.vehicle_plate,
        "trailer_plate": said.trailer_plate,
        "vehicle_tare_kilograms": said.vehicle_tare_kilograms,
        "box_tare_kilograms": sum(box.tare_kilograms for box in said.boxes),
        "persons": said.persons,
        "cargo_kilograms": said.cargo_kilograms,
        "goods": [
            {
                "hs_code": line.hs_code,
                "description": line.description,
                "packages": line.packages,
                "gross_kilograms": line.kilograms,
            }
            for line in said.cargo
        ],
        "containers": [box.number for box in said.boxes],
        "declarant_id": said.declarant_id,
        "equipment": [_box(box) for box in said.boxes],
        "carrier_id": said.carrier_id,
    }
    if said.value_yuan is not None:
        row |= {"value": said.value_yuan, "currency": "CNY"}
    if said.verified_gross_kilograms is not None:
        row["verified_gross_kilograms"] = said.verified_gross_kilograms
    return row


def _box(box: Box) -> dict[str, object]:
    row: dict[str, object] = {
        "number": box.number,
        "size_type": box.size_type,
        "fullness": box.fullness,
        "seals": list(box.seals),
        "tare_kilograms": box.tare_kilograms,
    }
    if box.verified_gross_kilograms is not None:
        row["verified_gross_kilograms"] = box.verified_gross_kilograms
    return row


def settlements_csv(tellings: Iterable[Telling]) -> str:
    """Payments, duty and parties of those that have some."""
    rows = [{"declaration_id": each.said.declaration_id} | each.settlement for each in tellings if each.settlement]
    return _csv(sorted({name for row in rows for name in row}), rows)


def carriers_csv(tellings: Iterable[Telling]) -> str:
    """Who runs which vehicle, as far as it is known."""
    rows = [{"plate": each.said.vehicle_plate, "carrier_id": each.carrier_id} for each in tellings if each.carrier_id]
    return _csv(("plate", "carrier_id"), rows)


def sailings_csv(sailings: Iterable[tuple[str, str, datetime, bool]]) -> str:
    """(sailing id, site id, departure, cancelled) of each."""
    rows = [
        {
            "sailing_id": sailing_id,
            "site_id": site_id,
            "departure": departure.isoformat(),
            "cancelled": "yes" if cancelled else "no",
        }
        for sailing_id, site_id, departure, cancelled in sailings
    ]
    return _csv(("sailing_id", "site_id", "departure", "cancelled"), rows)


def manifest_csv(passports: Sequence[Passport]) -> str:
    """A ticket for each; columns as docs/registers.md says."""
    rows = [
        {
            "ticket_id": f"K{number:05d}",
            "document_issuer": passport.issuer,
            "document_number": passport.number,
            "document_kind": "passport",
            "name": passport.name,
            "birth": passport.birth.isoformat(),
        }
        for number, passport in enumerate(passports, 1)
    ]
    return _csv(("ticket_id", "document_issuer", "document_number", "document_kind", "name", "birth"), rows)


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
