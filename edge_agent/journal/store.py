"""The journal's files in use: transactions on the active segment, its roll, and reading of any segment."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from edge_agent.errors import JournalError
from edge_agent.journal.chain import Chain, tidy
from edge_agent.journal.migrate import migrate
from edge_agent.journal.recovery import Opened, check_closed, fill_leaves, mend_active, open_active, settle, unsettled
from edge_agent.journal.reserve import Reserve, is_full
from edge_agent.journal.roll import begin_segment, undo_begun
from edge_agent.journal.segment import (
    DamagedError,
    Head,
    connect,
    connect_to_read,
    entry_hash,
    read_head,
    write_head,
)
from edge_agent.journal.verify import Leaves
from gate_contract.checkpoint import Signer
from gate_contract.merkle import Frontier
from gate_contract.v1.record_pb2 import Loss

T = TypeVar("T")

CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""Primary result codes of SQLite that mean a damaged file."""


@dataclass(slots=True)
class Step:
    """One transaction: its connection, the head as it will be, and the leaves and bytes of commits it adds."""

    connection: sqlite3.Connection
    head: Head
    leaves: list[bytes] = field(default_factory=list)
    weight: int = 0


class Store:
    """Safe to use from several threads; writers take turns, readers never keep them waiting."""

    def __init__(self, directory: Path, signer: Signer, segment_bytes: int) -> None:
        """Opens, checks and if need be mends the journal in `directory`; JournalError when that cannot be."""
        self.directory, self._signer, self._segment_bytes = directory, signer, segment_bytes
        self.reserve = Reserve(directory.parent / "reserve")
        self.problem = ""
        """Why the last write failed; "" when it did not."""
        self._turn = threading.RLock()
        self._read_lock = threading.RLock()
        self._closed_reader: tuple[int, sqlite3.Connection] | None = None
        self.head: Head
        self._weight: int
        self._leaves_end: int
        self.losses: list[tuple[int, Loss]] = []
        """What recovery found to be gone and no record tells yet, by its row."""
        self._broken: DamagedError | None = None
        self._detached: Opened | None = None
        self._mended = 0
        self._scrubbed = -1
        try:
            migrate(directory)
            tidy(directory)
            self.chain = Chain(directory)
            if not self.chain.segments:
                begin_segment(self.chain, Head(signer.name, Frontier(), Frontier()))
            opened = open_active(self.chain, signer)
            self._connect(opened)
        except (OSError, sqlite3.Error) as error:
            raise JournalError(
                f"the journal {directory} cannot be opened",
                cause=getattr(error, "strerror", None) or str(error),
                fix="check that its directory exists, belongs to this user and has space",
            ) from error
        self.tell(opened.losses)
        for first_index in unsettled(self.chain):
            self.look_at(first_index)

    @property
    def active(self) -> int:
        """First index of the active segment."""
        return self.chain.segments[-1]

    def close(self) -> None:
        """Close the files. Nothing is pending in memory: every commit was durable when it returned."""
        with self._turn, self._read_lock:
            self._disconnect()

    def write(self, work: Callable[[Step], T], *, for_receipt: bool = False) -> T:
        """Do `work` in one transaction; JournalError when the disk takes nothing: then nothing of it happened.

        Where SQLite finds the segment damaged, that is mended and `work` is done again. On a full disk the reserve is
        given for it, step by step; its last step only `for_receipt`.
        """
        with self._turn:
            while True:
                try:
                    return self._mended_write(work)
                except (sqlite3.Error, OSError) as error:
                    self.problem = str(error)
                    if is_full(error) and self.reserve.give(for_receipt=for_receipt):
                        continue
                    raise JournalError(
                        f"the journal {self.directory} cannot be written",
                        cause=str(error),
                        fix="free space on its disk, or look at the disk's health; nothing that was captured is "
                        "affected",
                    ) from error

    def _mended_write(self, work: Callable[[Step], T]) -> T:
        self._attach()
        try:
            return self._transaction(work)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY:
                self._open_again()  # where a file could not be opened for writing once, SQLite only reads it for good
            else:
                self._mend_active(_damage(error))
            return self._transaction(work)

    def read(self, first_index: int, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` with the segment that begins there, in one moment of it; a damaged one is mended first."""
        mended = self._mended
        try:
            try:
                return self._look(first_index, work)
            except (sqlite3.Error, UnicodeDecodeError, DamagedError) as error:
                self._mend(first_index, _damage(error), mended)
                return self._look(first_index, work)
        except (sqlite3.Error, OSError) as error:
            raise JournalError(f"the journal {self.directory} cannot be read", cause=str(error)) from error

    def tell(self, losses: list[Loss]) -> None:
        """Keep losses until a record tells of them."""
        if not losses:
            return
        rows = [(body, entry_hash(body)) for body in (loss.SerializeToString() for loss in losses)]
        self.write(lambda step: step.connection.executemany("INSERT INTO losses (body, sha256) VALUES (?, ?)", rows))
        self.losses = self._read_losses()

    def told(self, step: Step, losses: list[tuple[int, Loss]]) -> None:
        """Within a transaction: a record tells of these now."""
        step.connection.executemany("DELETE FROM losses WHERE loss_id = ?", [(loss_id,) for loss_id, _ in losses])

    def scrub(self) -> int | None:
        """Check the closed segment after the one checked before, in turn, and mend it where it is damaged.

        Its first index; None when there is none. Holds nothing up while it reads.
        """
        with self._turn:
            closed = self.chain.segments[:-1]
        if not closed:
            return None
        self._scrubbed = next((first for first in closed if first > self._scrubbed), closed[0])
        try:
            if check_closed(self.chain, self._scrubbed, self._signer).leaves is Leaves.FIT:
                return self._scrubbed
        except DamagedError:
            pass  # or it was pruned meanwhile
        except OSError as error:
            raise JournalError(f"the segment {self._scrubbed:020}.db cannot be read", cause=str(error)) from error
        self.look_at(self._scrubbed)
        return self._scrubbed

    def look_at(self, first_index: int) -> None:
        """Check a closed segment, and mend it where it is damaged; JournalError when that cannot be."""
        try:
            with self._turn, self._read_lock:
                if first_index in self.chain.segments:
                    self._forget_reader()
                    settle(self.chain, first_index, self._signer, self.tell)
        except (sqlite3.Error, OSError) as error:
            raise JournalError(f"the segment {first_index:020}.db cannot be mended", cause=str(error)) from error

    def base_of(self, first_index: int) -> Frontier | None:
        """The tree where a kept segment begins."""
        return self.read(first_index, lambda connection: read_head(connection, first_index)).base

    def prune(self, keep: int) -> int:
        """Unlink closed segments that the receipt covers, but the newest of them, at most `keep` bytes; bytes freed."""
        with self._turn, self._read_lock:
            covered = [first for first in self.chain.segments[:-1] if self._covered(first)]
            try:
                weights = {first: self.chain.segment(first).stat().st_size for first in covered}
                freed, kept = 0, sum(weights.values())
                for first in covered:
                    if kept <= keep:
                        break
                    self._forget_reader()
                    self.chain.forget(first)
                    freed, kept = freed + weights[first], kept - weights[first]
            except OSError as error:
                raise JournalError(
                    f"acknowledged segments in {self.directory} cannot be removed", cause=error.strerror or str(error)
                ) from error
            return freed

    def _covered(self, first_index: int) -> bool:
        end = self.chain.end_of(first_index)
        return end is not None and end <= self.head.receipt_size

    # --- inside ------------------------------------------------------------------------------------------------------

    def _look(self, first_index: int, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._read_lock:
            connection = self._reader if first_index == self.active else self._reader_of(first_index)
            connection.execute("BEGIN")
            try:
                return work(connection)
            finally:
                _undo(connection)

    def _mend(self, first_index: int, damage: DamagedError, mended: int) -> None:
        """Mend a segment, unless another thread has just done it."""
        with self._turn:
            if mended != self._mended:
                return
            if first_index == self.active:
                self._mend_active(damage)
            else:
                self.look_at(first_index)
            self._mended += 1

    def _mend_active(self, damage: DamagedError) -> None:
        """Mend the active segment in its place, from the head that this process knows."""
        self._broken = damage
        with self._read_lock:
            self._disconnect()
            self._connect(mend_active(self.chain, self._signer, damage, self.head))
        self._broken = None

    def _transaction(self, work: Callable[[Step], T]) -> T:
        step = Step(self._writer, self.head)
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            changes = self._writer.total_changes
            done = work(step)
            if (
                step.head is not self.head or self._writer.total_changes != changes
            ):  # every change is counted: see Witness
                step.head = replace(step.head, version=self.head.version + 1)
                write_head(self._writer, step.head)
            self._writer.execute("COMMIT")
        finally:
            _undo(self._writer)
        self.problem = ""
        before, self.head = self.head, step.head
        self._weight += step.weight
        with suppress(OSError, JournalError):  # the commit stands; the next one makes up for it, or tells
            if step.leaves:
                self._write_leaves(before.frontier.size, step.leaves)
            self.chain.witness.write(self.head.version)
        return done

    def _write_leaves(self, start: int, leaves: list[bytes]) -> None:
        """After the commit, never before it; with those that a full disk did not take before."""
        if self._leaves_end < start:
            self.read(self.active, lambda connection: fill_leaves(connection, self._leaves, self._leaves_end))
        else:
            self._leaves.write(start, b"".join(leaves))
        self._leaves_end = start + len(leaves)

    def roll_if_due(self, *, room_needed: bool = False) -> None:
        """Begin the next segment when the active one is full; while the disk takes none, the active one grows on.

        With `room_needed` also when all of the active one is acknowledged: only closed ones can be pruned. The last
        step of the reserve is given for that.
        """
        with self._turn:
            if room_needed:
                if not self._weight or self.head.receipt_size < self.head.frontier.size:
                    return
                self.reserve.give(for_receipt=True)
            elif self._weight < self._segment_bytes:
                return
            head = replace(self.head, base=self.head.frontier, version=self.head.version + 1)
            try:
                self._leaves.sync()
                begin_segment(self.chain, head, self._writer)
            except (OSError, sqlite3.Error):
                undo_begun(self.chain, head.frontier.size)
                self._weight -= self._segment_bytes // 16  # not at every append
                return
            with self._read_lock:
                with suppress(sqlite3.Error):  # or at the next start
                    self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                self._disconnect()
                self._detached = Opened(head, 0)
                self.head, self._weight = head, 0  # it is the active one now, whether it can be opened or not
            with suppress(OSError, sqlite3.Error):  # or at the next write, which tells
                self._attach()

    def _connect(self, opened: Opened) -> None:
        path = self.chain.segment(self.active)
        self._writer, self._reader = connect(path), connect(path)
        self._leaves = self.chain.leaves(self.active)
        self._leaves_end = self._leaves.end
        self.head, self._weight = opened.head, opened.weight
        self.losses = self._read_losses()
        self._detached = None

    def _open_again(self) -> None:
        with self._read_lock:
            self._disconnect()
            self._detached = Opened(self.head, self._weight)
            self._connect(self._detached)

    def _attach(self) -> None:
        """Open the active segment where a roll or a repair could not, as often as it takes."""
        if self._broken is not None:
            self._mend_active(self._broken)
        elif self._detached is not None:
            with self._read_lock:
                self._connect(self._detached)

    def _read_losses(self) -> list[tuple[int, Loss]]:
        rows = self._writer.execute("SELECT loss_id, body FROM losses ORDER BY loss_id").fetchall()
        return [(loss_id, Loss.FromString(body)) for loss_id, body in rows]

    def _disconnect(self) -> None:
        self._reader.close()
        self._writer.close()
        self._leaves.close()
        self.chain.witness.close()
        self._forget_reader()

    def _reader_of(self, first_index: int) -> sqlite3.Connection:
        if self._closed_reader is None or self._closed_reader[0] != first_index:
            self._forget_reader()
            self._closed_reader = first_index, connect_to_read(self.chain.segment(first_index))
        return self._closed_reader[1]

    def _forget_reader(self) -> None:
        if self._closed_reader is not None:
            self._closed_reader[1].close()
            self._closed_reader = None


def _damage(error: sqlite3.Error | UnicodeDecodeError | DamagedError) -> DamagedError:
    """What is damaged, as SQLite or we found it; any other error goes on."""
    if isinstance(error, DamagedError):
        return error
    if isinstance(error, UnicodeDecodeError) or getattr(error, "sqlite_errorcode", 0) & 0xFF in CORRUPT:
        return DamagedError("SQLite finds it damaged", cause=str(error))
    raise error


def _undo(connection: sqlite3.Connection) -> None:
    """End a transaction that is still open; whatever failed before has been told."""
    with suppress(sqlite3.Error):  # the disk is gone, or the file was closed meanwhile
        if connection.in_transaction:
            connection.execute("ROLLBACK")
