"""Records that no device waits for: incidents, garbled bytes, starts and stops. While the disk takes none they wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import structlog

from edge_agent.app.incidents import IncidentBook
from edge_agent.app.records import RecordMaker
from edge_agent.errors import JournalError
from edge_agent.journal.journal import Journal
from gate_contract.v1.record_pb2 import Incident

LOG = structlog.get_logger()

INCIDENTS = "/incidents"
"""Where open incidents are remembered, among the lanes' passages under way; no lane can have this name."""

MAX_UNWRITTEN = 256
"""Incidents and garbled bytes waiting while the disk takes nothing; the oldest go first, counted in the log."""


class Recorder:
    """Appends such records in order. Safe to use from several threads."""

    def __init__(
        self, journal: Journal, records: RecordMaker, incidents: IncidentBook, appended: Callable[[], None]
    ) -> None:
        """`appended` is called when records are in the journal."""
        self._journal, self._records, self._incidents, self._appended = journal, records, incidents, appended
        self._unwritten: list[bytes] = []
        self._lock = threading.Lock()

    def record(self, bodies: Iterable[bytes]) -> None:
        """Append records, with those that wait before them; kept in memory, bounded, while the disk takes nothing."""
        with self._lock:
            self._unwritten += bodies
            if not self._unwritten:
                return
            try:
                self._journal.append(self._unwritten, in_flight={INCIDENTS: self._incidents.remember()})
            except JournalError as error:
                LOG.error("journal.append_failed", problem=str(error), waiting=len(self._unwritten))  # noqa: TRY400 - told in words
                if (excess := len(self._unwritten) - MAX_UNWRITTEN) > 0:
                    del self._unwritten[:excess]
                    LOG.error("journal.dropped", records=excess)  # noqa: TRY400 - told in words
                return
            self._unwritten.clear()
        self._appended()

    def tell(self, incidents: list[Incident]) -> None:
        """Record what began or ended."""
        self.record([self._records.incident(incident) for incident in incidents])
