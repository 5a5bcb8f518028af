"""The distance driver: register counts in, changes between empty and occupied out. Pure; time is an argument."""

from __future__ import annotations

from decimal import Decimal

from edge_agent.drivers.ultrasonic.schema import EmptyLayer, UltrasonicProfile
from edge_agent.model.lane_readings import Distance
from edge_agent.model.moment import Moment


class DistanceDriver:
    """Reads one sensor.

    Attributes:
        last: the last measurement; its `occupied` is what is shown by then.
        broken: the counts have been out of the sensor's range for as long as a state must hold; nothing is shown then.
    """

    def __init__(self, profile: UltrasonicProfile, empty: EmptyLayer | None = None) -> None:
        """`empty` goes before the profile's, as the site file says."""
        self._measure = profile.measure
        self._empty = empty or profile.empty
        self._occupied: bool | None = None
        self._candidate: bool | None = None
        self._since: Moment | None = None
        self._outside_since: Moment | None = None
        self.last: Distance | None = None
        self.broken = False

    def feed(self, count: int, now: Moment) -> Distance | None:
        """The measurement that shows the place to have become occupied or empty; None while nothing changes.

        `count`: the bits of its registers, see MeasureLayer.joined.
        """
        measure = self._measure
        no_echo = count in measure.no_echo
        value = None if no_echo else measure.value(count)
        inside = no_echo or (value is not None and self._inside(value))
        self._look_at_wire(now, inside=inside)
        millimetres = value * measure.mm_per_count + measure.offset_mm if inside and value is not None else None
        changed = self._settle(self._judge(millimetres) if inside else None, now)
        self.last = Distance(millimetres, measure.uncertainty_mm, self._occupied, count)
        return self.last if changed else None

    def interrupt(self) -> None:
        """The sensor was away: nothing is shown any more."""
        self._occupied = self._candidate = self._since = None

    def _inside(self, value: Decimal) -> bool:
        whole = self._measure.in_range
        return whole is None or whole[0] <= value <= whole[1]

    def _look_at_wire(self, now: Moment, *, inside: bool) -> None:
        """One count may be a spike; those that stay show that no sensor is there to say whether the place is empty."""
        if inside:
            self._outside_since, self.broken = None, False
            return
        self._outside_since = self._outside_since or now
        if now.seconds_since(self._outside_since) * 1000 >= self._empty.settle_milliseconds:
            self.broken = True
            self.interrupt()

    def _judge(self, millimetres: Decimal | None) -> bool | None:
        """Whether it looks occupied; None when it cannot be said."""
        if millimetres is None:
            return False if self._empty.no_echo_is_empty else None
        if millimetres < self._empty.occupied_below_mm:
            return True
        return False if millimetres > self._empty.empty_above_mm else None

    def _settle(self, occupied: bool | None, now: Moment) -> bool:
        """Whether the state changed."""
        if occupied is None or occupied == self._occupied:
            self._candidate = self._since = None
            return False
        if occupied != self._candidate or self._since is None:
            self._candidate, self._since = occupied, now
        if now.seconds_since(self._since) * 1000 < self._empty.settle_milliseconds:
            return False
        self._occupied, self._candidate, self._since = occupied, None, None
        return True
