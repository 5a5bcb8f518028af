"""Storing what stands beside passages in accepted records: officers' acts, actuations, documents shown, ships heard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Table, func, insert, select, tuple_, update

from collector.ingest.contents import Contents, PassageRecord
from collector.ingest.gate_rows import ActRecord, act_row, actuation_row, document_rows
from collector.ingest.ships import Ships
from collector.reconcile.queue import AT_ONCE, portions, queue_again
from collector.store import schema
from collector.store.base import DIGESTED
from collector.store.digest import row_digest

MINUTE: Final = 60_000_000_000
STAY_GAP: Final = 120 * MINUTE
"""A ship that is not heard for longer has left; when it is heard again, another stay begins."""

LATE: Final = 10 * MINUTE
"""What a receiver said longer ago, or will only say later by its clock, is no word about the port as it is now."""


def store_beside(connection: Connection, journal_id: int, said: Sequence[Contents], now_ns: int) -> None:
    """Store acts and actuations of one journal, each once, however often they come."""
    acts = [each for contents in said for each in contents.acts]
    actuations = [each for contents in said for each in contents.actuations]
    if acts:
        new = _not_stored(connection, schema.officer_acts, [act_row(each, journal_id, now_ns) for each in acts])
        if new:
            connection.execute(insert(schema.officer_acts), new)
            _judge_again(connection, acts, now_ns)
    if actuations:
        rows = [actuation_row(each, journal_id) for each in actuations]
        if new := _not_stored(connection, schema.actuations, rows):
            connection.execute(insert(schema.actuations), new)


def only(contents: Contents, indices: set[int]) -> Contents:
    """What the records at these indices say of acts and actuations, and every ship."""
    return Contents(
        acts=[each for each in contents.acts if each.index in indices],
        actuations=[each for each in contents.actuations if each.index in indices],
        ships=contents.ships,
    )


def _not_stored(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that did not come live before; all are of one journal."""
    known: set[int] = set()
    for some in portions(rows, AT_ONCE):
        query = select(table.c.record_index).where(
            table.c.journal_id == some[0]["journal_id"], table.c.record_index.in_([row["record_index"] for row in some])
        )
        known.update(connection.scalars(query))
    return [row for row in rows if row["record_index"] not in known]


def _judge_again(connection: Connection, acts: Iterable[ActRecord], now_ns: int) -> None:
    """Packages that an officer counted are something a rule looks at (D03): their passages are judged again.

    Nothing else of an act changes what the rule book says; it changes what stands of it (gate_contract.holds).
    """
    reasons = {
        each.act.passage_id: f"officer {each.act.officer_id} counted packages"
        for each in acts
        if each.act.WhichOneof("what") == "inspection" and each.act.inspection.HasField("packages")
    }
    if not reasons:
        return
    table = schema.passages.c
    known = connection.scalars(select(table.passage_id).where(table.passage_id.in_(reasons)).distinct()).all()
    queue_again(connection, {each: reasons[each] for each in known}, now_ns)


def store_documents(connection: Connection, seen: Iterable[PassageRecord]) -> None:
    """Note which documents were shown in passages; what is noted already stays as it is."""
    rows: dict[tuple[bytes, str], dict[str, Any]] = {}
    for record in seen:
        for row in document_rows(record.passage, record.site_id) if record.passage.readings else ():
            rows.setdefault((row["pseudonym"], row["passage_id"]), row)
    table = schema.passage_documents
    for some in portions(rows, AT_ONCE):
        key = tuple_(table.c.pseudonym, table.c.passage_id)
        known = {
            tuple(row) for row in connection.execute(select(table.c.pseudonym, table.c.passage_id).where(key.in_(some)))
        }
        if new := [rows[each] for each in some if each not in known]:
            connection.execute(insert(table), new)


def store_ships(connection: Connection, said: Iterable[Ships], now_ns: int) -> None:
    """Begin or lengthen stays; each ship is written at most once a minute, whatever it sends."""
    heard: dict[tuple[str, int], int] = {}
    for ships in said:
        for ship, (_first, last) in ships.items():
            if abs(now_ns - last) <= LATE:
                heard[ship] = max(last, heard.get(ship, last))
    for some in portions(heard, AT_ONCE):
        stays = _last_stays(connection, some)
        _lengthen(connection, {ship: (stays[ship], heard[ship]) for ship in some if ship in stays})
        begun = [ship for ship in some if ship not in stays or heard[ship] - stays[ship][1] > STAY_GAP]
        if begun:
            rows = [_stay(ship, heard[ship], heard[ship]) for ship in begun]
            connection.execute(insert(schema.vessels_seen), rows)


def _last_stays(connection: Connection, ships: Sequence[tuple[str, int]]) -> dict[tuple[str, int], tuple[int, int]]:
    """First and last time of the last stay of each ship that had one."""
    table = schema.vessels_seen
    newest = (
        select(table.c.site_id, table.c.mmsi, func.max(table.c.first_ns).label("first_ns"))
        .where(tuple_(table.c.site_id, table.c.mmsi).in_(ships))
        .group_by(table.c.site_id, table.c.mmsi)
        .subquery()
    )
    columns = (table.c.site_id, table.c.mmsi, table.c.first_ns)
    joined = select(*columns, table.c.last_ns).join(
        newest,
        (newest.c.site_id == table.c.site_id)
        & (newest.c.mmsi == table.c.mmsi)
        & (newest.c.first_ns == table.c.first_ns),
    )
    return {(row.site_id, row.mmsi): (row.first_ns, row.last_ns) for row in connection.execute(joined)}


def _lengthen(connection: Connection, ships: Mapping[tuple[str, int], tuple[tuple[int, int], int]]) -> None:
    table = schema.vessels_seen
    for (site_id, mmsi), ((first, last), heard) in ships.items():
        if MINUTE <= heard - last <= STAY_GAP:
            row = _stay((site_id, mmsi), first, heard)
            digest = row_digest({name: row[name] for name in DIGESTED["vessels_seen"]})
            connection.execute(
                update(table)
                .where(table.c.site_id == site_id, table.c.mmsi == mmsi, table.c.first_ns == first)
                .values(last_ns=heard, digest=digest)
            )


def _stay(ship: tuple[str, int], first_ns: int, last_ns: int) -> dict[str, Any]:
    return {"site_id": ship[0], "mmsi": ship[1], "first_ns": first_ns, "last_ns": last_ns}
