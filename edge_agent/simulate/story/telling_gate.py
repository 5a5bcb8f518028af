"""A gate whose lanes are told: its journal is written before its agent starts, and the agent delivers it.

Enrolment, keys, journal, signatures and delivery are the agent's own. Only readings did not come from devices.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from edge_agent.app.records import RecordMaker
from edge_agent.clock import SystemClock
from edge_agent.journal.journal import Journal
from edge_agent.keys import AgentKeys
from edge_agent.simulate.enrolling import enrol
from edge_agent.simulate.programs import Program, ask
from gate_contract.v1.act_pb2 import SignedAct
from gate_contract.v1.passage_pb2 import Passage
from gate_contract.v1.record_pb2 import Loss, LostInbox

SITE_FILE = """\
site = "{site}"

[agent]
state_dir = "state"
runtime_dir = "run"

[[camera]]
id = "told-camera"
profile = "plate/hikvision-isapi-push"
listen = "127.0.0.1:{http_port}"
allow = ["127.0.0.1"]

[[lane]]
id = "told-lane"
kind = "observation"
direction = "outbound"
goods = "free"
cameras = ["told-camera"]
"""


class TellingGate:
    """A directory with everything such a gate machine has."""

    def __init__(self, directory: Path, site_id: str, agent_id: str, http_port: int) -> None:
        """Writes the site file."""
        directory.mkdir()
        self.directory, self.site_id, self.agent_id = directory, site_id, agent_id
        self.state_dir = directory / "state"
        self.site_file = directory / "site.toml"
        self.site_file.write_text(SITE_FILE.format(site=site_id, http_port=http_port), encoding="utf-8")
        self.agent = Program(directory / "agent.log", "edge-agent", "run", "--config", self.site_file)

    def enrol(self, collector_config: Path) -> None:
        """Invite at the collector, enrol here."""
        enrol(self.agent_id, self.site_id, self.directory, collector_config)

    def status(self) -> dict[str, Any]:
        """`gatectl status --json`."""
        answer: dict[str, Any] = ask("gatectl", "--config", self.site_file, "status")
        return answer

    @property
    def origin(self) -> str:
        """Of its journal."""
        return AgentKeys.load(self.state_dir).signer.name

    def tell(self, passages: Iterable[Passage], acts: Sequence[SignedAct] = (), *, after_loss: bool = False) -> None:
        """Into the journal, while the agent is stopped; `after_loss`: the machine says first that it lost something."""
        records = RecordMaker(self.site_id, SystemClock())
        bodies = []
        if after_loss:
            bodies.append(records.loss(Loss(inbox=LostInbox(count=3), text="The demo lost three messages of a camera")))
        bodies += [records.act(act) for act in acts]  # first: what was counted is then known when it is judged
        bodies += [records.passage(passage) for passage in passages]
        journal = Journal(self.state_dir / "journal", AgentKeys.load(self.state_dir).signer)
        try:
            journal.append(bodies)
        finally:
            journal.close()
