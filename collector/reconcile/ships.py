"""Whether AIS has a ship at the port about a moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import Connection, select

from collector.ingest.beside import STAY_GAP
from collector.store import schema


class Port:
    """Ships heard at some sites about some moments.

    A ship is here when it was heard before the moment and not longer before it than a stay's longest gap. What the
    receiver hears later lengthens a stay only when it comes within that gap, and so changes no answer about the past.
    """

    def __init__(self, connection: Connection, moments: Collection[tuple[str, int]]) -> None:
        """`moments` are (site, nanoseconds since 1970-01-01T00:00:00Z)."""
        self._stays: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        if not moments:
            return
        table = schema.vessels_seen.c
        first, last = min(at for _, at in moments), max(at for _, at in moments)
        query = select(table.site_id, table.mmsi, table.first_ns, table.last_ns).where(
            table.site_id.in_({site for site, _ in moments}),
            table.last_ns >= first - STAY_GAP,
            table.first_ns <= last,
        )
        for row in connection.execute(query):
            self._stays[row.site_id].append((row.mmsi, row.first_ns, row.last_ns))

    def has(self, site_id: str, mmsi: int, at_unix_ns: int | None) -> bool | None:
        """None when it is not known: which ship or when, or the site's receiver heard nobody at all."""
        if not mmsi or at_unix_ns is None:
            return None
        here = {ship for ship, first, last in self._stays[site_id] if first <= at_unix_ns <= last + STAY_GAP}
        return mmsi in here if here else None
