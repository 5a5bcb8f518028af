"""The uplink joined with what it carries (journal, evidence, reference) and with those it must tell."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from edge_agent import __version__
from edge_agent.app.connector import CollectorConnector
from edge_agent.app.incidents import IncidentBook
from edge_agent.app.reference import ReferenceDesk
from edge_agent.errors import EvidenceLostError
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.journal.journal import Journal
from edge_agent.keys import AgentKeys
from edge_agent.model.moment import Moment
from edge_agent.uplink.progress import Progress, UplinkState
from edge_agent.uplink.stream import RecordStream
from edge_agent.uplink.supervisor import Uplink
from gate_contract.v1.record_pb2 import Incident

LOG = structlog.get_logger()

UPLINK = "uplink"
COLLECTOR = "the collector"
"""What incidents of the uplink are about."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What goes up and comes down."""

    journal: Journal
    evidence: EvidenceStore
    reference: ReferenceDesk


class UplinkDesk:
    """Runs the uplink, remembers how it gets on, and tells what goes wrong with it."""

    def __init__(
        self,
        carried: Carried,
        keys: AgentKeys,
        max_records_per_s: int | None,
        clock: Callable[[], Moment],
        incidents: IncidentBook,
        tell: Callable[[list[Incident]], None],
    ) -> None:
        """`tell` records incidents; `max_records_per_s` bounds a backlog's rate, None does not."""
        self._carried, self._clock, self._incidents, self._tell = carried, clock, incidents, tell
        self._progress = Progress(carried.journal.receipt()[0], clock())
        self._lock = threading.Lock()
        self.connector = CollectorConnector(keys, clock)
        self.stream = RecordStream(
            carried.journal,
            keys.collector_receipts,
            __version__,
            self._wall_ns,
            self._on_receipt,
            max_records_per_s=max_records_per_s,
            on_behind=self._on_behind,
        )
        self._uplink = Uplink(
            self.connector,
            self.stream,
            carried.evidence.waiting,
            carried.evidence,
            carried.reference.keep,
            self._on_state,
            self._on_lost_evidence,
        )

    @property
    def state(self) -> UplinkState:
        """How the uplink gets on; the status asks every half second, which is what its `stalled_s` counts on."""
        with self._lock:
            return self._progress.state(
                self._carried.journal.size, self.stream.live_waiting, self._clock(), self._uplink.sent
            )

    def start(self) -> None:
        """Begin to connect."""
        self._uplink.start()

    def stop(self) -> None:
        """End the connection; returns within a few seconds."""
        self._uplink.stop()

    def _on_state(self, state: UplinkState) -> None:
        now = self._clock()
        with self._lock:
            if state.connected:
                self._progress.connected(now)
            else:
                self._progress.disconnected(state.problem, now)
        if state.connected:
            self._carried.reference.connected()
            self._tell(self._incidents.ended(UPLINK, now))
        else:
            self._carried.reference.disconnected()
            self._tell(self._incidents.began(UPLINK, "uplink-down", state.problem, now))

    def _on_behind(self, held: int, promised: int) -> None:
        """The collector has lost what it gave a receipt for; the stream sends it again."""
        with self._lock:
            self._progress.lost(held)
        self._carried.reference.behind()
        LOG.error("collector.behind", held=held, promised=promised)
        text = (
            f"The collector holds {held} records of this journal and gave a receipt for {promised}: it was restored "
            "from an old backup. What it lost is sent again, as far as it is still here"
        )
        self._tell(self._incidents.began(COLLECTOR, "collector-behind", text, self._clock()))

    def _on_receipt(self, size: int) -> None:
        now = self._clock()
        with self._lock:
            self._progress.receipt(size, now)
            behind = self._progress.behind
        if not behind and (ended := self._incidents.ended(COLLECTOR, now)):
            self._tell(ended)

    def _on_lost_evidence(self, loss: EvidenceLostError) -> None:
        LOG.error("evidence.lost", problem=str(loss))
        self._tell([self._incidents.over_at_once("evidence-lost", str(loss), self._clock())])

    def _wall_ns(self) -> int:
        return self._clock().wall
