"""A stretch of the journal as it goes up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive records and the signed checkpoint whose size is where they end."""

    first_index: int
    records: list[bytes]
    note: bytes

    @property
    def end(self) -> int:
        """Index after the last record."""
        return self.first_index + len(self.records)
