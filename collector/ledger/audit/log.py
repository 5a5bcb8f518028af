"""The ledger, from its entries' bytes to its signed checkpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from google.protobuf.message import DecodeError
from sqlalchemy import Connection, select

from collector.ledger.audit.problems import Problems
from collector.ledger.audit.tree import GrownTree
from collector.ledger.log import FORMAT, TREE
from collector.store import schema
from gate_contract.checkpoint import Checkpoint, NoteError, Verifier, open_checkpoint
from gate_contract.envelope import leaf_hashes
from gate_contract.v1.ledger_pb2 import LedgerEntry

_MANY = 256

OnEntry: TypeAlias = Callable[[int, LedgerEntry], None]
"""Is told of an entry: its index, and what it is."""

Told: TypeAlias = Mapping[str, Sequence[OnEntry]]
"""Who is told of entries, by their kind."""


@dataclass(slots=True)
class LedgerContents:
    """What the ledger holds, as far as the audit must remember it.

    Attributes:
        size: entries.
        kinds: how many of each kind ("journal", "declaration" ...).
        admissions: (index, entry) by origin.
        revocations: (index, entry) by origin.
    """

    size: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    admissions: dict[str, tuple[int, LedgerEntry]] = field(default_factory=dict)
    revocations: dict[str, tuple[int, LedgerEntry]] = field(default_factory=dict)


def audit_ledger(
    connection: Connection,
    verifier: Verifier,
    problems: Problems,
    told: Told | None = None,
) -> LedgerContents:
    """Every entry, the tree over them, its tiles, the head and its signature by `verifier`.

    `told` are told of each entry of a kind.
    """
    contents = LedgerContents()
    tree = GrownTree(connection, TREE, problems)
    with problems.reading("ledger entries"):
        table = schema.ledger_entries.c
        query = select(table.entry_index, table.body, table.leaf).order_by(table.entry_index)
        for rows in connection.execute(query.execution_options(yield_per=_MANY)).partitions():
            hashes = leaf_hashes([row.body for row in rows])
            for row, leaf in zip(rows, hashes, strict=True):
                if row.entry_index != contents.size:
                    problems.add(f"ledger entry {contents.size}", f"it is missing; {row.entry_index} follows")
                    contents.size = row.entry_index
                _read_entry(contents, row.body, problems, told or {})
                if row.leaf != leaf:
                    problems.add(
                        f"ledger entry {row.entry_index}",
                        "its bytes were changed: they do not have the leaf hash that was entered",
                    )
                contents.size += 1
            # The stored hashes: with them the tree tells whether they or the bytes were changed.
            tree.grow([row.leaf for row in rows])
            problems.progress(len(rows))
        tree.finish()
    with problems.reading("the ledger's head"):
        _audit_head(connection, verifier, tree, problems)
    return contents


def _read_entry(contents: LedgerContents, body: bytes, problems: Problems, told: Told) -> None:
    where = f"ledger entry {contents.size}"
    try:
        entry = LedgerEntry.FromString(body)
    except DecodeError:
        problems.add(where, "its bytes are no LedgerEntry")
        return
    kind = entry.WhichOneof("body")
    if kind is None or entry.format != FORMAT:
        problems.add(where, f"format {entry.format} with body {kind} is not understood")
        return
    contents.kinds[kind] += 1
    if kind == "admission":
        contents.admissions[entry.admission.origin] = (contents.size, entry)
    elif kind == "revocation":
        contents.revocations.setdefault(entry.revocation.origin, (contents.size, entry))
    for each in told.get(kind, ()):
        each(contents.size, entry)


def _audit_head(connection: Connection, verifier: Verifier, tree: GrownTree, problems: Problems) -> None:
    rows = connection.execute(select(schema.ledger_head)).mappings().all()
    where = "the ledger's head"
    if not rows:
        if tree.frontier.size:
            problems.add(where, f"it is missing; there are {tree.frontier.size} entries")
        return
    expected = {"only": 1, "size": tree.frontier.size, "peaks": tree.frontier.to_bytes()}
    problems.compare(where, "the tree over the entries", rows[0], expected)
    try:
        checkpoint = open_checkpoint(rows[0]["checkpoint"], verifier)
    except NoteError as error:
        problems.add(where, f"its checkpoint does not hold: {error}")
        return
    grown = Checkpoint.of(verifier.name, tree.frontier)
    if checkpoint != grown:
        problems.add(
            where,
            f"the signed checkpoint is over {checkpoint.size} entries with root {checkpoint.root.hex()}, "
            f"the stored entries are {grown.size} with root {grown.root.hex()}",
        )


def entries_at(connection: Connection, indices: Collection[int], problems: Problems) -> dict[int, LedgerEntry]:
    """Ledger entries by index, those that are there and can be read."""
    table = schema.ledger_entries.c
    entries: dict[int, LedgerEntry] = {}
    query = select(table.entry_index, table.body).where(table.entry_index.in_(indices))
    for row in connection.execute(query):
        try:
            entries[row.entry_index] = LedgerEntry.FromString(row.body)
        except DecodeError:
            problems.add(f"ledger entry {row.entry_index}", "its bytes are no LedgerEntry")
    return entries
