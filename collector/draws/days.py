"""Days of the draws: UTC days by name; and until when a declaration is worth a draw. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

from gate_contract.v1.declaration_pb2 import Declaration

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NS = 1_000_000_000

DAY: Final = 86_400 * _NS

AFTER_DEPARTURE: Final = 8 * DAY
AFTER_LODGING: Final = 91 * DAY
"""The policy lets no passage be matched so long afterwards (booking.departure_window_hours, lodged_before_hours)."""

NEVER: Final = 1 << 63


def day_of(moment_ns: int) -> str:
    """Name of the UTC day of a moment (nanoseconds since 1970): "YYYY-MM-DD"."""
    return (_EPOCH + timedelta(seconds=moment_ns // _NS)).date().isoformat()


def day_after(day: str) -> str:
    """Name of the next day."""
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def end_of(day: str) -> int:
    """When a day is over, nanoseconds since 1970-01-01T00:00:00Z."""
    end = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) + timedelta(days=1)
    return int((end - _EPOCH).total_seconds()) * _NS


def over_at(declaration: Declaration) -> int:
    """From when on no passage can be matched with a declaration, nanoseconds since 1970; NEVER without any time.

    What is over when it is its turn is not drawn for: nothing can be inspected any more, and a passage of long ago
    would be found to have been selected.
    """
    if declaration.departure_unix_ns:
        return declaration.departure_unix_ns + AFTER_DEPARTURE
    return declaration.lodged_unix_ns + AFTER_LODGING if declaration.lodged_unix_ns else NEVER
