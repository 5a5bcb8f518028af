"""The played lanes: their part of the site file, and the emulated devices that stand in them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from edge_agent.simulate.anpr import CameraDetails
from edge_agent.simulate.camera import HikvisionCamera
from edge_agent.simulate.frames import ToledoContinuousFrames, YaohuaA9Frames
from edge_agent.simulate.io_box import IoBox
from edge_agent.simulate.load import LoadProfile
from edge_agent.simulate.portal import RadiationPortal
from edge_agent.simulate.scanner import XrayScanner
from edge_agent.simulate.scenario import IndicatorKind
from edge_agent.simulate.story.telling import Where
from edge_agent.simulate.weighers import AxlePads, Platform

DIVISION_KILOGRAMS = Decimal(20)
RATE_HERTZ = 20.0
TREMBLE_KILOGRAMS = Decimal(5)
"""A quarter of a division: what stands still shows one figure."""

ROLLING = LoadProfile(ramp_s=0.3, settle_s=0.2, roll_off_s=0.3, vibration_kilograms=TREMBLE_KILOGRAMS)
"""Trucks of the story come and go faster than real ones."""

AGENT_FILE = """\
site = "{site}"

[agent]
state_dir = "state"
runtime_dir = "run"
"""

# What a lane waits for comes when its emulated device sends it, so `grace` may be long: it is for a busy machine.
LANE_FILE = """
[[lane]]
id = "{lane}"
kind = "{kind}"
direction = "outbound"
goods = "regulated"
scales = [{scales}]
cameras = [{cameras}]
expects = [{expects}]
grace = "30 s"

[[scale]]
id = "{lane}-scale"
profile = "scale/{indicator}"
port = "{directory}/{lane}-scale"
division = "20 kg"
stable_window = "300 ms"

[[device]]
id = "{lane}-xray"
profile = "xray/line-delimited"
port = "{directory}/{lane}-xray"
folder = "{directory}/{lane}-pictures"
lane = "{lane}"

[[device]]
id = "{lane}-io"
profile = "io/modbus"
port = "tcp://127.0.0.1:{io_port}"
lane = "{lane}"
inputs = {{ loop-out = "discrete:1" }}
outputs = {{ barrier = "coil:0", lamp-green = "coil:1", lamp-red = "coil:2" }}

[[actuator]]
id = "{lane}-barrier"
kind = "barrier"
lane = "{lane}"
device = "{lane}-io"
open = "barrier"
fail_safe = "closed"
seen_by = "{lane}-io/loop-out"

[[actuator]]
id = "{lane}-lamp"
kind = "lamp"
lane = "{lane}"
device = "{lane}-io"
green = "lamp-green"
red = "lamp-red"
fail_safe = "red"
"""

CAMERA_FILE = """
[[camera]]
id = "{lane}-{end}"
profile = "plate/hikvision-isapi-push"
listen = "127.0.0.1:{http_port}"
allow = ["127.0.0.1"]
"""

PORTAL_FILE = """
[[device]]
id = "{lane}-portal"
profile = "radiation/tsa-rapiscan-rpm"
port = "{directory}/{lane}-portal"
lane = "{lane}"
"""

PADS_FILE = """
[[scale]]
id = "{lane}-pads"
profile = "scale/axle-pt300-ticket"
port = "{directory}/{lane}-pads"
division = "20 kg"
"""

ECHO_FILE = """
[[device]]
id = "{lane}-echo"
profile = "ultrasonic/modbus-analogue"
port = "tcp://127.0.0.1:{io_port}"
lane = "{lane}"
"""


@dataclass(frozen=True, slots=True)
class LaneSpec:
    """One played lane."""

    lane_id: str
    where: Where
    indicator: IndicatorKind

    @property
    def cameras(self) -> tuple[str, ...]:
        """One looks at each end of a vehicle."""
        return (f"{self.lane_id}-front", f"{self.lane_id}-rear")

    def site_file(self, directory: Path, http_port: int, io_port: int) -> str:
        """Its part of the site file."""
        empties, pads = self.where == "empties", self.where == "axles"
        parts = [LANE_FILE, ECHO_FILE if empties else PORTAL_FILE, PADS_FILE if pads else ""]
        text = "".join(parts).format(
            lane=self.lane_id,
            kind="empty-container" if empties else "vehicle",
            scales=_quoted(f"{self.lane_id}-scale", *([f"{self.lane_id}-pads"] if pads else [])),
            cameras=_quoted(*self.cameras),
            expects=_quoted("weight", "plate", "distance" if empties else "radiation"),
            indicator=self.indicator,
            directory=directory,
            io_port=io_port,
        )
        ends = (CAMERA_FILE.format(lane=self.lane_id, end=end, http_port=http_port) for end in ("front", "rear"))
        return "".join([text, *ends])


def _quoted(*names: str) -> str:
    return ", ".join(f'"{name}"' for name in names)


class LaneDevices:
    """Everything that stands in one lane, plugged in; what a lane does not have is None.

    An observation point has its camera alone.
    """

    def __init__(self, cameras: dict[str, str]) -> None:
        """`cameras`: where each posts, by its id."""
        self.cameras = [HikvisionCamera(url, CameraDetails(serial_number=name)) for name, url in cameras.items()]
        self.scale: Platform | None = None
        self.pads: AxlePads | None = None
        self.portal: RadiationPortal | None = None
        self.scanner: XrayScanner | None = None
        self.box: IoBox | None = None

    @classmethod
    def of(cls, spec: LaneSpec, directory: Path, http_port: int, box: IoBox) -> LaneDevices:
        """Those of a lane with a barrier."""
        devices = cls({name: f"http://127.0.0.1:{http_port}/push/{name}" for name in spec.cameras})
        frames = YaohuaA9Frames if spec.indicator == "yaohua-xk3190-a9-tf0" else ToledoContinuousFrames
        link = directory / spec.lane_id
        devices.scale = Platform(frames(DIVISION_KILOGRAMS), Path(f"{link}-scale"), ROLLING, RATE_HERTZ)
        if spec.where == "axles":
            devices.pads = AxlePads(Path(f"{link}-pads"))
        if spec.where != "empties":
            devices.portal = RadiationPortal(Path(f"{link}-portal"))
        devices.scanner = XrayScanner(Path(f"{link}-xray"), Path(f"{link}-pictures"))
        devices.box = box
        return devices

    def start(self) -> None:
        """Switch all of it on; the box is somebody else's."""
        for device in (*self.cameras, self.scale, self.portal):
            if device is not None:
                device.start()

    def stop(self) -> None:
        """And off."""
        for device in (*self.cameras, self.scale, self.pads, self.portal, self.scanner):
            if device is not None:
                device.stop()
