"""One emulated lane: trucks roll over the scale and past the camera as planned, each driver watching the lamp."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Self

from edge_agent.simulate.anpr import CameraDetails
from edge_agent.simulate.camera import CHINA, Delivery, HikvisionCamera
from edge_agent.simulate.frames import IndicatorFrames, ToledoContinuousFrames, YaohuaA9Frames
from edge_agent.simulate.indicator import Indicator
from edge_agent.simulate.io_box import BARRIER, LOOP_OUT, IoBox
from edge_agent.simulate.load import LoadProfile, load_kilograms
from edge_agent.simulate.plan import LanePlan, VehiclePlan
from edge_agent.simulate.scenario import Lane

# Of a division. With the plan's OFF_WHOLE_DIVISION it stays under a half, so that a standing truck shows one figure.
TREMBLE = Decimal("0.25")
LOOK_AT_LAMP_EVERY_S = 0.05
BARRIER_WAIT_S = 1.5
"""How long a driver looks at a barrier that stays down before turning into the staffed lane."""

PATIENT_S = 10.0
"""The same of one with whom nothing is wrong: on a busy machine the barrier may take its time."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """What one vehicle really did.

    Attributes:
        stood_s: from standing still until it began to roll off.
        let_go: whether the lamp let it go; False when its driver tired of waiting.
        sighting: what became of the camera's event; it may still be under way.
        through: whether it went under the barrier; False when that stayed down and it took the staffed lane. None on a
            lane without one.
    """

    vehicle: VehiclePlan
    arrived: datetime
    left: datetime
    stood_s: float
    let_go: bool
    sighting: Future[Delivery]
    through: bool | None = None


@dataclass(frozen=True, slots=True)
class _Visit:
    """The truck on the platform; times of time.monotonic()."""

    mass: Decimal
    arrived: float
    profile: LoadProfile
    departed_after_s: float | None = None


class LaneEmulator:
    """Runs one lane's plan once, in a thread of its own; the indicator goes on to show the empty scale until `stop`.

    Faults are made on `indicator` (unplug, babble, silence) while it runs.

    Args:
        plan: the traffic.
        port_link: where the scale's port is to appear, as a symbolic link.
        camera_url: where the camera posts.
        driver_may_go: asked again and again while a vehicle stands: whether the lamp lets it go. Called from the lane's
            thread. Without it nobody waits.
        on_crossed: told of every vehicle that has left, from the lane's thread.
        box: the lane's barrier, and the loop behind it.
    """

    def __init__(
        self,
        plan: LanePlan,
        port_link: Path,
        camera_url: str,
        driver_may_go: Callable[[VehiclePlan], bool] | None = None,
        on_crossed: Callable[[Crossing], None] | None = None,
        box: IoBox | None = None,
    ) -> None:
        lane = plan.lane
        self.indicator = Indicator(indicator_frames(lane), port_link, self._load, lane.rate_hertz)
        self.camera = HikvisionCamera(camera_url, _camera_details(lane))
        self._plan, self._timing = plan, plan.timing
        self._driver_may_go, self._on_crossed, self._box = driver_may_go, on_crossed, box
        self._visit: _Visit | None = None
        self._crossings: list[Crossing] = []
        self._stopped, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"lane {lane.lane_id}", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def crossings(self) -> tuple[Crossing, ...]:
        """The vehicles that have left, in order."""
        return tuple(self._crossings)

    def start(self) -> None:
        """Plug in the devices and let the traffic begin."""
        self.indicator.start()
        self.camera.start()
        self._thread.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end of the traffic; whether every vehicle has crossed."""
        self._ended.wait(timeout_s)
        return len(self._crossings) == len(self._plan.vehicles)

    def stop(self) -> None:
        """End the traffic where it is and take the devices away; returns when that is done."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self.camera.stop()
        self.indicator.stop()

    def _load(self) -> Decimal:
        visit = self._visit
        if visit is None:
            return Decimal(0)
        return load_kilograms(time.monotonic() - visit.arrived, visit.mass, visit.profile, visit.departed_after_s)

    def _run(self) -> None:
        try:
            for vehicle in self._plan.vehicles:
                self._cross(vehicle)
                if self._stopped.is_set():
                    return
        finally:
            self._ended.set()

    def _cross(self, vehicle: VehiclePlan) -> None:
        """One vehicle from the gap before it to its last axle off the platform; stops early when told to."""
        timing = self._timing
        profile = LoadProfile(
            ramp_s=timing.ramp_s,
            settle_s=timing.settle_s,
            roll_off_s=timing.roll_off_s,
            vibration_kilograms=TREMBLE * self._plan.lane.division_kilograms,
            seed=vehicle.number,
        )
        arrives = time.monotonic() + timing.gap_s
        still = arrives + profile.still_after_s
        self._visit = _Visit(vehicle.gross_kilograms, arrives, profile)
        self._sleep_until(arrives + vehicle.plate_after_s)
        if self._stopped.is_set():
            return
        sighting = self.camera.see(vehicle.read_as, vehicle.colour, confidence=vehicle.confidence, times=vehicle.times)
        self._sleep_until(arrives)
        arrived = datetime.now(CHINA)
        self._sleep_until(still + timing.dwell_s)
        let_go = self._wait_for_lamp(vehicle, still + timing.dwell_s + timing.max_wait_s)
        through = self._barrier_opens(vehicle)
        departs = time.monotonic()
        if through and self._box is not None:
            self._box.set_input(LOOP_OUT, active=True)
        self._visit = dataclasses.replace(self._visit, departed_after_s=departs - arrives)
        self._sleep_until(departs + timing.roll_off_s)
        self._visit = None
        if through and self._box is not None:
            self._box.set_input(LOOP_OUT, active=False)
        if self._stopped.is_set():
            return
        crossing = Crossing(vehicle, arrived, datetime.now(CHINA), departs - still, let_go, sighting, through)
        self._crossings.append(crossing)
        if self._on_crossed is not None:
            self._on_crossed(crossing)

    def _wait_for_lamp(self, vehicle: VehiclePlan, until: float) -> bool:
        if self._driver_may_go is None:
            return True
        while not self._driver_may_go(vehicle):
            if time.monotonic() >= until or self._stopped.wait(LOOK_AT_LAMP_EVERY_S):
                return False
        return True

    def _barrier_opens(self, vehicle: VehiclePlan) -> bool | None:
        if self._box is None:
            return None
        clean = vehicle.truth.at_passage.action == "RELEASE"
        until = time.monotonic() + (PATIENT_S if clean else BARRIER_WAIT_S)
        while not self._box.coil(BARRIER):
            if time.monotonic() >= until or self._stopped.wait(LOOK_AT_LAMP_EVERY_S):
                return False
        return True

    def _sleep_until(self, moment: float) -> None:
        self._stopped.wait(max(0.0, moment - time.monotonic()))


def indicator_frames(lane: Lane) -> IndicatorFrames:
    """How this lane's indicator writes a weight."""
    if lane.indicator == "yaohua-xk3190-a9-tf0":
        return YaohuaA9Frames(lane.division_kilograms)
    return ToledoContinuousFrames(lane.division_kilograms)


def _camera_details(lane: Lane) -> CameraDetails:
    return CameraDetails(
        serial_number=f"EMULATED-{lane.site_id}-{lane.lane_id}-{lane.camera_device_id}",
        channel_name=lane.lane_id,
        writes_colour=lane.camera_writes_colour,
    )
