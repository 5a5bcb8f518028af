"""Which positions become records. Pure; time is an argument."""

from __future__ import annotations

from math import cos, hypot, radians

from edge_agent.model.lane_readings import Position
from edge_agent.model.moment import Moment

METRES_PER_DEGREE = 111_320
"""Of latitude, on a sphere of the earth's size: good to half a percent."""


class PositionKeeper:
    """The rule: the first; a fix won or lost; a move of `moved_metres` or more; else one every `every_s`."""

    def __init__(self, every_s: float, moved_metres: float) -> None:
        self._every_s, self._moved_metres = every_s, moved_metres
        self._kept: tuple[Position, Moment] | None = None

    def keep(self, position: Position, now: Moment) -> bool:
        """Whether this position becomes a record."""
        if self._kept is not None:
            last, at = self._kept
            still = position.fix == last.fix and _metres(last, position) < self._moved_metres
            if still and now.seconds_since(at) < self._every_s:
                return False
        self._kept = (position, now)
        return True


def _metres(a: Position, b: Position) -> float:
    """Between two places not far from each other; 0 when one of them is not known."""
    if a.latitude_degrees is None or a.longitude_degrees is None:
        return 0
    if b.latitude_degrees is None or b.longitude_degrees is None:
        return 0
    north = float(b.latitude_degrees - a.latitude_degrees)
    east = (float(b.longitude_degrees - a.longitude_degrees) + 180) % 360 - 180
    return METRES_PER_DEGREE * hypot(north, east * cos(radians(float(a.latitude_degrees))))
