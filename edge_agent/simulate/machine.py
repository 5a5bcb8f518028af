"""One gate machine of the demo: a directory with its site file, its keys, its state, and its real agent."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from edge_agent.simulate.enrolling import enrol
from edge_agent.simulate.programs import Program, ask
from edge_agent.status.snapshot import read_snapshot

FRESH_S = 1.5
"""An agent that has said nothing for so long says nothing: a lamp is dark then."""


class Machine:
    """What every gate of the demo has."""

    def __init__(self, directory: Path, site_id: str, agent_id: str, site_file: str) -> None:
        """Makes the directory and writes the site file, whose text is given; starts nothing."""
        directory.mkdir()
        self.directory, self.site_id, self.agent_id = directory, site_id, agent_id
        self.state_dir, self.site_file = directory / "state", directory / "site.toml"
        self.site_file.write_text(site_file, encoding="utf-8")
        self.agent = Program(directory / "agent.log", "edge-agent", "run", "--config", self.site_file)

    def enrol(self, collector_config: Path) -> None:
        """Invite at the collector, enrol here."""
        enrol(self.agent_id, self.site_id, self.directory, collector_config)

    def snapshot(self) -> dict[str, Any] | None:
        """What the agent says of itself; None when it has said nothing lately."""
        snapshot = read_snapshot(self.directory / "run")
        if snapshot is None or time.time() - snapshot["written_unix_ns"] / 1e9 > FRESH_S:
            return None
        return snapshot

    def hears_all(self) -> bool:
        """Whether no device is unplugged, or held by another program."""
        snapshot = self.snapshot()
        return snapshot is not None and all(each["state"] != "unplugged" for each in snapshot["devices"])

    def status(self) -> dict[str, Any]:
        """`gatectl status --json`."""
        answer: dict[str, Any] = ask("gatectl", "--config", self.site_file, "status")
        return answer

    def delivered(self) -> bool:
        """Whether the collector has everything that the gate has recorded."""
        return self._has_delivered(self.snapshot()) and self._has_delivered(self.status())  # the first costs nothing

    @staticmethod
    def _has_delivered(told: dict[str, Any] | None) -> bool:
        return told is not None and told["journal"] is not None and int(told["journal"]["pending"]) == 0
