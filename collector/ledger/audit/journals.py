"""One journal, from its records' bytes to its receipt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf.message import DecodeError
from sqlalchemy import Connection, Row, RowMapping, select

from collector.ledger.audit.admission import Admitted
from collector.ledger.audit.log import entries_at
from collector.ledger.audit.meaning import Meaning, Stretch
from collector.ledger.audit.problems import Problems
from collector.ledger.audit.tree import GrownTree
from collector.store import schema
from gate_contract.checkpoint import Checkpoint, Note, NoteError, Verifier, open_checkpoint, open_receipt
from gate_contract.merkle import HASH_SIZE
from gate_contract.v1.batch_pb2 import Batch
from gate_contract.v1.ledger_pb2 import LedgerEntry

_AT_ONCE = 8  # batches in memory; each has at most some tens of MiB, mostly far less


class JournalAudit:
    """Checks the batches and the head of one journal."""

    def __init__(
        self, connection: Connection, journal: RowMapping, admitted: Admitted, receipts: Verifier, problems: Problems
    ) -> None:
        """`admitted` is what the ledger says of its key, `receipts` the collector's cosigning key."""
        self.batches = 0
        """Batches found."""
        self.records = 0
        """Records found."""
        self._connection = connection
        self._journal = journal
        self._origin: str = journal["origin"]
        self._admitted = admitted
        self._receipts = receipts
        self._problems = problems
        self._size = 0
        self._last_note = b""
        self._tree = GrownTree(connection, self._origin, problems)
        # Once the records no longer lead to a signed root, later roots say nothing.
        self._tree_holds = True

    def run(self) -> None:
        """Everything, in the order of the records."""
        meaning = Meaning(
            self._connection, self._journal["journal_id"], self._origin, self._admitted.verifier, self._problems
        )
        with self._problems.reading(f"the batches of {self._origin}"):
            table = schema.batches.c
            query = select(*table).where(table.journal_id == self._journal["journal_id"]).order_by(table.first_index)
            for rows in self._connection.execute(query.execution_options(yield_per=_AT_ONCE)).partitions():
                entries = entries_at(self._connection, [row.ledger_index for row in rows], self._problems)
                for row in rows:
                    stretch = self._check_batch(row, entries.get(row.ledger_index))
                    if stretch is not None:
                        meaning.check(stretch)
                        self.records += len(stretch.leaves)
                        self._problems.progress(len(stretch.leaves))
            live_ahead = meaning.finish(self._size)
            if self._tree_holds:
                self._tree.finish()
            expected = {"dead_lettered": meaning.dead_lettered, "lost": meaning.lost, "live_ahead": live_ahead}
            self._check_head(expected)

    def _check_batch(self, row: Row[Any], entry: LedgerEntry | None) -> Stretch | None:
        """One stored batch; returns what it says, None when its bytes are no batch."""
        self.batches += 1
        where = f"batch of {self._origin} at record {row.first_index}"
        if row.first_index != self._size:
            missing = f"record {self._origin}#{self._size}"
            self._problems.add(missing, f"it is missing; the next stored batch begins at {row.first_index}")
            self._tree_holds = False
        self._size = row.first_index + row.count
        try:
            batch = Batch.FromString(row.body)
        except DecodeError:
            self._problems.add(where, "its bytes are no batch")
            self._tree_holds = False
            return None
        lost = {each.index: each.leaf_hash for each in batch.lost}
        stretch = Stretch.of(row.first_index, list(batch.records), lost, row.received_ns)
        count = len(batch.records) + len(batch.lost)
        expected = {"first_index": batch.first_index, "count": count}
        self._problems.compare(where, "its own bytes", row._mapping, expected)  # noqa: SLF001 - Row's public accessor
        if _plain(batch) != row.body:
            self._problems.add(where, "its framing was changed")
        self._size = row.first_index + count
        self._check_ledger_entry(where, row, batch, entry)
        self._check_tree(where, row, stretch.leaves, batch.checkpoint)
        self._last_note = batch.checkpoint
        return stretch

    def _check_ledger_entry(self, where: str, row: Row[Any], batch: Batch, entry: LedgerEntry | None) -> None:
        if entry is None or entry.WhichOneof("body") != "journal":
            self._problems.add(where, f"ledger entry {row.ledger_index} is not the growth of a journal")
            return
        said = (entry.journal.origin, entry.journal.old_size, entry.journal.checkpoint, entry.entered_unix_ns)
        if said != (self._origin, row.first_index, batch.checkpoint, row.received_ns):
            self._problems.add(where, f"ledger entry {row.ledger_index} enters another batch, or at another time")
        if row.ledger_index >= self._admitted.revoked_at:
            self._problems.add(where, f"it was accepted after the key was revoked (entry {self._admitted.revoked_at})")

    def _check_tree(self, where: str, row: Row[Any], hashes: Sequence[bytes], note: bytes) -> None:
        """The records, their stored hashes and the root that the agent signed fit together."""
        try:
            signed = open_checkpoint(note, self._admitted.verifier)
        except NoteError as error:
            self._problems.add(where, f"its checkpoint does not hold: {error}")
            self._tree_holds = False
            return
        if signed.size != self._size:
            self._problems.add(where, f"its checkpoint is over {signed.size} records, it ends at {self._size}")
        if not self._tree_holds:
            return
        stored = [row.leaves[at : at + HASH_SIZE] for at in range(0, len(row.leaves), HASH_SIZE)]
        if self._leads_to(signed, stored):
            self._name_altered(row.first_index, hashes, stored)
        elif self._leads_to(signed, hashes):
            self._problems.add(where, "column leaves does not hold its records' hashes")
            stored = list(hashes)
        else:
            last = f"{self._origin}#{self._size - 1}"
            self._problems.add(
                f"record {self._origin}#{row.first_index}",
                f"this record or one after it, up to {last}, is not what was signed: root {signed.root.hex()}",
            )
            self._tree_holds = False
        self._tree.grow(stored)

    def _leads_to(self, signed: Checkpoint, leaves: Sequence[bytes]) -> bool:
        grown = self._tree.frontier.grown(leaves)
        return grown.size == signed.size and grown.root() == signed.root

    def _name_altered(self, first_index: int, hashes: Sequence[bytes], stored: Sequence[bytes]) -> None:
        if hashes == stored:
            return
        for index, (found, signed) in enumerate(zip(hashes, stored, strict=True), first_index):
            if found != signed:
                self._problems.add(
                    f"record {self._origin}#{index}",
                    f"its bytes were changed: their leaf hash is {found.hex()}, under the signature is {signed.hex()}",
                )

    def _check_head(self, counted: dict[str, Any]) -> None:
        where = f"journal {self._origin}"
        expected: dict[str, Any] = {"size": self._size, **counted}
        if self._tree_holds:
            expected["peaks"] = self._tree.frontier.to_bytes()
        self._problems.compare(where, "what is stored of it", self._journal, expected)
        receipt: bytes = self._journal["receipt"]
        if not self._size and not receipt:
            return
        try:
            checkpoint = open_receipt(receipt, self._receipts, self._origin).checkpoint
            signatures = Note.parse(receipt).signatures
        except NoteError as error:
            self._problems.add(where, f"its receipt does not hold: {error}")
            return
        if Note(checkpoint.body(), signatures[:1]).to_bytes() != self._last_note or len(signatures) != 2:  # noqa: PLR2004 - agent, collector
            self._problems.add(where, f"its receipt is not over its last checkpoint, of {self._size} records")


def _plain(batch: Batch) -> bytes:
    """The one form in which batches are kept (collector.ingest.accept)."""
    batch.DiscardUnknownFields()
    return batch.SerializeToString(deterministic=True)
