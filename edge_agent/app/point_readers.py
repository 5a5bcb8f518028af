"""What the answers of devices that are asked for points become: inputs that change, places that fill and empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edge_agent.app.device_outcomes import Began, Ended, Kept, Outcome, Understood
from edge_agent.app.device_readers import PlainReader
from edge_agent.app.point_links import measured
from edge_agent.drivers.io.driver import InputDriver
from edge_agent.drivers.ultrasonic.driver import DistanceDriver
from edge_agent.drivers.ultrasonic.schema import MeasureLayer
from edge_agent.model.moment import Moment

_NO_SENSOR = (
    "The distance sensor gives counts that it never gives while it works: whether the place is empty or occupied is "
    "not known. Check the wires between sensor and input, and the sensor's supply; then compare in_range in its profile"
)


class InputReader(PlainReader[Mapping[str, int]]):
    """Inputs by name: debounced changes."""

    def __init__(self, debounce_s: float) -> None:
        self._driver = InputDriver(debounce_s)

    def take(self, data: Mapping[str, int], now: Moment) -> Iterator[Outcome]:
        """Each change is a record."""
        yield Understood()
        for change in self._driver.feed({name: bool(value) for name, value in data.items()}, now):
            yield Kept(change, b"", f"{change.name} {'on' if change.active else 'off'}")

    def closed(self, now: Moment) -> Iterator[Outcome]:
        """What the inputs do meanwhile is not known."""
        self._driver.interrupt()
        return super().closed(now)


class DistanceReader(PlainReader[Mapping[str, int]]):
    """A distance sensor: changes between empty and occupied."""

    def __init__(self, driver: DistanceDriver, measure: MeasureLayer) -> None:
        """`measure`: of the driver's profile."""
        self._driver, self._measure = driver, measure

    def take(self, data: Mapping[str, int], now: Moment) -> Iterator[Outcome]:
        """A change is a record; every measurement is shown."""
        was_broken = self._driver.broken
        count = measured(self._measure, data)
        change = self._driver.feed(count, now)
        last = self._driver.last
        shown = "no echo" if last is None or last.millimetres is None else f"{last.millimetres:.0f} mm"
        yield Kept(change, count.to_bytes(2 * self._measure.registers), shown) if change else Understood(shown)
        if not self._driver.broken:
            yield Ended("wire")
        elif not was_broken:
            yield Began("wire", "distance-out-of-range", _NO_SENSOR)

    def closed(self, now: Moment) -> Iterator[Outcome]:
        """The place may be anything."""
        self._driver.interrupt()
        return super().closed(now)
