"""The journal's files in use: writing to the active segment, its roll and repair, and reading of any segment."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from edge_agent.errors import JournalError
from edge_agent.journal.active import ActiveSegment
from edge_agent.journal.chain import Chain, tidy
from edge_agent.journal.closed import ClosedSegments
from edge_agent.journal.migrate import migrate
from edge_agent.journal.recovery import Opened, mend_active, open_active, settle, unsettled
from edge_agent.journal.resealing import head_of, reseal, unknown_in
from edge_agent.journal.reserve import Reserve, is_full
from edge_agent.journal.roll import begin_segment, undo_begun
from edge_agent.journal.segment import DamagedError, Head, entry_hash, read_head
from edge_agent.journal.step import Step
from edge_agent.sqlite_errors import is_read_only, says_damaged
from gate_contract.checkpoint import Signer
from gate_contract.merkle import Frontier
from gate_contract.v1.record_pb2 import Loss

T = TypeVar("T")

"""Primary result codes of SQLite that mean a damaged file."""


class Store:
    """Safe to use from several threads; writers take turns, readers never keep them waiting."""

    def __init__(self, directory: Path, signer: Signer, segment_bytes: int) -> None:
        """Opens, checks and if need be mends the journal in `directory`; JournalError when that cannot be."""
        self.directory, self._signer, self._segment_bytes = directory, signer, segment_bytes
        self.reserve = Reserve(directory.parent / "reserve")
        self.problem = ""
        """Why the last write failed; "" when it did not."""
        self._turn = threading.RLock()
        self._broken: DamagedError | None = None
        self._mended = 0
        self.repairs = 0
        """Rises when a segment may have been made again."""
        try:
            migrate(directory, signer)
            tidy(directory)
            self.chain = Chain(directory)
            if not self.chain.segments:
                begin_segment(self.chain, Head(signer.name, Frontier(), Frontier()))
            opened = open_active(self.chain, signer)
            self._active = ActiveSegment(self.chain, opened)
            self._closed = ClosedSegments(self.chain, signer)
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

    @property
    def head(self) -> Head:
        """The journal's state."""
        return self._active.head

    @property
    def losses(self) -> list[tuple[int, Loss]]:
        """What recovery found to be gone and no record tells yet, by its row."""
        return self._active.losses

    def close(self) -> None:
        """Close the files. Nothing is pending in memory: every commit was durable when it returned."""
        with self._turn, self._active.lock:
            self._active.close()
            self._closed.close()

    def write(self, work: Callable[[Step], T], *, for_receipt: bool = False) -> T:
        """Do `work` in one transaction; JournalError when the disk takes nothing: then nothing of it happened.

        Where SQLite finds the segment damaged, that is mended and `work` is done again. On a full disk the reserve is
        given for it, step by step; its last step only `for_receipt`.
        """
        with self._turn:
            while True:
                try:
                    done = self._mended_write(work)
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
                self.problem = ""
                return done

    def _mended_write(self, work: Callable[[Step], T]) -> T:
        self._attach()
        try:
            return self._active.transaction(work)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            if is_read_only(error):
                self._active.detach()
                self._active.attach()
            else:
                self._mend_active(_damage(error))
            return self._active.transaction(work)

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
        self._active.read_losses_again()

    def told(self, step: Step, losses: list[tuple[int, Loss]]) -> None:
        """Within a transaction: a record tells of these now; `forget_told` comes after it."""
        step.connection.executemany("DELETE FROM losses WHERE loss_id = ?", [(loss_id,) for loss_id, _ in losses])

    def forget_told(self, losses: list[tuple[int, Loss]]) -> None:
        """A record tells of these: it is durable."""
        self._active.losses = [each for each in self._active.losses if each not in losses]

    def scrub(self) -> int | None:
        """Check the closed segment after the one checked before, in turn, and mend it where it is damaged.

        Its first index; None when there is none. Holds nothing up while it reads.
        """
        with self._turn:
            first_index = self._closed.next_one()
        if first_index is not None and not self._closed.is_sound(first_index):
            self.look_at(first_index)
        return first_index

    def look_at(self, first_index: int) -> None:
        """Check a closed segment, and mend it where it is damaged; JournalError when that cannot be."""
        try:
            with self._turn, self._active.lock:
                if first_index in self.chain.segments:
                    self._closed.close()
                    self.repairs += 1
                    settle(self.chain, first_index, self._signer, self.tell)
        except (sqlite3.Error, OSError) as error:
            raise JournalError(f"the segment {first_index:020}.db cannot be mended", cause=str(error)) from error

    def base_of(self, first_index: int) -> Frontier | None:
        """The tree where a kept segment begins."""
        return self.read(first_index, lambda connection: read_head(connection, first_index)).base

    def prune(self, keep: int) -> int:
        """Unlink closed segments that the receipt covers, but the newest of them, at most `keep` bytes; bytes freed."""
        with self._turn, self._active.lock:
            return self._closed.prune(self.head.receipt_size, keep)

    def roll_if_due(self, *, room_needed: bool = False) -> None:
        """Begin the next segment when the active one is full; while the disk takes none, the active one grows on.

        With `room_needed` also when all of the active one is acknowledged: only closed ones can be pruned. The last
        step of the reserve is given for that.
        """
        with self._turn:
            active, head = self._active, self.head
            if room_needed:
                if not active.weight or head.receipt_size < head.frontier.size:
                    return
                self.reserve.give(for_receipt=True)
            elif active.weight < self._segment_bytes:
                return
            head = replace(head, base=head.frontier, version=head.version + 1)
            try:
                self._attach()
                active.sync_leaves()
                begin_segment(self.chain, head, active.writer)
            except (OSError, sqlite3.Error) as error:
                undo_begun(self.chain, head.frontier.size)
                active.weight -= self._segment_bytes // 16  # not at every append
                if is_read_only(error):
                    active.detach()
                return
            with active.lock:
                active.empty_log()
                active.detach()
                self._closed.close()
                active.go_on_with(Opened(head, 0))
            with suppress(OSError, sqlite3.Error):  # or at the next write, which tells
                self._attach()

    def first_unknown(self, start: int) -> int | None:
        """The first record from `start` on whose hash is not known; what is damaged on the way is mended first."""
        for first_index in self.chain.since(start):
            index = self.read(first_index, lambda connection: unknown_in(connection, start))
            if index is not None:
                return index
        return None

    def reseal(self, index: int) -> bool:
        """Seal the journal anew from the record `index` on, whose hash is not known; whether that could be done."""
        try:
            with self._turn, self._active.lock:
                for first_index in self.chain.since(index)[:-1]:
                    self.look_at(first_index)
                weight = self._active.detach().weight
                self._closed.close()
                self.repairs += 1
                try:
                    losses = reseal(self.chain, self._signer, index)
                finally:  # the active segment is made again first, whatever comes then
                    self._active.go_on_with(Opened(head_of(self.chain, self.active), weight))
                    self._active.attach()
                self.tell(losses)
                return bool(losses)
        except (sqlite3.Error, OSError) as error:
            raise JournalError(f"the journal {self.directory} cannot be sealed anew", cause=str(error)) from error

    # --- inside ------------------------------------------------------------------------------------------------------

    def _look(self, first_index: int, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._active.lock:
            if first_index == self.active:
                return self._active.look(work)
            return self._closed.look(first_index, work)

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
        self.repairs += 1
        with self._active.lock:
            head = self._active.detach().head
            self._closed.close()
            self._active.go_on_with(mend_active(self.chain, self._signer, damage, head))
            self._active.attach()
        self._broken = None

    def _attach(self) -> None:
        """Open the active segment where a roll or a repair could not, as often as it takes."""
        if self._broken is not None:
            self._mend_active(self._broken)
        self._active.attach()


def _damage(error: sqlite3.Error | UnicodeDecodeError | DamagedError) -> DamagedError:
    """What is damaged, as SQLite or we found it; any other error goes on."""
    if isinstance(error, DamagedError):
        return error
    if says_damaged(error):
        return DamagedError("SQLite finds it damaged", cause=str(error))
    raise error
