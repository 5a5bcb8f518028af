"""Register items, against the ledger entries they were entered with."""

from __future__ import annotations

from google.protobuf.message import DecodeError
from sqlalchemy import Connection, select

from collector.ledger.audit.declarations import Chain, portions
from collector.ledger.audit.log import entries_at
from collector.ledger.audit.problems import Problems
from collector.reconcile.entries import CURSOR
from collector.reconcile.queue import position
from collector.registers.intake import item_row
from collector.store import schema
from gate_contract.registers import RegisterError, open_item
from gate_contract.v1.register_pb2 import ITEM_KIND_MANIFEST, RegisterItem, SailingManifest


def audit_registers(connection: Connection, problems: Problems) -> int:
    """Each version against its ledger entry; returns how many there are."""
    count = 0
    chain = Chain("register item", problems)
    with problems.reading("register_items"):
        table = schema.register_items.c
        for rows in portions(connection, schema.register_items, (table.kind, table.item_key, table.version)):
            entries = entries_at(connection, [row["ledger_index"] for row in rows], problems)
            for row in rows:
                where = f"register item {row['kind']} {row['item_key']} {row['version']}"
                source = f"ledger entry {row['ledger_index']}"
                entry = entries.get(row["ledger_index"])
                if entry is None or entry.WhichOneof("body") != "item":
                    problems.add(where, f"{source} is no register item")
                else:
                    problems.compare(where, source, row, item_row(entry.item, row["ledger_index"]))
                    _audit_body(where, row["body"], problems)
                chain.follow(f"{row['kind']} {row['item_key']}", row["version"], row["latest"])
            count += len(rows)
            problems.progress(len(rows))
        chain.finish()
    with problems.reading("manifest_tickets"):
        _audit_tickets(connection, problems)
    return count


def _audit_tickets(connection: Connection, problems: Problems) -> None:
    """Every ticket of every manifest that was taken in is there: a traveller without one would be missed nowhere."""
    items, tickets = schema.register_items.c, schema.manifest_tickets.c
    taken = select(items.item_key, items.body).where(
        items.kind == ITEM_KIND_MANIFEST, items.ledger_index < position(connection, CURSOR)
    )
    for row in connection.execute(taken).all():
        try:
            manifest = SailingManifest.FromString(RegisterItem.FromString(row.body).body)
        except DecodeError:
            continue  # told above
        known = set(connection.scalars(select(tickets.pseudonym).where(tickets.sailing_id == manifest.sailing_id)))
        gone = sum(ticket.pseudonym not in known for ticket in manifest.tickets)
        if gone:
            problems.add(f"manifest {row.item_key}", f"{gone} of its tickets are not in the table of tickets")


def _audit_body(where: str, body: bytes, problems: Problems) -> None:
    try:
        open_item(body)
    except RegisterError as error:
        problems.add(where, f"no gate can use it: {error}")
