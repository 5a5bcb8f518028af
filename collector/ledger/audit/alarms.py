"""Alarms and quarantined batches, against the ledger entries that say they were kept: none may be missing."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, Table, select

from collector.ledger.audit.log import entries_at
from collector.ledger.audit.problems import Problems
from collector.store import schema
from collector.store.digest import row_digest
from gate_contract.v1.ledger_pb2 import LedgerEntry

_AT_ONCE: Final = 256


class KeptAlarms:
    """Takes the ledger's entries as the audit reads them, then looks for their rows.

    Of each it remembers the digest that its row must have, about 200 bytes: alarms are few (collector.store.alarms).
    """

    def __init__(self, connection: Connection, problems: Problems) -> None:
        """`connection` is in the audit's transaction."""
        self._connection, self._problems = connection, problems
        self._entered: dict[bytes, int] = {}

    def entered(self, index: int, entry: LedgerEntry) -> None:
        """The ledger's entry `index` says that this was kept."""
        self._entered[_digest(entry)] = index

    def finish(self) -> None:
        """Name each entry without its row, and each row that came after the first entry and has none.

        Rows from before were kept by a release that entered none; they are under their own digest only.
        """
        for table in (schema.alarms, schema.quarantine):
            with self._problems.reading(table.name):
                self._look_for(table)
        gone = sorted(self._entered.values())
        for start in range(0, len(gone), _AT_ONCE):
            entries = entries_at(self._connection, gone[start : start + _AT_ONCE], self._problems)
            for index, entry in sorted(entries.items()):
                kept = entry.alarm
                where = f"{'quarantine' if kept.body_sha256 else 'alarm'} {kept.kind} of {kept.origin}"
                self._problems.add(where, f"it is missing or was changed; ledger entry {index} says it was kept")

    def _look_for(self, table: Table) -> None:
        number = next(iter(table.primary_key.columns))
        entered = False
        rows = self._connection.execute(select(number, table.c.digest).order_by(number))
        for key, digest in rows:
            if self._entered.pop(digest, None) is not None:
                entered = True
            elif entered:
                self._problems.add(f"row {number.name} {key} of {table.name}", "the ledger has no entry of it")


def _digest(entry: LedgerEntry) -> bytes:
    """The digest of the row that an entry stands for."""
    kept = entry.alarm
    columns = {"origin": kept.origin, "at_ns": entry.entered_unix_ns, "kind": kept.kind, "detail": kept.detail}
    if kept.body_sha256:
        return row_digest(columns | {"body_sha256": kept.body_sha256})
    return row_digest(columns | {"record_index": kept.record_index if kept.HasField("record_index") else None})
