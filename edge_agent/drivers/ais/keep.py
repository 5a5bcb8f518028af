"""Which AIS messages become records: a busy strait says thousands a minute. Pure; time is an argument."""

from __future__ import annotations

from dataclasses import dataclass, fields

from edge_agent.model.lane_readings import Vessel
from edge_agent.model.moment import Moment

MOST_SHIPS = 4096
"""Ships remembered; beyond it the one heard longest ago counts as new."""

_CHANGING = frozenset(
    {"message_type", "latitude_degrees", "longitude_degrees", "speed_knots", "course_degrees", "heading_degrees"}
)
"""What a ship under way says anew each time; everything else is kept as soon as it differs."""

_STEADY = tuple(field.name for field in fields(Vessel) if field.name not in _CHANGING)


@dataclass(slots=True)
class _Kept:
    at: Moment
    said: dict[str, object]


class VesselKeeper:
    """The rule: a ship's first message, one that says something else than before, and one every `every_s`.

    "Something else" is status, name, call sign, IMO number, type or destination. Messages with a place and those
    without are counted separately.
    """

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._kept: dict[tuple[int, bool], _Kept] = {}

    def keep(self, vessel: Vessel, now: Moment) -> bool:
        """Whether this message becomes a record."""
        key = (vessel.mmsi, vessel.latitude_degrees is not None)
        said = {name: value for name in _STEADY if (value := getattr(vessel, name)) is not None}
        known = self._kept.pop(key, None)
        if known is None:
            self._kept[key] = _Kept(now, said)
            if len(self._kept) > MOST_SHIPS:
                del self._kept[next(iter(self._kept))]
            return True
        self._kept[key] = known  # at the end: the dict is in order of last sight
        changed = any(known.said.get(name) != value for name, value in said.items())
        known.said |= said
        if changed or now.seconds_since(known.at) >= self._every_s:
            known.at = now
            return True
        return False
