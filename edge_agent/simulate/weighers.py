"""What weighs a truck in an emulated lane: a platform under the whole of it, and pads under its wheels."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from edge_agent.simulate.frames import IndicatorFrames, rounded
from edge_agent.simulate.indicator import Indicator
from edge_agent.simulate.load import LoadProfile, load_kilograms
from edge_agent.simulate.serial_line import SerialLine

PAD_DIVISION_KILOGRAMS = 20

SWAY_KILOGRAMS, SWAY_HERTZ = 400, 2.0
"""Of a truck that rolls: no scale takes that for standing still."""


@dataclass(frozen=True, slots=True)
class _Truck:
    """On the platform; times of time.monotonic()."""

    kilograms: Decimal
    arrived: float
    departed_after_s: float | None = None
    rolling: bool = False


class Platform:
    """A truck scale: its indicator says all the time what rests on it. The truck stands still on a whole division."""

    def __init__(self, frames: IndicatorFrames, link: Path, profile: LoadProfile, rate_hertz: float) -> None:
        """`link` is where its port appears."""
        self._profile, self._division = profile, frames.division_kilograms
        self._indicator = Indicator(frames, link, self._load, rate_hertz)
        self._truck: _Truck | None = None

    def start(self) -> None:
        """It shows the empty platform."""
        self._indicator.start()

    def drive_on(self, kilograms: Decimal) -> None:
        """Axle by axle; it stands still when the profile says so."""
        self._truck = _Truck(rounded(kilograms, self._division), time.monotonic())

    def roll_on(self, kilograms: Decimal) -> None:
        """With half of its mass, on and on: it stands still when it is told to `stand`."""
        self._truck = _Truck(rounded(kilograms, self._division), time.monotonic(), rolling=True)

    def stand(self) -> None:
        """Who rolled on brakes, with all axles on the platform."""
        if self._truck is not None:
            arrived = time.monotonic() - self._profile.ramp_s
            self._truck = dataclasses.replace(self._truck, arrived=arrived, rolling=False)

    def drive_off(self) -> float:
        """The same way."""
        if self._truck is not None:
            departed = time.monotonic() - self._truck.arrived
            self._truck = dataclasses.replace(self._truck, departed_after_s=departed)
        return self._profile.roll_off_s

    def stop(self) -> None:
        """Unplug it."""
        self._indicator.stop()

    def _load(self) -> Decimal:
        truck = self._truck
        if truck is None:
            return Decimal(0)
        since = time.monotonic() - truck.arrived
        if truck.rolling:
            return truck.kilograms / 2 + round(SWAY_KILOGRAMS * math.sin(2 * math.pi * SWAY_HERTZ * since))
        return load_kilograms(since, truck.kilograms, self._profile, truck.departed_after_s)


def ticket(axles: Sequence[int]) -> bytes:
    """What pads print of one group of axles, kilograms (Intercomp PT300 user's manual 700028-G, p. 13 and 26)."""
    lines = []
    for number, axle in enumerate(axles, 1):
        left = axle // (2 * PAD_DIVISION_KILOGRAMS) * PAD_DIVISION_KILOGRAMS
        lines += [f"WHL {2 * number - 1}: {left} WHL {2 * number}:", f"{axle - left}", f"AXL {number}: {axle}"]
    lines += [f"SUBTOTAL GRP 1: {sum(axles)}", f"ACCUM TOTAL: {sum(axles)}"]
    return "".join(f"{line}\r\n" for line in lines).encode()


class AxlePads:
    """Pads under all wheels of a truck, which print a ticket when it has been weighed."""

    def __init__(self, link: Path) -> None:
        """Plugged in."""
        self._line = SerialLine(link)

    def weigh(self, axles: Sequence[int]) -> None:
        """The ticket; axles front first, kilograms."""
        self._line.send(ticket(axles))

    def stop(self) -> None:
        """Unplug them."""
        self._line.close()
