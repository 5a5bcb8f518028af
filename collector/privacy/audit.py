"""The audit of destroyed keys: what the ledger says is gone must not be in the key store.

A key that came back means that an old copy of the key store was put in place of the present one.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from collector.ledger.audit.problems import Problems
from collector.privacy.pictures import EVIDENCE, PICTURE, picture_there
from gate_contract.v1.ledger_pb2 import LedgerEntry

_AT_ONCE: Final = 500


class DestroyedKeys:
    """Takes the ledger's entries as the audit reads them, and looks the keys up a few hundred at a time."""

    def __init__(self, key_store: Path, problems: Problems) -> None:
        """`key_store` is its file; where there is none there are no keys."""
        self._key_store, self._problems = key_store, problems
        self._entered: dict[str, int] = {}

    def entered(self, index: int, entry: LedgerEntry) -> None:
        """The ledger's entry `index` says that this key was destroyed."""
        destroyed = entry.key_destroyed
        if destroyed.kind == PICTURE:
            if picture_there(self._key_store.parent / EVIDENCE, destroyed.key_id) is not None:
                what = f"its file is there; ledger entry {index} says it was destroyed"
                self._problems.add(f"evidence {destroyed.key_id}", what)
            return
        self._entered[destroyed.key_id] = index
        if len(self._entered) >= _AT_ONCE:
            self.finish()

    def finish(self) -> None:
        """Look up those that are left."""
        entered, self._entered = self._entered, {}
        if not entered or not self._key_store.exists():
            return
        marks = ", ".join("?" * len(entered))
        try:
            # Only names are read, so no master key is needed; and nothing is made or changed.
            with closing(sqlite3.connect(f"file:{self._key_store}?mode=ro", uri=True)) as store:
                found = store.execute(f"SELECT key_id FROM keys WHERE key_id IN ({marks})", list(entered)).fetchall()  # noqa: S608 - only question marks
        except sqlite3.Error as error:
            self._problems.add("the key store", f"it cannot be read: {error}")
            return
        for (key_id,) in found:
            self._problems.add(f"key {key_id}", f"it is there; ledger entry {entered[key_id]} says it was destroyed")
