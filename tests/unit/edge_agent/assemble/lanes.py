"""A lane and what its devices say, for the tests of passages."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from decimal import Decimal

from edge_agent.assemble.lane import VehicleLane
from edge_agent.assemble.state import Advance, LaneSettings, LaneState, OrphanReading
from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.model.passage import Passage
from edge_agent.model.readings import PlateSeen, Reading, Stability, StableWeight, Weight, WeightSample

BEGIN = 1_790_000_000 * SECOND


BOOT = bytes(16)


SETTINGS = LaneSettings(
    lane_id="L1",
    direction="outbound",
    scales=("scale-1",),
    cameras=("camera-1",),
    open_kilograms=Decimal(500),
    clear_kilograms=Decimal(200),
    grace_s=3,
    settle_s=20,
    approach_s=30,
    late_s=60,
)


def at(seconds: float) -> Moment:
    offset = round(seconds * SECOND)
    return Moment(WallNs(BEGIN + offset), MonoNs(offset), BOOT, synchronised=True)


def weight(kilograms: int, seconds: float) -> WeightSample:
    return WeightSample("scale-1", at(seconds), Weight(Decimal(kilograms), "kg", None, None, None, b""))


def stable(kilograms: int, seconds: float) -> StableWeight:
    return StableWeight(
        device_id="scale-1",
        at=at(seconds),
        weight=Weight(Decimal(kilograms), "kg", None, None, None, b""),
        stability=Stability.INFERRED,
        samples=10,
        span_ms=1000,
        uncertainty_kilograms=Decimal(24),
        division_kilograms=Decimal(20),
    )


def plate(text: str, seconds: float, *, taken: float | None = None, camera: str = "camera-1") -> PlateSeen:
    time = "" if taken is None else datetime.fromtimestamp(BEGIN / SECOND + taken, UTC).isoformat()
    return PlateSeen(camera, at(seconds), text, 0.9, "forward", "1", time, f"{text}-{seconds}")


class Lane:
    """Drives a VehicleLane and collects what it gives."""

    def __init__(self, settings: LaneSettings = SETTINGS) -> None:
        numbers = itertools.count(1)
        self.lane = VehicleLane(settings, lambda _now: f"P{next(numbers)}")
        self.state = LaneState()
        self.passages: list[Passage] = []
        self.orphans: list[OrphanReading] = []

    def give(self, *readings: Reading) -> None:
        for reading in readings:
            self._keep(self.lane.advance(self.state, reading, reading.at))

    def wait_until(self, seconds: float) -> None:
        self._keep(self.lane.advance(self.state, None, at(seconds)))

    def _keep(self, step: Advance) -> None:
        self.state = step.state
        self.passages += step.passages
        self.orphans += step.orphans
