"""What the agent knows of itself, written twice a second for `gatectl` and anyone else who may read the file."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from edge_agent import __version__
from edge_agent.app.agent import Agent
from edge_agent.app.connector import EPOCH
from edge_agent.app.decisions import DecisionCount
from edge_agent.app.device_status import devices_shown
from edge_agent.app.incidents import IncidentBook
from edge_agent.app.journal_look import JournalLook, JournalWatch
from edge_agent.app.lane import LaneWorker, best_plate
from edge_agent.app.recorder import INCIDENTS
from edge_agent.clock import awake_ns
from edge_agent.errors import EdgeAgentError, JournalError
from edge_agent.model.moment import SECOND, Moment
from edge_agent.model.readings import DeviceState
from edge_agent.status.disk import DiskUse, disk_use
from edge_agent.status.health import Found, Now, assess
from edge_agent.status.snapshot import FORMAT, write_snapshot
from edge_agent.status.words_rules import explained_of
from gate_contract.v1.decision_pb2 import Action

if TYPE_CHECKING:
    from edge_agent.app.metrics import SnapshotCollector
    from edge_agent.app.metrics_server import MetricsServer

LOG = structlog.get_logger()

EVERY_S = 0.5

MOST_WAITING = 1000
"""Blobs to be delivered that are counted; more are shown as so many."""

CLOCK_SLACK = timedelta(days=1)
"""A clock so much before the time at which its certificate begins is wrong; the collector's may be wrong by less."""


class StatusWriter:
    """A thread that writes the snapshot, and raises the alarm when the journal does not balance."""

    def __init__(self, agent: Agent) -> None:
        """Begins with `start`. EdgeAgentError when there is no directory to write to."""
        self._agent = agent
        directory = agent.site.agent.runtime_dir
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EdgeAgentError(
                f"the runtime directory {directory} cannot be made",
                cause=error.strerror or str(error),
                fix="correct runtime_dir in [agent], or let the agent's user write there",
            ) from error
        self._begun = agent.clock()
        self._captured_at_start = agent.journal.size
        receipts = agent.connector.keys.collector_receipts
        self._watch = JournalWatch(agent.journal, agent.site.agent.state_dir / "journal", receipts)
        self._decisions = DecisionCount(agent.journal)
        self._kinds = {table.id: table.kind for table in agent.site.lane}
        self._metrics: tuple[SnapshotCollector, MetricsServer] | None = None
        if agent.site.metrics.listen is not None:
            self._metrics = _serve_metrics(agent.site.metrics.listen)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="status", daemon=True)

    def start(self) -> None:
        """Write now and then; answer scrapes, where the site file says so."""
        self._thread.start()
        if self._metrics is not None:
            self._metrics[1].start()

    def stop(self) -> None:
        """Write once more, as stopped."""
        self._stop.set()
        if self._metrics is not None:
            self._metrics[1].stop()
        self._thread.join(timeout=3)
        self._write(running=False)

    def _run(self) -> None:
        while True:
            self._write(running=True)
            if self._stop.wait(EVERY_S):
                return

    def _write(self, *, running: bool) -> None:
        try:
            snapshot = self.snapshot(running=running)
            if self._metrics is not None:
                self._metrics[0].show({**snapshot, **self._judged(snapshot)})
            write_snapshot(self._agent.site.agent.runtime_dir, snapshot)
        except (OSError, JournalError) as error:
            LOG.warning("status.not_written", problem=str(error))

    def snapshot(self, *, running: bool) -> dict[str, Any]:
        """The snapshot; its keys are described in docs/status.md."""
        agent, now = self._agent, self._agent.clock()
        look, disk = self._watch.look(now), disk_use(agent.site.agent.state_dir)
        if look.breach:
            self._alarm(look, now)
        return {
            "format": FORMAT,
            "running": running,
            "pid": os.getpid(),
            "version": __version__,
            "site": agent.site.site,
            "origin": agent.journal.origin,
            "written_unix_ns": now.wall,
            "written_boottime_ns": now.mono,
            "written_awake_ns": awake_ns(),
            "boot_id": now.boot_id.hex(),
            "started_unix_ns": self._begun.wall,
            "clock": self._clock(now),
            "devices": devices_shown(agent, now),
            "lanes": [self._lane(lane) for lane in agent.lanes],
            "stopped": agent.desk.shown,
            "journal": {
                **look.shown(now),
                "days_of_disk_left": self._days_of_disk(now, look.counts.captured, disk),
                "problem": agent.journal.problem,
            },
            "disk": _disk(disk),
            "evidence": {
                "waiting": self._evidence_waiting(),
                "kept_bytes": agent.evidence.kept_bytes,
                "shed": agent.evidence.shed,
            },
            "incidents_open": self._incidents_open(),
            "uplink": self._uplink(look),
            "certificate": self._certificate(),
            "reference": agent.reference.shown(now),
        }

    def _evidence_waiting(self) -> int | None:
        try:
            return len(self._agent.evidence.waiting(MOST_WAITING))
        except JournalError:  # told where it matters; here it only means that the number is not known
            return None

    def _incidents_open(self) -> int | None:
        try:
            return len(json.loads(self._agent.journal.in_flight().get(INCIDENTS) or b"[]"))
        except (JournalError, ValueError):  # as above
            return None

    def _alarm(self, look: JournalLook, now: Moment) -> None:
        """In the log, and as a record: it is sealed and goes up with the rest."""
        LOG.error("alarm: the journal does not balance", problem=look.imbalance)
        text = f"The journal does not balance: {look.imbalance}. Keep this machine as it is and call the operator"
        incident = IncidentBook().over_at_once("journal-imbalance", text, now)
        self._agent.record([self._agent.records.incident(incident)])

    def _uplink(self, look: JournalLook) -> dict[str, Any]:
        state = self._agent.uplink_state
        return {
            "connected": state.connected,
            "problem": state.problem,
            "address": self._agent.connector.address,
            # The uplink knows of receipts for what goes up once more, the look of time that was slept through.
            "stalled_s": round(min(look.stalled_s, state.stalled_s), 1),
            "records_per_s": state.records_per_s,
            "live_waiting": state.live_waiting,
            "collector_behind": state.collector_behind,
            "sent_bytes": asdict(state.sent),
        }

    def _clock(self, now: Moment) -> dict[str, Any]:
        says = EPOCH + timedelta(microseconds=now.wall // 1000)
        begins = self._agent.connector.keys.certificate.not_valid_before_utc
        return {
            "synchronised": now.synchronised,
            "error_bound_ns": now.error_bound_ns,
            "date": f"{says:%Y-%m-%d}",
            "before_certificate": says < begins - CLOCK_SLACK,
        }

    def _certificate(self) -> dict[str, int]:
        connector = self._agent.connector
        certificate = connector.keys.certificate
        ends = certificate.not_valid_after_utc
        return {
            "days_left": connector.certificate_days_left(),
            "life_days": (ends - certificate.not_valid_before_utc).days,
            "ends_unix_ns": (ends - EPOCH) // timedelta(seconds=1) * SECOND,
        }

    def _lane(self, lane: LaneWorker) -> dict[str, Any]:
        state, last = lane.state, lane.last
        shown: dict[str, Any] = {
            "id": lane.lane_id,
            "kind": self._kinds[lane.lane_id],
            "passage": state.passage and state.passage.passage_id,
            "recorded": state.recorded,
            "decided": lane.decided,
            "decided_by_action": self._decisions.look(lane),
            "last": None,
        }
        if last is not None:
            plate = best_plate(last.passage)
            weighings = last.passage.weighings
            shown["last"] = {
                "passage": last.passage.passage_id,
                "revision": last.passage.revision,
                "decided_unix_ns": last.passage.decided.wall,
                "plate": plate.text if plate else "",
                "kilograms": f"{weighings[-1].kilograms:f}" if weighings else None,
                "action": Action.Name(last.decision.action).removeprefix("ACTION_").lower(),
                "findings": [
                    {
                        "code": finding.code,
                        "severity": finding.severity,
                        "explanation": finding.explanation,
                        "zh": explained_of(finding),
                    }
                    for finding in last.decision.findings
                ],
            }
        return shown

    def _judged(self, snapshot: dict[str, Any]) -> dict[str, Any]:
        """What gatectl would say of this snapshot now, for metrics."""
        now = Now(
            snapshot["written_unix_ns"],
            snapshot["written_boottime_ns"],
            snapshot["written_awake_ns"],
            snapshot["boot_id"],
        )
        disk = snapshot["disk"]
        use = DiskUse(disk["used_bytes"], disk["free_bytes"], disk["reserve_bytes"]) if disk["used_bytes"] else None
        health = assess(Found(snapshot, snapshot["journal"], disk=use), now)
        return {
            "level": int(health.level),
            "red": health.red,
            "reasons": [reason.code for reason in health.reasons],
            "device_states": [state.value for state in DeviceState],
        }

    def _days_of_disk(self, now: Moment, captured: int, disk: DiskUse | None) -> float | None:
        """Days until the disk is full if nothing were acknowledged from now on; None until a minute was measured.

        From what was captured since the start: records at their mean stored size, and evidence.
        """
        elapsed_s = now.seconds_since(self._begun)
        new = captured - self._captured_at_start
        if disk is None or elapsed_s < 60 or new <= 0:  # noqa: PLR2004 - a minute
            return None
        stored = self._journal_bytes() / max(1, self._agent.journal.kept())
        daily = (new * stored + self._agent.evidence.kept_bytes) / elapsed_s * 86_400
        return round(disk.free_bytes / daily, 1)

    def _journal_bytes(self) -> int:
        """Size of the journal's files."""
        state_dir = self._agent.site.agent.state_dir
        files = [*state_dir.glob("journal.db"), *state_dir.glob("journal/*.db")]
        return sum(file.stat().st_size for file in files)


def _disk(disk: DiskUse | None) -> dict[str, int | None]:
    """The disk's part of the snapshot; nothing is known of one that cannot be asked."""
    names = ("used_bytes", "free_bytes", "reserve_bytes", "level")
    return {name: None if disk is None else int(getattr(disk, name)) for name in names}


def _serve_metrics(listen: str) -> tuple[SnapshotCollector, MetricsServer]:
    # Imported here: most gates have nobody who scrapes them, and then need neither the time nor the memory.
    from edge_agent.app.metrics import SnapshotCollector  # noqa: PLC0415 - see above
    from edge_agent.app.metrics_server import MetricsServer  # noqa: PLC0415 - see above

    def age_s(written_awake_ns: int) -> float:
        return (awake_ns() - written_awake_ns) / SECOND

    collector = SnapshotCollector(age_s)
    return collector, MetricsServer(listen, collector)
