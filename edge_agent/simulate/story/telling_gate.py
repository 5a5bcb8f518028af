"""A gate whose lanes are told: its journal is written before its agent starts, and the agent delivers it.

Enrolment, keys, journal, signatures and delivery are the agent's own. Only readings did not come from devices.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from edge_agent.app.records import RecordMaker
from edge_agent.clock import SystemClock
from edge_agent.journal.journal import Journal
from edge_agent.keys import AgentKeys
from edge_agent.simulate.machine import Machine
from gate_contract.v1.passage_pb2 import Passage
from gate_contract.v1.record_pb2 import Loss, LostInbox

ROAD = "road-1"
"""The observation point's lane."""

SITE_FILE = """\
site = "{site}"

[agent]
state_dir = "state"
runtime_dir = "run"

[[camera]]
id = "road-camera"
profile = "plate/hikvision-isapi-push"
listen = "127.0.0.1:{http_port}"
allow = ["127.0.0.1"]

[[lane]]
id = "{road}"
kind = "observation"
direction = "outbound"
goods = "free"
cameras = ["road-camera"]
"""


class TellingGate(Machine):
    """A gate with an observation point that is real, and lanes that are told."""

    def __init__(self, directory: Path, site_id: str, agent_id: str, http_port: int) -> None:
        """Writes the site file."""
        super().__init__(directory, site_id, agent_id, SITE_FILE.format(site=site_id, http_port=http_port, road=ROAD))
        self.camera_url = f"http://127.0.0.1:{http_port}/push/road-camera"

    @property
    def origin(self) -> str:
        """Of its journal."""
        return AgentKeys.load(self.state_dir).signer.name

    def tell(self, passages: Iterable[Passage], *, after_loss: bool = False) -> None:
        """Into the journal, while the agent is stopped; `after_loss`: the machine says first that it lost something."""
        records = RecordMaker(self.site_id, SystemClock())
        bodies = []
        if after_loss:
            bodies.append(records.loss(Loss(inbox=LostInbox(count=3), text="The demo lost three messages of a camera")))
        bodies += [records.passage(passage) for passage in passages]
        journal = Journal(self.state_dir / "journal", AgentKeys.load(self.state_dir).signer)
        try:
            journal.append(bodies)
        finally:
            journal.close()
