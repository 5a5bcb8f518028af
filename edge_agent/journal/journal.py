"""The sealed journal: append, seal, receipts, prune, recover.

One file, one writer. Every append is one transaction that holds the records, the signed checkpoint that covers them,
and what else must be true at the same moment (which inbox entries they consumed, which passages are under way).
When an append has returned, the records are on disk and signed; when it has raised, nothing of it happened.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_agent.errors import JournalError
from edge_agent.journal.file import JournalFile
from edge_agent.journal.spool import Spool
from edge_agent.model.sealed import Stretch
from gate_contract.checkpoint import Checkpoint, NoteError, Receipt, Signer, open_checkpoint
from gate_contract.envelope import MAX_RECORD_BYTES, leaf_hashes
from gate_contract.merkle import EMPTY_ROOT, Frontier, ProofError

MAX_COMMIT_RECORDS = 2048
MAX_COMMIT_BYTES = 524_288
"""Records and bytes under one checkpoint: they bound the smallest batch that can be sent."""


@dataclass(frozen=True, slots=True)
class Counts:
    """captured = acknowledged + pending + dead_lettered, always; from one moment."""

    captured: int
    acknowledged: int
    pending: int
    dead_lettered: int


class Journal:
    """An agent's journal. Safe to use from several threads; writers take turns."""

    def __init__(self, path: Path, signer: Signer) -> None:
        """Open or make the journal at `path`, sealed by `signer` (named after the journal's origin).

        Raises JournalError when it belongs to another key, or its tree does not fit its last signed checkpoint.
        """
        self._file, self._signer = JournalFile(path), signer
        self._frontier = self._recover()
        self.spool = Spool(self._file)

    @property
    def origin(self) -> str:
        """Origin of the journal's checkpoints."""
        return self._signer.name

    @property
    def problem(self) -> str:
        """Why nothing can be written now; "" while it can, as far as was tried."""
        return self._file.problem

    @property
    def size(self) -> int:
        """Records captured since the journal was made."""
        return self._frontier.size

    def close(self) -> None:
        """Close the file. Nothing is pending in memory: every append was durable when it returned."""
        self._file.close()

    # --- writing -------------------------------------------------------------------------------------------------

    def append(
        self,
        records: Sequence[bytes],
        *,
        consumed: Sequence[int] = (),
        in_flight: Mapping[str, bytes] | None = None,
    ) -> int:
        """Make records durable and signed; the index of the first one.

        Args:
            records: serialised Record messages; may be empty when only the state beside them changes.
            consumed: inbox entries that are taken into these records or into `in_flight`.
            in_flight: passages under way, by lane; empty bytes when none is.

        Raises:
            JournalError: nothing of it happened (disk full, disk error, a record over MAX_RECORD_BYTES).
        """
        if any(len(record) > MAX_RECORD_BYTES for record in records):
            raise JournalError(f"a record of more than {MAX_RECORD_BYTES} bytes cannot be captured")
        with self._file.writing() as connection:
            first = self._frontier.size
            frontier = self._frontier
            for group in _commit_groups(records):
                frontier = self._seal(connection, frontier, group)
            if records:
                connection.execute(
                    "UPDATE head SET size = ?, peaks = ? WHERE only = 1", (frontier.size, frontier.to_bytes())
                )
            connection.executemany("DELETE FROM inbox WHERE inbox_id = ?", [(inbox_id,) for inbox_id in consumed])
            connection.executemany("INSERT OR REPLACE INTO in_flight VALUES (?, ?)", list((in_flight or {}).items()))
            connection.execute("COMMIT")
            self._frontier = frontier
        return first

    def acknowledge(self, receipt: Receipt, note: bytes, dead_lettered: int, received_ns: int) -> None:
        """Keep a verified receipt: what it covers may be forgotten from now on.

        A receipt for less than an earlier one changes nothing. JournalError when it names a root that this journal
        never had at that size, or more records than there are.
        """
        with self._file.writing() as connection:
            size = receipt.checkpoint.size
            self._check_receipt(connection, receipt.checkpoint)
            connection.execute(
                "UPDATE head SET receipt_size = ?, receipt = ?, receipt_ns = ?, dead_lettered = ? "
                "WHERE only = 1 AND receipt_size <= ?",
                (size, note, received_ns, dead_lettered, size),
            )
            connection.execute("COMMIT")

    def prune(self, keep: int) -> int:
        """Forget records that a receipt covers, except the newest `keep` of them; how many went.

        At most 50,000 a call, so that capture never waits long.
        """
        with self._file.writing() as connection:
            receipt_size, pruned = connection.execute("SELECT receipt_size, pruned FROM head").fetchone()
            until = min(receipt_size - keep, pruned + 50_000)
            if until <= pruned:
                connection.execute("ROLLBACK")
                return 0
            connection.execute("DELETE FROM records WHERE record_index < ?", (until,))
            connection.execute("DELETE FROM checkpoints WHERE size < ?", (until,))
            connection.execute("UPDATE head SET pruned = ? WHERE only = 1", (until,))
            connection.execute("COMMIT")
        return int(until - pruned)

    # --- reading -------------------------------------------------------------------------------------------------

    def stretch(self, first_index: int, max_records: int, max_bytes: int) -> Stretch | None:
        """Records from `first_index` on up to a signed checkpoint; None when there are none.

        JournalError when they are not there any more.
        Ends at the last checkpoint within `max_records` and `max_bytes`; at least one commit, which may be larger
        than either.
        """
        with self._file.reading() as reader:
            ends = reader.execute(
                "SELECT size FROM checkpoints WHERE size > ? AND size <= ? ORDER BY size DESC LIMIT 1",
                (first_index, first_index + max_records),
            ).fetchone()
            if ends is None:
                ends = reader.execute("SELECT min(size) FROM checkpoints WHERE size > ?", (first_index,)).fetchone()
            if ends[0] is None:
                return None
            records: list[bytes] = []
            total = 0
            for (body,) in reader.execute(
                "SELECT body FROM records WHERE record_index >= ? AND record_index < ? ORDER BY record_index",
                (first_index, ends[0]),
            ):
                total += len(body)
                if records and total > max_bytes:
                    return self._cut(reader, first_index, records, ends[0])
                records.append(body)
            return self._sealed(reader, first_index, records, ends[0])

    def record(self, index: int) -> bytes | None:
        """One record's bytes; None when it is not there (any more)."""
        with self._file.reading() as reader:
            row = reader.execute("SELECT body FROM records WHERE record_index = ?", (index,)).fetchone()
        return None if row is None else bytes(row[0])

    def counts(self) -> Counts:
        """The journal's balance, from one moment."""
        with self._file.reading() as reader:
            size, acknowledged, dead = reader.execute("SELECT size, receipt_size, dead_lettered FROM head").fetchone()
        return Counts(size, acknowledged - dead, size - acknowledged, dead)

    def receipt(self) -> tuple[int, bytes]:
        """Size that the latest receipt covers, and its note; (0, b"") when there is none."""
        with self._file.reading() as reader:
            size, note = reader.execute("SELECT receipt_size, receipt FROM head").fetchone()
        return int(size), bytes(note)

    def receipt_unix_ns(self) -> int:
        """When the latest receipt came, wall clock; 0 when there is none."""
        with self._file.reading() as reader:
            return int(reader.execute("SELECT receipt_ns FROM head").fetchone()[0])

    def kept(self) -> int:
        """Records in the file."""
        with self._file.reading() as reader:
            size, pruned = reader.execute("SELECT size, pruned FROM head").fetchone()
        return int(size - pruned)

    def in_flight(self) -> dict[str, bytes]:
        """Passages under way when last appended, by lane."""
        with self._file.reading() as reader:
            return dict(reader.execute("SELECT lane_id, body FROM in_flight").fetchall())

    # --- inside --------------------------------------------------------------------------------------------------

    def _seal(self, connection: sqlite3.Connection, frontier: Frontier, records: Sequence[bytes]) -> Frontier:
        grown = frontier.grown(leaf_hashes(records))
        note = self._signer.sign(Checkpoint.of(self.origin, grown).body()).to_bytes()
        connection.executemany("INSERT INTO records VALUES (?, ?)", enumerate(records, start=frontier.size))
        connection.execute("INSERT INTO checkpoints VALUES (?, ?)", (grown.size, note))
        return grown

    def _cut(self, reader: sqlite3.Connection, first_index: int, records: list[bytes], end: int) -> Stretch:
        """Shorten to the last checkpoint within what was read, or go on to the first one after it."""
        within = reader.execute(
            "SELECT max(size) FROM checkpoints WHERE size > ? AND size <= ?", (first_index, first_index + len(records))
        ).fetchone()[0]
        if within is not None:
            return self._sealed(reader, first_index, records[: within - first_index], within)
        end = reader.execute("SELECT min(size) FROM checkpoints WHERE size > ?", (first_index,)).fetchone()[0]
        rows = reader.execute(
            "SELECT body FROM records WHERE record_index >= ? AND record_index < ? ORDER BY record_index",
            (first_index, end),
        ).fetchall()
        return self._sealed(reader, first_index, [body for (body,) in rows], end)

    def _sealed(self, reader: sqlite3.Connection, first_index: int, records: list[bytes], end: int) -> Stretch:
        if len(records) != end - first_index:
            raise JournalError(
                f"the journal {self._file.path} lacks records between {first_index} and {end}",
                cause=f"{len(records)} of {end - first_index} are there",
                fix="if the collector was restored from an older backup: it asks for what was forgotten here upon its "
                "receipt. If not: the file was altered or damaged, keep a copy of it as evidence",
            )
        note = reader.execute("SELECT note FROM checkpoints WHERE size = ?", (end,)).fetchone()[0]
        return Stretch(first_index, records, bytes(note))

    def _check_receipt(self, connection: sqlite3.Connection, checkpoint: Checkpoint) -> None:
        if checkpoint.size > self._frontier.size:
            raise JournalError(
                f"the collector holds {checkpoint.size} records of this journal, which has {self._frontier.size}",
                cause="the journal was replaced by an older copy",
                fix="enrol this machine again: a new key begins a new journal",
            )
        row = connection.execute("SELECT note FROM checkpoints WHERE size = ?", (checkpoint.size,)).fetchone()
        if row is not None and open_checkpoint(bytes(row[0]), self._signer.verifier).root != checkpoint.root:
            raise JournalError(f"the receipt for {checkpoint.size} records names another root than this journal has")

    def _recover(self) -> Frontier:
        """The tree as last committed; refuses a file whose head, checkpoint and key do not fit together."""
        with self._file.writing() as connection:
            row = connection.execute("SELECT origin, size, peaks FROM head").fetchone()
            if row is None:
                connection.execute(
                    "INSERT INTO head VALUES (1, ?, 0, x'', 0, x'', 0, 0, 0)",
                    (self.origin,),
                )
                connection.execute("COMMIT")
                return Frontier()
            origin, size, peaks = row
            if origin != self.origin:
                raise JournalError(
                    f"the journal {self._file.path} belongs to {origin}, this agent's key to {self.origin}",
                    fix="give the agent an empty state directory, or restore the key that belongs to this journal",
                )
            newest = connection.execute("SELECT max(record_index) + 1 FROM records").fetchone()[0]
            note = connection.execute("SELECT note FROM checkpoints WHERE size = ?", (size,)).fetchone()
            return self._checked_head(size, bytes(peaks), newest, note)

    def _checked_head(self, size: int, peaks: bytes, newest: int | None, note: tuple[bytes] | None) -> Frontier:
        try:
            frontier = Frontier.from_bytes(size, peaks)
            signed = open_checkpoint(bytes(note[0]), self._signer.verifier).root if note else EMPTY_ROOT
        except (ProofError, NoteError) as error:
            raise self._damaged(size, str(error)) from error
        if signed != frontier.root():
            raise self._damaged(size, "the last signed checkpoint has another root")
        if newest not in (None, size):
            raise JournalError(f"the journal {self._file.path} ends at record {newest}, its head says {size}")
        return frontier

    def _damaged(self, size: int, cause: str) -> JournalError:
        return JournalError(
            f"the journal {self._file.path} is damaged at its head ({size} records)",
            cause=cause,
            fix="keep a copy of the file as evidence before anything else",
        )


def _commit_groups(records: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Records in order, in groups within both bounds; a single record may be as large as any record may be."""
    start = size = 0
    for index, record in enumerate(records):
        full = index - start >= MAX_COMMIT_RECORDS or size + len(record) > MAX_COMMIT_BYTES
        if full and index > start:
            yield records[start:index]
            start, size = index, 0
        size += len(record)
    if start < len(records):
        yield records[start:]
