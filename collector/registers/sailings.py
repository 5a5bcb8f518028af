"""Sailings: their files, and what else the collector must know of them."""

from __future__ import annotations

import re
from typing import Final

from sqlalchemy import Connection

from collector.declarations import values
from collector.declarations.values import UnfitError
from collector.registers.forms import Column, Fields, FlatForm, Said
from collector.registers.reading import latest
from gate_contract.v1 import register_pb2 as pb

DAY_NS: Final = 86_400 * 10**9

KEPT_AFTER_DEPARTURE_NS: Final = 2 * DAY_NS
"""So long after departure gates know sailing and manifest: a ship that sails late still boards with them."""

MOST_HEADS: Final = 20_000
"""More than any ferry carries: anything above is a slip of the keyboard."""


def sailing_item(sailing: pb.Sailing) -> Said:
    """A sailing as it is entered."""
    expires = sailing.departure_unix_ns + KEPT_AFTER_DEPARTURE_NS
    return Said(sailing.sailing_id, sailing, sailing.site_id, expires_unix_ns=expires)


def heads(text: str) -> int:
    """Persons counted on board."""
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or int(text) > MOST_HEADS:
        raise UnfitError(f"is no whole number of persons up to {MOST_HEADS}")
    return int(text)


def sailings(connection: Connection, sailing_ids: list[str] | None = None) -> dict[str, pb.Sailing]:
    """Sailings that are known, by id; the cancelled ones too."""
    items = latest(connection, pb.ITEM_KIND_SAILING, sailing_ids)
    return {key: pb.Sailing.FromString(item.body) for key, item in items.items()}


def with_heads_known(connection: Connection, said: list[Said]) -> list[Said]:
    """A schedule that does not say how many are on board leaves what was counted."""
    known = sailings(connection, [each.key for each in said])
    kept: list[Said] = []
    for each in said:
        sailing = pb.Sailing.FromString(each.body.SerializeToString())
        before = known.get(each.key)
        if before is not None and before.HasField("heads") and not sailing.HasField("heads"):
            sailing.heads = before.heads
        kept.append(each._replace(body=sailing))
    return kept


def _sailing(row: Fields) -> Said:
    sailing = pb.Sailing(
        sailing_id=row["sailing_id"],
        site_id=row["site_id"],
        departure_unix_ns=row["departure"],
        cancelled=bool(row["cancelled"]),
        mmsi=row["mmsi"] or 0,
        ship=row["ship"] or "",
        heads=row["heads"],
    )
    return sailing_item(sailing)


def _yes(text: str) -> bool:
    found = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}.get(text.lower())
    if found is None:
        raise UnfitError("is neither yes nor no")
    return found


def _mmsi(text: str) -> int:
    """ITU-R M.585: nine digits; those of ships begin with 2 to 7."""
    if not re.fullmatch(r"[2-7][0-9]{8}", text, re.ASCII):
        raise UnfitError("is no MMSI of a ship: nine digits, the first one 2 to 7")
    return int(text)


SAILINGS: Final = FlatForm(
    "sailing",
    (
        Column("sailing_id", values.identifier, required=True),
        Column("site_id", values.site_id, required=True),
        Column("departure", values.moment, required=True),
        Column("cancelled", _yes),
        Column("mmsi", _mmsi),
        Column("ship", values.identifier),
        Column("heads", heads),
    ),
    _sailing,
)
