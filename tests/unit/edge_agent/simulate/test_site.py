from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from edge_agent.simulate.frames import YaohuaA9Frames, rounded
from edge_agent.simulate.plan import LanePlan, VehiclePlan, build_plan
from edge_agent.simulate.scenario import parse_scenario
from edge_agent.simulate.site import Crossing, LaneEmulator

FAST = """
seed = 7
[timing]
ramp_s = 0.06
settle_s = 0.04
dwell_s = 0.12
roll_off_s = 0.06
gap_s = 0.06
plate_earliest_s = -0.05
plate_latest_s = 0.1
max_wait_s = {max_wait_s}
[[lane]]
site_id = "xinhai"
lane_id = "in-1"
direction = "inbound"
scale_device_id = "scale-1"
camera_device_id = "plate-1"
indicator = "yaohua-xk3190-a9-tf0"
division_kilograms = 20
rate_hertz = 50
regulated_goods = true
vehicles = {vehicles}
"""


def a_plan(vehicles: int = 2, max_wait_s: float = 5) -> LanePlan:
    scenario = parse_scenario(FAST.format(vehicles=vehicles, max_wait_s=max_wait_s), "fast.toml")
    return build_plan(scenario, datetime(2025, 6, 1, 9, tzinfo=timezone(timedelta(hours=8)))).lanes[0]


class Listener:
    """Keeps what comes out of the scale's port."""

    def __init__(self, port: Path) -> None:
        self._fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
        self.heard = b""
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        try:
            while chunk := os.read(self._fd, 4096):
                self.heard += chunk
        except OSError:
            pass  # the emulator has taken the port away
        finally:
            os.close(self._fd)

    def close(self) -> None:
        self._thread.join()


def run(plan: LanePlan, port: Path, url: str, may_go: Callable[[VehiclePlan], bool] | None = None) -> LaneEmulator:
    told: list[Crossing] = []
    with LaneEmulator(plan, port, url, may_go, told.append) as emulator:
        assert emulator.wait(5)
        for crossing in emulator.crossings:
            crossing.sighting.result(5)
    assert tuple(told) == emulator.crossings
    return emulator


def test_every_vehicle_stands_on_the_scale_and_is_seen_by_the_camera(gate: Any, tmp_path: Path) -> None:
    plan = a_plan()
    with LaneEmulator(plan, tmp_path / "scale", gate.url) as emulator:
        listener = Listener(tmp_path / "scale")
        assert emulator.wait(5)
        for crossing in emulator.crossings:
            assert crossing.sighting.result(5).accepted
    listener.close()
    assert [crossing.vehicle for crossing in emulator.crossings] == list(plan.vehicles)
    frames = YaohuaA9Frames(plan.lane.division_kilograms)
    for vehicle, post in zip(plan.vehicles, gate.events, strict=True):
        standing = frames.encode(rounded(vehicle.gross_kilograms, plan.lane.division_kilograms))
        assert standing * 4 in listener.heard  # 0.12 s at 50 Hz: it stood still, on one figure
        assert vehicle.read_as.encode() in post.body
    assert frames.encode(rounded(plan.vehicles[0].gross_kilograms * 0, plan.lane.division_kilograms)) in listener.heard


def test_a_driver_stands_until_the_lamp_lets_him_go(gate: Any, tmp_path: Path) -> None:
    green_at = time.monotonic() + 0.5
    emulator = run(a_plan(1), tmp_path / "scale", gate.url, lambda _: time.monotonic() >= green_at)
    [crossing] = emulator.crossings
    assert crossing.let_go
    assert crossing.stood_s >= 0.3  # 0.5 s less the gap, the ramp and the settling before it
    assert crossing.left - crossing.arrived >= timedelta(seconds=0.4)


def test_a_driver_who_waits_too_long_drives_on(gate: Any, tmp_path: Path) -> None:
    emulator = run(a_plan(1, max_wait_s=0.1), tmp_path / "scale", gate.url, lambda _: False)
    [crossing] = emulator.crossings
    assert not crossing.let_go
    assert crossing.stood_s >= 0.2  # dwell and patience


def test_the_lamp_is_asked_about_the_vehicle_that_stands_there(gate: Any, tmp_path: Path) -> None:
    asked: list[int] = []

    def may_go(vehicle: VehiclePlan) -> bool:
        asked.append(vehicle.number)
        return True

    run(a_plan(2), tmp_path / "scale", gate.url, may_go)
    assert asked == [1, 2]


def test_stopping_ends_the_traffic_at_once_and_takes_the_devices_away(gate: Any, tmp_path: Path) -> None:
    with LaneEmulator(a_plan(50), tmp_path / "scale", gate.url, lambda _: False) as emulator:
        assert gate.wait_for_events(1)
        began = time.monotonic()
    assert time.monotonic() - began < 30  # a plan of fifty takes minutes
    assert not emulator.wait(0)
    assert list(tmp_path.iterdir()) == []


def test_a_camera_without_a_gate_does_not_hold_up_the_traffic(tmp_path: Path) -> None:
    with LaneEmulator(a_plan(1), tmp_path / "scale", "http://127.0.0.1:9/") as emulator:
        assert emulator.wait(5)
        assert not emulator.crossings[0].sighting.done()
    assert not emulator.crossings[0].sighting.result(0).accepted
