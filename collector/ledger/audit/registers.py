"""Register items, against the ledger entries they were entered with."""

from __future__ import annotations

from sqlalchemy import Connection

from collector.ledger.audit.declarations import Chain, portions
from collector.ledger.audit.log import entries_at
from collector.ledger.audit.problems import Problems
from collector.registers.intake import item_row
from collector.store import schema
from gate_contract.registers import RegisterError, open_item


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
    return count


def _audit_body(where: str, body: bytes, problems: Problems) -> None:
    try:
        open_item(body)
    except RegisterError as error:
        problems.add(where, f"no gate can use it: {error}")
