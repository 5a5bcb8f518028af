"""Vehicles for `benchmarks.barrier`: as fast after each other as a lane lets them, each timed from plate to barrier."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from http.client import HTTPConnection
from itertools import zip_longest
from urllib.parse import urlsplit

from benchmarks.modbus_watch import Watch
from edge_agent.simulate.anpr import CameraDetails, event_body, plate_event
from edge_agent.simulate.camera import CHINA, MULTIPART
from edge_agent.simulate.gate import Gate
from edge_agent.simulate.indicator import Indicator
from edge_agent.simulate.io_box import BARRIER, LOOP_OUT, IoBox
from edge_agent.simulate.plan import LanePlan, VehiclePlan
from edge_agent.simulate.site import indicator_frames

PATIENCE_S = 30.0
EMPTY_S = 0.1
STANDS_S = 0.3
"""A vehicle stands for so long before its plate is posted: three times what its weight takes to stand still."""

SHUTS_S = 1.0
"""So long after the loop is free the barrier is told to shut, or the loop was not seen."""


class Traffic:
    """One vehicle after another through the lane; the driver goes by the barrier alone."""

    def __init__(self, plan: LanePlan, gate: Gate, box: IoBox, watch: Watch) -> None:
        """`gate` runs or will run with the scale and camera that this emulates."""
        lane = plan.lane
        self._box, self._watch = box, watch
        self._url = urlsplit(gate.camera_url)
        self._camera = CameraDetails(f"EMULATED-{lane.camera_device_id}")
        self._kilograms, self._since = Decimal(0), time.monotonic()
        self.indicator = Indicator(indicator_frames(lane), gate.port_link, lambda: self._kilograms, lane.rate_hertz)

    def run(self, vehicles: Sequence[VehiclePlan]) -> list[float]:
        """For each, seconds from its last reading to the barrier's command.

        While one goes under the barrier the next drives onto the scale.
        """
        latencies = []
        self._load(vehicles[0].gross_kilograms)
        for vehicle, following in zip_longest(vehicles, vehicles[1:]):
            time.sleep(max(0.0, self._since + STANDS_S - time.monotonic()))
            begun, commanded = self._shown(vehicle)
            latencies.append(commanded - begun)
            self._load(Decimal(0))
            time.sleep(EMPTY_S)
            self._load(following.gross_kilograms if following else Decimal(0))
            self._go_under(commanded)
        return latencies

    def _load(self, kilograms: Decimal) -> None:
        self._kilograms, self._since = kilograms, time.monotonic()

    def _shown(self, vehicle: VehiclePlan) -> tuple[float, float]:
        """When the plate began to be posted, and when the barrier was told to open."""
        event = plate_event(self._camera, vehicle.number, datetime.now(CHINA), vehicle.read_as, vehicle.colour)
        body = event_body(self._camera, event, 1)
        begun = time.monotonic()
        self._post(body)
        commanded = self._watch.written(BARRIER, on=True, after=begun)
        if commanded is None:
            raise SystemExit(f"the barrier stayed down for {PATIENCE_S:g} s before vehicle {vehicle.number}")
        return begun, commanded

    def _go_under(self, commanded: float) -> None:
        """Over the loop, until the barrier comes down; again, should the agent have looked away."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            self._box.set_input(LOOP_OUT, active=True)
            self._watch.polled()
            self._box.set_input(LOOP_OUT, active=False)
            if self._watch.written(BARRIER, on=False, after=commanded, within_s=SHUTS_S) is not None:
                return
        raise SystemExit(f"the barrier stayed up for {PATIENCE_S:g} s behind a vehicle")

    def _post(self, body: bytes) -> None:
        """On a connection of its own, as these cameras do it."""
        connection = HTTPConnection(self._url.hostname or "", self._url.port, timeout=PATIENCE_S)
        connection.request("POST", self._url.path, body, {"Content-Type": MULTIPART, "Connection": "close"})
        status = connection.getresponse().status
        connection.close()
        if status != HTTPStatus.OK:
            raise SystemExit(f"a plate was answered with {status}")
