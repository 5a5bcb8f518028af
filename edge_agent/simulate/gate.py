"""One emulated gate beside its real agent: site file, enrolment, status, and the lamp that drivers watch."""

from __future__ import annotations

from pathlib import Path

from edge_agent.simulate.machine import Machine
from edge_agent.simulate.plan import LanePlan, VehiclePlan

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


class Gate(Machine):
    """A gate with one lane of the scenario."""

    def __init__(
        self, directory: Path, plan: LanePlan, http_port: int, agent_id: str, io_port: int | None = None
    ) -> None:
        """Writes the site file. `io_port` is where its input/output box listens; None: it has no barrier."""
        lane = plan.lane
        self.lane_id, self.port_link = lane.lane_id, directory / "scale"
        self.camera_url = f"http://127.0.0.1:{http_port}/push/{lane.camera_device_id}"
        barrier = "" if io_port is None else BARRIER_FILE.format(io_port=io_port, lane=lane.lane_id)
        site_file = SITE_FILE.format(
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
        super().__init__(directory, lane.site_id, agent_id, site_file + barrier)
        self._let_go: str | None = None

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
