"""Housekeeping: what must happen now and then, beside all that is captured."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from edge_agent.app.incidents import IncidentBook
from edge_agent.app.recorder import Recorder
from edge_agent.app.records import RecordMaker
from edge_agent.errors import JournalError
from edge_agent.journal.journal import Journal
from edge_agent.model.moment import Moment

LOG = structlog.get_logger()

KEEP_HOUSE_EVERY_S = 5.0
SCRUB_EVERY_S = 60.0

JOURNAL = "journal"
DISK = "disk"
"""What incidents of the journal and its disk are about."""

NO_ROOM = (
    "The disk is nearly full. What is left is for records: pictures and weight curves are not kept, and the records "
    "say so. Free space, or let the uplink deliver what waits (gatectl status)"
)


@dataclass(frozen=True, slots=True)
class Beside:
    """What the house asks of the rest of the agent.

    Attributes:
        open_cameras: listens for cameras whose address could not be had before.
        is_well: whether the device of this name works.
        appended: called when records are in the journal.
    """

    open_cameras: Callable[[], None]
    is_well: Callable[[str], bool]
    appended: Callable[[], None]


class House:
    """Keeps a journal in order, in a thread of its own."""

    def __init__(
        self,
        journal: Journal,
        records: RecordMaker,
        recorder: Recorder,
        incidents: IncidentBook,
        keep_acknowledged: int,
        clock: Callable[[], Moment],
        beside: Beside,
    ) -> None:
        """`keep_acknowledged` bytes of acknowledged segments are kept while there is room."""
        self._journal, self._records, self._recorder, self._incidents = journal, records, recorder, incidents
        self._keep_acknowledged, self._clock, self._beside = keep_acknowledged, clock, beside
        self._stop = threading.Event()
        self._scrubbed = clock()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin to keep house."""
        self._thread.start()

    def halt(self) -> None:
        """Begin nothing more."""
        self._stop.set()

    def stop(self) -> None:
        """Halt, and wait for what is being done."""
        self.halt()
        self._thread.join(timeout=2)

    def record_losses(self) -> None:
        """What the journal found to be gone is itself a record."""
        for loss in self._journal.losses:
            LOG.error("journal.loss", text=loss.text, quarantined=loss.quarantined)
        try:
            self._journal.record_losses(self._records.loss)
        except JournalError as error:
            LOG.error("journal.losses_not_recorded", problem=str(error))  # noqa: TRY400 - told in words
        else:
            self._beside.appended()

    def _run(self) -> None:
        """Late records written, acknowledged ones forgotten, damage found before it is needed."""
        while not self._stop.wait(KEEP_HOUSE_EVERY_S):
            self._beside.open_cameras()
            self._recorder.record([])
            self._scrub()
            self.record_losses()
            self._watch_journal()
            self._recorder.tell(self._incidents.settled(self._beside.is_well, self._clock()))
            self._make_room()

    def _scrub(self) -> None:
        """Look at a part of the journal that lies long, now and then."""
        now = self._clock()
        if now.seconds_since(self._scrubbed) < SCRUB_EVERY_S:
            return
        self._scrubbed = now
        try:
            self._journal.scrub()
        except JournalError as error:
            LOG.error("journal.not_scrubbed", problem=str(error))  # noqa: TRY400 - told in words

    def _watch_journal(self) -> None:
        """That nothing could be written is written down as soon as it can be."""
        now, problem = self._clock(), self._journal.problem
        if problem:
            self._recorder.tell(self._incidents.began(JOURNAL, "journal-not-written", problem, now))
        else:
            self._recorder.tell(self._incidents.ended(JOURNAL, now))

    def _make_room(self) -> None:
        """Forget what is acknowledged, and say when the disk takes no more pictures."""
        try:
            self._journal.prune(self._keep_acknowledged)
        except JournalError as error:
            LOG.warning("journal.not_pruned", problem=str(error))
        whole = self._journal.restore_reserve()
        if self._journal.room_is_low:
            self._recorder.tell(self._incidents.began(DISK, "evidence-not-kept", NO_ROOM, self._clock()))
        elif whole:
            self._recorder.tell(self._incidents.ended(DISK, self._clock()))
