"""The officers' way to the desk: socket, spool and list of officers, around the desk's worker."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog

from edge_agent.app.desk import DeskWorker
from edge_agent.app.desk_acts import LATER, malformed
from edge_agent.app.desk_ports import DeskOutputs, DeskStores, Officers
from edge_agent.app.lane import LastDecision
from edge_agent.app.reference import Reporting
from edge_agent.config import SiteFile
from edge_agent.desk.judging import Outcome
from edge_agent.desk.socket_server import DeskSocket
from edge_agent.desk.spool import ActSpool
from edge_agent.errors import EdgeAgentError
from edge_agent.model.handed_act import OFFICERS, SOCKET, SPOOL, Handed, HandedError

LOG = structlog.get_logger()


class DeskStation:
    """One gate machine's desk: `start` before the lanes, `stop` after them."""

    def __init__(
        self,
        site: SiteFile,
        stores: DeskStores,
        officers: Officers,
        reporting: Reporting,
        appended: Callable[[int, int], None],
    ) -> None:
        """`officers` gives those who are known now; `appended`: (index of the first record, how many)."""
        self._runtime_dir, self._spool_dir = site.agent.runtime_dir, site.agent.state_dir / SPOOL
        self._officers, self._reporting = officers, reporting
        self._spool: ActSpool | None = None
        self._told: dict[str, str] | None = None
        self._outputs = DeskOutputs(self._alarm, appended)
        self._worker = DeskWorker(site.site, stores, officers, reporting.clock, self._outputs, self._beside)
        self._socket = DeskSocket(self._runtime_dir / SOCKET, self._answer, malformed)

    def connect(self, released: Callable[[str, str, int, str], None], stopped: Callable[[str, str, int], None]) -> None:
        """Who opens and shuts, before `start`: see DeskOutputs. Without it nobody is told."""
        self._outputs.released, self._outputs.stopped = released, stopped

    @property
    def shown(self) -> list[dict[str, Any]]:
        """What is kept, for the snapshot."""
        return self._worker.shown

    def start(self, in_flight: Mapping[str, bytes]) -> None:
        """Go on where the agent ended. Without its socket or its spool the desk works on, and says so."""
        try:
            self._spool = ActSpool(self._spool_dir)
        except OSError as error:
            LOG.error("desk.no_spool", problem=str(error))  # noqa: TRY400 - told in words
        self._worker.start(in_flight)
        try:
            self._socket.start()
        except EdgeAgentError as error:
            LOG.error("desk.no_socket", problem=str(error))  # noqa: TRY400 - told in words
            self._alarm("desk-closed", str(error))

    def decided(self, last: LastDecision) -> None:
        """A passage's record is durable. Callable from any thread; never waits."""
        self._worker.decided(last)

    def stop(self) -> None:
        """Take nothing more; what is kept is remembered."""
        self._socket.stop()
        self._worker.stop()

    def _alarm(self, code: str, text: str) -> None:
        said = self._reporting
        said.tell([said.incidents.over_at_once(code, text, said.clock())])

    def _answer(self, handed: Handed, uid: int) -> bytes:
        return self._worker.hand(handed, uid).to_bytes()

    # --- on the desk's thread ---------------------------------------------------------------------------------------

    def _beside(self) -> None:
        try:
            self._tell_officers()
            self._take_spooled()
        except OSError as error:
            LOG.warning("desk.directory", problem=str(error))

    def _tell_officers(self) -> None:
        """For `gatectl`, so that an officer need not say for whom they act."""
        known = {officer_id: officer.authority for officer_id, officer in self._officers().items()}
        if known != self._told:
            part = self._runtime_dir / f"{OFFICERS}.part"
            part.write_text(json.dumps(known, ensure_ascii=False), encoding="utf-8")
            part.rename(self._runtime_dir / OFFICERS)
            self._told = known

    def _take_spooled(self) -> None:
        spool = self._spool
        for path, handed in spool.waiting() if spool is not None else ():
            if isinstance(handed, HandedError):
                self._refuse(path, str(handed))
                continue
            answer = self._worker.spooled(handed)
            if answer == LATER:
                return
            if answer.outcome == Outcome.REFUSED.value:
                self._refuse(path, answer.en)
            elif spool is not None:
                spool.taken(path)

    def _refuse(self, path: Path, why: str) -> None:
        if self._spool is not None:
            self._spool.refused(path, why)
        LOG.warning("desk.spooled_act_refused", file=path.name, problem=why)
        self._alarm("act-refused", f"The act in {path.name}, made while the agent did not run, was refused. {why}")
