"""Blobs of evidence: each against the ledger entry that says it came, and its file against its name."""

from __future__ import annotations

from hashlib import file_digest
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, select

from collector.ledger.audit.problems import Problems
from collector.privacy.pictures import PICTURE
from collector.store import schema
from collector.store.digest import row_digest
from gate_contract.v1.ledger_pb2 import LedgerEntry

_AT_ONCE: Final = 256


class KeptEvidence:
    """Takes the ledger's entries as the audit reads them, and looks for the blobs' rows a few hundred at a time.

    A blob that came is there until a later entry destroys it. In memory are those that are not there, until the entry
    that destroyed them is read: the pictures of faces of one term.
    """

    def __init__(self, connection: Connection, problems: Problems) -> None:
        """`connection` is in the audit's transaction."""
        self._connection, self._problems = connection, problems
        self._asked: dict[bytes, tuple[int, bytes]] = {}
        self._gone: dict[bytes, int] = {}

    def entered(self, index: int, entry: LedgerEntry) -> None:
        """The ledger's entry `index` says that this blob came."""
        if entry.evidence.sha256 in self._asked:  # destroyed in between: only the later one can be there
            self._look()
        self._asked[entry.evidence.sha256] = (index, _digest(entry))
        if len(self._asked) >= _AT_ONCE:
            self._look()

    def destroyed(self, _index: int, entry: LedgerEntry) -> None:
        """An entry says that this key or picture was destroyed."""
        if entry.key_destroyed.kind != PICTURE:
            return
        try:
            digest = bytes.fromhex(entry.key_destroyed.key_id)
        except ValueError:
            return  # names no picture; the entry itself is what the ledger's tree says it is
        if digest in self._asked:
            self._look()
        self._gone.pop(digest, None)

    def finish(self) -> None:
        """Name each blob that is missing.

        Rows from before were kept by a release that entered none; they are under their own digest only.
        """
        self._look()
        for sha256, index in self._gone.items():
            what = (
                f"it is missing or its row was changed; ledger entry {index} says it came, and none that it was deleted"
            )
            self._problems.add(f"evidence {sha256.hex()}", what)

    def _look(self) -> None:
        asked, self._asked = self._asked, {}
        with self._problems.reading("evidence"):
            table = schema.evidence.c
            rows = self._connection.execute(select(table.sha256, table.digest).where(table.sha256.in_(asked)))
            there = {row.sha256: row.digest for row in rows}
            for sha256, (index, digest) in asked.items():
                self._gone.pop(sha256, None)
                if there.get(sha256) != digest:
                    self._gone[sha256] = index


def audit_evidence(connection: Connection, directory: Path, problems: Problems) -> int:
    """Each blob's file against its name; `directory` is <state directory>/evidence. Returns how many there are."""
    count = 0
    table = schema.evidence.c
    with problems.reading("evidence"):
        for row in connection.execute(select(table.sha256, table.size).execution_options(yield_per=_AT_ONCE)):
            name = row.sha256.hex()
            where = f"evidence {name}"
            try:
                with (directory / name[:2] / name).open("rb") as file:
                    if file_digest(file, "sha256").digest() != row.sha256:
                        problems.add(where, "its bytes were changed")
                    elif file.tell() != row.size:
                        problems.add(where, f"column size is {row.size}; the file has {file.tell()} bytes")
            except OSError as error:
                problems.add(where, f"its file cannot be read: {error.strerror}")
            count += 1
            problems.progress(1)
    return count


def _digest(entry: LedgerEntry) -> bytes:
    """The digest of the row that an entry stands for."""
    kept = entry.evidence
    return row_digest(
        {
            "sha256": kept.sha256,
            "size": kept.size,
            "media_type": kept.media_type,
            "received_ns": entry.entered_unix_ns,
        }
    )
