"""Ships as their AIS messages come in: when each was heard first and last within one stretch of records. Pure.

Thousands of messages come in a minute, and one stay of a ship is what matters: so they are counted down to two times a
ship before anything is stored.
"""

from __future__ import annotations

from typing import Final

from gate_contract.v1.reading_pb2 import Reading

OF_SHIPS: Final = frozenset({1, 2, 3, 5, 18, 19, 24, 27})
"""Message types in which a ship speaks of itself (ITU-R M.1371-5, annex 8); the others are of shore stations, buoys and
aircraft, or are not about a ship's own place."""

LARGEST_MMSI: Final = 999_999_999


class Ships(dict[tuple[str, int], tuple[int, int]]):
    """First and last time by site and MMSI, nanoseconds since 1970-01-01T00:00:00Z."""

    def heard(self, site_id: str, reading: Reading) -> None:
        """One message; what no ship can have sent is passed over."""
        vessel, at = reading.vessel, reading.at.wall_unix_ns
        if vessel.message_type not in OF_SHIPS or not 0 < vessel.mmsi <= LARGEST_MMSI or "\0" in site_id:
            return
        first, last = self.get((site_id, vessel.mmsi), (at, at))
        self[site_id, vessel.mmsi] = min(first, at), max(last, at)
