"""What the agent knows of itself, written once a second for `gatectl` and anyone else who may read the file."""

from __future__ import annotations

import os
import shutil
import threading
from typing import Any

import structlog
from google.protobuf.message import DecodeError

from edge_agent import __version__
from edge_agent.app.agent import Agent
from edge_agent.app.lane import LaneWorker, best_plate
from edge_agent.app.scale import ScaleStation
from edge_agent.errors import EdgeAgentError, JournalError
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceState
from edge_agent.status.snapshot import FORMAT, write_snapshot
from gate_contract.v1.decision_pb2 import Action
from gate_contract.v1.record_pb2 import Record

LOG = structlog.get_logger()

EVERY_S = 0.5


class StatusWriter:
    """A thread that writes the snapshot."""

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
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="status", daemon=True)

    def start(self) -> None:
        """Write now and then."""
        self._thread.start()

    def stop(self) -> None:
        """Write once more, as stopped."""
        self._stop.set()
        self._thread.join(timeout=3)
        self._write(running=False)

    def _run(self) -> None:
        while True:
            self._write(running=True)
            if self._stop.wait(EVERY_S):
                return

    def _write(self, *, running: bool) -> None:
        try:
            write_snapshot(self._agent.site.agent.runtime_dir, self.snapshot(running=running))
        except (OSError, JournalError) as error:
            LOG.warning("status.not_written", problem=str(error))

    def snapshot(self, *, running: bool) -> dict[str, Any]:
        """The snapshot; its keys are described in docs/status.md."""
        agent, now = self._agent, self._agent.clock()
        return {
            "format": FORMAT,
            "running": running,
            "pid": os.getpid(),
            "version": __version__,
            "site": agent.site.site,
            "origin": agent.journal.origin,
            "written_unix_ns": now.wall,
            "written_boottime_ns": now.mono,
            "started_unix_ns": self._begun.wall,
            "clock": {"synchronised": now.synchronised, "error_bound_ns": now.error_bound_ns},
            "devices": [*map(self._scale, agent.scales), *self._cameras()],
            "lanes": [self._lane(lane) for lane in agent.lanes],
            "journal": self._journal(now),
            "uplink": {
                "connected": agent.uplink_state.connected,
                "problem": agent.uplink_state.problem,
                "address": agent.connector.address,
            },
            "certificate": self._certificate(),
            "reference": {"declarations": len(agent.reference), "age_s": agent.reference.age_s(now.wall)},
        }

    def _scale(self, station: ScaleStation) -> dict[str, Any]:
        last, event = station.last, station.event
        return {
            "id": station.table.id,
            "kind": "scale",
            "profile": station.table.profile,
            "port": station.table.port,
            "state": station.state.value,
            "text": "" if event is None or event.state is DeviceState.OK else event.text,
            "last_reading": last and f"{last.weight.value:f} {last.weight.unit}",
            "last_reading_unix_ns": last and last.at.wall,
        }

    def _cameras(self) -> list[dict[str, Any]]:
        agent, shown = self._agent, []
        desks = {camera: desk for desk in agent.cameras for camera in desk.device_ids}
        for table in agent.site.camera:
            desk = desks[table.id]
            heard, plate = desk.heard.get(table.id), desk.last.get(table.id)
            state, text = DeviceState.OK, ""
            if not desk.listening:
                state, text = DeviceState.UNPLUGGED, f"this machine cannot listen on {table.listen} now; it tries again"
            elif not heard:
                state, text = DeviceState.STARTING, "no push has come since the agent started"
            shown.append(
                {
                    "id": table.id,
                    "kind": "camera",
                    "profile": table.profile,
                    "port": f"{table.listen}{table.push_path}",
                    "state": state.value,
                    "text": text,
                    "last_reading": plate and (plate.text or "(not read)"),
                    "last_reading_unix_ns": plate and plate.at.wall,
                }
            )
        return shown

    def _certificate(self) -> dict[str, int]:
        connector = self._agent.connector
        certificate = connector.keys.certificate
        life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
        return {"days_left": connector.certificate_days_left(), "life_days": life.days}

    def _lane(self, lane: LaneWorker) -> dict[str, Any]:
        state, last = lane.state, lane.last
        shown: dict[str, Any] = {
            "id": lane.lane_id,
            "passage": state.passage and state.passage.passage_id,
            "recorded": state.recorded,
            "decided": lane.decided,
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
                    {"code": finding.code, "severity": finding.severity, "explanation": finding.explanation}
                    for finding in last.decision.findings
                ],
            }
        return shown

    def _journal(self, now: Moment) -> dict[str, Any]:
        agent = self._agent
        counts = agent.journal.counts()
        receipt_ns = agent.journal.receipt_unix_ns()
        return {
            "captured": counts.captured,
            "acknowledged": counts.acknowledged,
            "pending": counts.pending,
            "dead_lettered": counts.dead_lettered,
            "oldest_pending_unix_ns": self._oldest_pending(counts.captured - counts.pending),
            "last_receipt_unix_ns": receipt_ns or None,
            "days_of_disk_left": self._days_of_disk(now, counts.captured),
        }

    def _oldest_pending(self, index: int) -> int | None:
        body = self._agent.journal.record(index)
        if body is None:
            return None
        try:
            return Record.FromString(body).captured.wall_unix_ns
        except DecodeError:
            return None

    def _days_of_disk(self, now: Moment, captured: int) -> float | None:
        """Days until the disk is full if nothing were acknowledged from now on; None until a minute was measured.

        From what was captured since the start: records at their mean stored size, and evidence.
        """
        elapsed_s = now.seconds_since(self._begun)
        new = captured - self._captured_at_start
        if elapsed_s < 60 or new <= 0:  # noqa: PLR2004 - a minute
            return None
        state_dir = self._agent.site.agent.state_dir
        stored = (state_dir / "journal.db").stat().st_size / max(1, self._agent.journal.kept())
        daily = (new * stored + self._agent.evidence.kept_bytes) / elapsed_s * 86_400
        return round(shutil.disk_usage(state_dir).free / daily, 1)
