"""The ledger: an append-only log over everything that was admitted, received, declared and decided.

Several processes append (the server, `declarations import`, `agents revoke`). Each append reads the head inside its
write transaction, which the database serialises, so nothing is kept in memory between two appends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from collector.errors import StoreError
from collector.ledger import tiles
from collector.store import schema
from gate_contract.checkpoint import Checkpoint, NoteError, Signer, Verifier, open_checkpoint
from gate_contract.envelope import leaf_hashes
from gate_contract.merkle import Frontier, ProofError
from gate_contract.v1.ledger_pb2 import LedgerEntry

FORMAT = 1
"""LedgerEntry.format that this release writes."""

TREE = "ledger"
"""Name of the ledger's tree in `tiles`."""

_ONLY = 1  # the head is one row


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """Head of the ledger as stored; `checkpoint` is the signed note, empty while there is no entry."""

    frontier: Frontier
    checkpoint: bytes


class Ledger:
    """Appends entries under signed checkpoints. The key's name is the ledger's origin: <deployment>/ledger."""

    def __init__(self, signer: Signer, entered_by: str = "") -> None:
        """`signer` holds the ledger's Ed25519 key; `entered_by` is whoever appends, "" for the service."""
        self._signer, self._entered_by = signer, entered_by

    @property
    def verifier(self) -> Verifier:
        """What its checkpoints are verified with."""
        return self._signer.verifier

    @property
    def deployment(self) -> str:
        """Whose ledger it is."""
        return self._signer.name.removesuffix("/ledger")

    def append(self, connection: Connection, entries: Sequence[LedgerEntry]) -> int:
        """Append entries in the caller's write transaction; each is serialised once, here.

        Returns the index of the first. They are durable when the caller's transaction is.
        """
        head = read_head(connection, lock=True)
        first = head.frontier.size
        if not entries:
            return first
        for entry in entries:
            entry.entered_by = self._entered_by
        bodies = [entry.SerializeToString(deterministic=True) for entry in entries]
        leaves = leaf_hashes(bodies)
        connection.execute(
            insert(schema.ledger_entries),
            [
                {"entry_index": index, "body": body, "leaf": leaf}
                for index, (body, leaf) in enumerate(zip(bodies, leaves, strict=True), first)
            ],
        )
        completing = tiles.Completing()
        grown = head.frontier.grown(leaves, completing)
        tiles.store(connection, TREE, completing.tiles)
        self._store_head(connection, grown, new=first == 0)
        return first

    def check_head(self, connection: Connection) -> None:
        """Refuse to go on with a ledger that this key did not sign.

        Raises StoreError: the database and the keys belong to different collectors, or the head was altered.
        """
        head = read_head(connection)
        if not head.frontier.size:
            return
        try:
            checkpoint = open_checkpoint(head.checkpoint, self.verifier)
        except NoteError as error:
            raise StoreError(
                f"the ledger in the database is not signed by this collector's key {self._signer.name}",
                cause=str(error),
                fix="restore the keys that belong to this database, or the database that belongs to these keys",
            ) from None
        if checkpoint != Checkpoint.of(self._signer.name, head.frontier):
            raise StoreError("the ledger's head does not fit its own checkpoint", fix="run `gate-collector audit`")

    def _store_head(self, connection: Connection, frontier: Frontier, *, new: bool) -> None:
        note = self._signer.sign(Checkpoint.of(self._signer.name, frontier).body()).to_bytes()
        row = {"size": frontier.size, "peaks": frontier.to_bytes(), "checkpoint": note}
        if new:
            connection.execute(insert(schema.ledger_head), {"only": _ONLY, **row})
        else:
            connection.execute(update(schema.ledger_head).where(schema.ledger_head.c.only == _ONLY), row)


def read_head(connection: Connection, *, lock: bool = False) -> LedgerHead:
    """The ledger's head; `lock` when the transaction will append (PostgreSQL locks rows, SQLite has locked already)."""
    table = schema.ledger_head.c
    query = select(table.size, table.peaks, table.checkpoint).where(table.only == _ONLY)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        return LedgerHead(Frontier(), b"")
    try:
        return LedgerHead(Frontier.from_bytes(row.size, row.peaks), row.checkpoint)
    except ProofError as error:
        raise StoreError("the ledger's head is damaged", cause=str(error), fix="run `gate-collector audit`") from None


def read_entries(connection: Connection, start: int, end: int | None = None) -> Iterator[tuple[int, bytes]]:
    """(index, serialised LedgerEntry) of the entries [start, end), in order, a few at a time."""
    table = schema.ledger_entries.c
    query = select(table.entry_index, table.body).where(table.entry_index >= start).order_by(table.entry_index)
    if end is not None:
        query = query.where(table.entry_index < end)
    for row in connection.execute(query.execution_options(yield_per=256)):
        yield row.entry_index, row.body


def entered_by(connection: Connection, indices: Sequence[int]) -> dict[int, str]:
    """By whom entries were entered, by index: LedgerEntry.entered_by."""
    table = schema.ledger_entries.c
    rows = connection.execute(select(table.entry_index, table.body).where(table.entry_index.in_(indices)))
    return {row.entry_index: LedgerEntry.FromString(row.body).entered_by for row in rows}


def stored_tree(connection: Connection) -> tiles.StoredTree:
    """The ledger's nodes, for proofs."""

    def leaves(start: int, end: int) -> Sequence[bytes]:
        table = schema.ledger_entries.c
        return connection.scalars(
            select(table.leaf).where(table.entry_index >= start, table.entry_index < end).order_by(table.entry_index)
        ).all()

    return tiles.StoredTree(connection, TREE, leaves)
