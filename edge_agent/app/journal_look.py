"""One look at the journal each status turn: its balance, its ages, and whether anything goes up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from edge_agent.errors import JournalError
from edge_agent.journal.journal import Counts, Journal
from edge_agent.model.moment import Moment
from edge_agent.model.wire import moment_of
from edge_agent.status.balance import Balance, BalanceWatch
from edge_agent.status.counting import CommitCount
from edge_agent.status.health import Waiting, waited
from gate_contract.checkpoint import NoteError, Verifier, open_receipt
from gate_contract.v1.record_pb2 import Record


@dataclass(frozen=True, slots=True)
class JournalLook:
    """What was seen.

    Attributes:
        counts: the journal's own balance.
        oldest_pending: when the oldest pending record was captured; None when there is none or nobody can say.
        receipt_unix_ns: when the latest receipt came, wall clock; 0 when there is none.
        receipt_age_s: seconds since it came; None when it came before this agent started.
        stalled_s: seconds that records have waited without a receipt.
        imbalance: what does not balance; "" when all does.
        breach: whether that was found just now, and must be told.
    """

    counts: Counts
    oldest_pending: Moment | None
    receipt_unix_ns: int
    receipt_age_s: float | None
    stalled_s: float
    imbalance: str
    breach: bool

    def shown(self, now: Moment) -> dict[str, Any]:
        """The journal's part of the snapshot."""
        oldest = self.oldest_pending
        return {
            "captured": self.counts.captured,
            "acknowledged": self.counts.acknowledged,
            "pending": self.counts.pending,
            "dead_lettered": self.counts.dead_lettered,
            "oldest_pending_unix_ns": oldest and oldest.wall,
            "oldest_pending_age_s": oldest and max(0, int(now.seconds_since(oldest))),
            "last_receipt_unix_ns": self.receipt_unix_ns or None,
            "last_receipt_age_s": None if self.receipt_age_s is None else int(self.receipt_age_s),
            "imbalance": self.imbalance,
            "imbalanced": bool(self.imbalance),
        }


class JournalWatch:
    """Looks at one journal; used from one thread."""

    def __init__(self, journal: Journal, directory: Path, receipts: Verifier) -> None:
        """`directory` is the journal's; `receipts` the collector's key that the stored receipt is checked with."""
        self._journal, self._receipts = journal, receipts
        self._commits = CommitCount(directory)
        self._balance = BalanceWatch()
        self._waiting = Waiting()
        self._looked: Moment | None = None
        self._receipted = -1
        self._receipt_came: Moment | None = None
        self._note, self._covers = b"", 0

    def look(self, now: Moment) -> JournalLook:
        """What cannot be read is left out: a status that is not written would say less."""
        counted = self._commits.look()
        counts = self._journal.counts()
        receipted = self._signed_receipt()
        balance = Balance(
            counts.captured, counts.acknowledged, counts.pending, counts.dead_lettered, receipted, counted
        )
        breach = self._balance.look(balance)
        step_s = 0.0 if self._looked is None else now.seconds_since(self._looked)
        self._looked = now
        self._waiting = waited(self._waiting, receipted=receipted, pending=counts.pending, step_s=step_s)
        self._receipt_seen(receipted, now)
        came = self._receipt_came
        return JournalLook(
            counts=counts,
            oldest_pending=self._captured(counts.captured - counts.pending) if counts.pending else None,
            receipt_unix_ns=self._journal.receipt_unix_ns(),
            receipt_age_s=None if came is None else now.seconds_since(came),
            stalled_s=self._waiting.seconds,
            imbalance=self._balance.problem,
            breach=breach,
        )

    def _signed_receipt(self) -> int:
        """What the receipt covers by its signed text; 0 without one, -1 for one that is not the collector's."""
        _, note = self._journal.receipt()
        if note != self._note:
            try:
                self._covers = open_receipt(note, self._receipts, self._journal.origin).checkpoint.size if note else 0
            except NoteError:
                self._covers = -1
            self._note = note
        return self._covers

    def _receipt_seen(self, receipted: int, now: Moment) -> None:
        if self._receipted >= 0 and receipted != self._receipted:
            self._receipt_came = now
        self._receipted = receipted

    def _captured(self, index: int) -> Moment | None:
        try:
            body = self._journal.record(index)
            return None if body is None else moment_of(Record.FromString(body).captured)
        except (DecodeError, JournalError):  # its age is not known
            return None
