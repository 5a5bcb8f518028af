"""One emulated gate beside its real agent: site file, enrolment, status, and the lamp that drivers watch."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from edge_agent.simulate.enrolling import enrol
from edge_agent.simulate.plan import LanePlan, VehiclePlan
from edge_agent.simulate.programs import Program, ask
from edge_agent.status.snapshot import read_snapshot

FRESH_S = 1.5
"""A lamp whose agent has said nothing for so long is dark."""

SITE_FILE = """\
site = "{site}"

[agent]
state_dir = "state"
runtime_dir = "run"

[[scale]]
id = "{scale}"
profile = "scale/{profile}"
port = "{port}"
division = "{division} kg"
stable_window = "500 ms"

[[camera]]
id = "{camera}"
profile = "plate/hikvision-isapi-push"
listen = "127.0.0.1:{http_port}"
allow = ["127.0.0.1"]

[[lane]]
id = "{lane}"
kind = "vehicle"
direction = "{direction}"
goods = "{goods}"
scales = ["{scale}"]
cameras = ["{camera}"]
"""

BARRIER_FILE = """
[[device]]
id = "lane-io"
profile = "io/modbus"
port = "tcp://127.0.0.1:{io_port}"
lane = "{lane}"
inputs = {{ loop-out = "discrete:1" }}
outputs = {{ barrier = "coil:0", lamp-green = "coil:1", lamp-red = "coil:2" }}

[[actuator]]
id = "barrier-1"
kind = "barrier"
lane = "{lane}"
device = "lane-io"
open = "barrier"
fail_safe = "closed"
seen_by = "lane-io/loop-out"

[[actuator]]
id = "lamp-1"
kind = "lamp"
lane = "{lane}"
device = "lane-io"
green = "lamp-green"
red = "lamp-red"
fail_safe = "red"
"""


class Gate:
    """A directory with everything one gate machine has."""

    def __init__(
        self, directory: Path, plan: LanePlan, http_port: int, agent_id: str, io_port: int | None = None
    ) -> None:
        """Writes the site file. `io_port` is where its input/output box listens; None: it has no barrier."""
        directory.mkdir()
        lane = plan.lane
        self.agent_id, self.site_id, self.lane_id = agent_id, lane.site_id, lane.lane_id
        self.directory, self.state_dir = directory, directory / "state"
        self.port_link = directory / "scale"
        self.camera_url = f"http://127.0.0.1:{http_port}/push/{lane.camera_device_id}"
        self.site_file = directory / "site.toml"
        barrier = "" if io_port is None else BARRIER_FILE.format(io_port=io_port, lane=lane.lane_id)
        self.site_file.write_text(
            SITE_FILE.format(
                site=lane.site_id,
                scale=lane.scale_device_id,
                profile=lane.indicator,
                port=self.port_link,
                division=lane.division_kilograms,
                camera=lane.camera_device_id,
                http_port=http_port,
                lane=lane.lane_id,
                direction=lane.direction,
                goods="regulated" if lane.regulated_goods else "free",
            )
            + barrier,
            encoding="utf-8",
        )
        self.agent = Program(directory / "agent.log", "edge-agent", "run", "--config", self.site_file)
        self._let_go: str | None = None

    def enrol(self, collector_config: Path) -> None:
        """Invite at the collector, enrol here."""
        enrol(self.agent_id, self.site_id, self.directory, collector_config)

    def snapshot(self) -> dict[str, Any] | None:
        """What the agent says of itself; None when it has said nothing lately."""
        snapshot = read_snapshot(self.directory / "run")
        if snapshot is None or time.time() - snapshot["written_unix_ns"] / 1e9 > FRESH_S:
            return None
        return snapshot

    def status(self) -> dict[str, Any]:
        """`gatectl status --json`."""
        answer: dict[str, Any] = ask("gatectl", "--config", self.site_file, "status")
        return answer

    def may_go(self, _vehicle: VehiclePlan) -> bool:
        """The lamp: the vehicle on the scale has been decided on, and it is not the one before."""
        snapshot = self.snapshot()
        if snapshot is None:
            return False
        (lane,) = snapshot["lanes"]
        passage = lane["passage"]
        if passage is None or not lane["recorded"] or passage == self._let_go:
            return False
        self._let_go = passage
        return True
