"""The active segment in use: its connections, its transactions, and the leaves written after them."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from typing import TypeVar

from edge_agent.journal.chain import Chain
from edge_agent.journal.recovery import Opened, fill_leaves
from edge_agent.journal.seen import upgrade
from edge_agent.journal.segment import connect, write_head
from edge_agent.journal.step import Step
from gate_contract.v1.record_pb2 import Loss

T = TypeVar("T")


class ActiveSegment:
    """The files of the segment that is written. One thread at a time writes; readers take `lock`.

    Attributes:
        head: the journal's state.
        weight: of the commits in the segment.
        losses: what recovery found to be gone and no record tells yet, by its row.
    """

    def __init__(self, chain: Chain, opened: Opened) -> None:
        """Opens the active segment of `chain`; OSError and sqlite3.Error go to the caller."""
        self._chain = chain
        self.lock = threading.RLock()
        self.head, self.weight = opened.head, opened.weight
        self.losses: list[tuple[int, Loss]] = []
        self._detached: Opened | None = opened
        self.attach()

    def attach(self) -> None:
        """Open the segment where it is not open, as often as it takes."""
        if self._detached is None:
            return
        with self.lock:
            path = self._chain.segment(self._chain.segments[-1])
            with ExitStack() as undone:
                writer = undone.enter_context(closing(connect(path)))
                upgrade(writer)
                self.writer, self.reader = writer, connect(path)
                undone.pop_all()
            self._leaves = self._chain.leaves(self._chain.segments[-1])
            self._leaves_end = self._leaves.end
            self.losses = self._read_losses()
            self.head, self.weight = self._detached.head, self._detached.weight
            self._detached = None

    def detach(self) -> Opened:
        """Close the files; `attach` opens them again, or those of `go_on_with`. What it was."""
        with self.lock:
            was = Opened(self.head, self.weight)
            self.close()
            self._detached = was
            return was

    def go_on_with(self, opened: Opened) -> None:
        """From now on another file is the active segment, or the same one made again; `detach` comes before."""
        self._detached = opened
        self.head, self.weight = opened.head, opened.weight  # it counts, whether it can be opened or not

    def close(self) -> None:
        """Close the files. Every commit was durable when it returned."""
        with self.lock:
            self.reader.close()
            self.writer.close()
            self._leaves.close()
            self._chain.witness.close()

    def transaction(self, work: Callable[[Step], T]) -> T:
        """Do `work` in one transaction; sqlite3.Error when it fails: then nothing of it happened."""
        step = Step(self.writer, self.head)
        try:
            self.writer.execute("BEGIN IMMEDIATE")
            changes = self.writer.total_changes
            done = work(step)
            if step.head is not self.head or self.writer.total_changes != changes:  # every change counts: see Witness
                step.head = replace(step.head, version=self.head.version + 1)
                write_head(self.writer, step.head)
            self.writer.execute("COMMIT")
        finally:
            undo(self.writer)
        before, self.head = self.head, step.head
        self.weight += step.weight
        with suppress(OSError, sqlite3.Error):  # the commit stands; the next one makes up for it, or tells
            if step.leaves:
                self._write_leaves(before.frontier.size, step.leaves)
            self._chain.witness.write(self.head.version)
        return done

    def look(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` in one moment of the segment; sqlite3.Error goes to the caller."""
        with self.lock:
            return looked(self.reader, work)

    def read_losses_again(self) -> None:
        """After losses were written."""
        self.losses = self._read_losses()

    def sync_leaves(self) -> None:
        """Before the segment is closed. OSError goes to the caller."""
        self._leaves.sync()

    def empty_log(self) -> None:
        """Bring what is in the log into the file, if the disk takes it; SQLite does so at the next start, too."""
        with suppress(sqlite3.Error):
            self.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _write_leaves(self, start: int, leaves: list[bytes]) -> None:
        """After the commit, never before it; with those that a full disk did not take before."""
        if self._leaves_end < start:
            self.look(lambda connection: fill_leaves(connection, self._leaves, self._leaves_end))
        else:
            self._leaves.write(start, b"".join(leaves))
        self._leaves_end = start + len(leaves)

    def _read_losses(self) -> list[tuple[int, Loss]]:
        rows = self.writer.execute("SELECT loss_id, body FROM losses ORDER BY loss_id").fetchall()
        return [(loss_id, Loss.FromString(body)) for loss_id, body in rows]


def looked(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    """Do `work` in one transaction that only reads."""
    connection.execute("BEGIN")
    try:
        return work(connection)
    finally:
        undo(connection)


def undo(connection: sqlite3.Connection) -> None:
    """End a transaction that is still open; whatever failed before has been told."""
    with suppress(sqlite3.Error):  # the disk is gone, or the file was closed meanwhile
        if connection.in_transaction:
            connection.execute("ROLLBACK")
