"""What the uplink needs of a journal."""

from __future__ import annotations

from typing import Protocol

from edge_agent.model.sealed import LiveItem, Stretch
from gate_contract.checkpoint import Receipt


class JournalSource(Protocol):
    """A journal as the record stream reads it."""

    @property
    def origin(self) -> str:
        """Origin of its checkpoints."""

    @property
    def size(self) -> int:
        """Records captured."""

    def stretch(self, first_index: int, max_records: int, max_bytes: int) -> Stretch | None:
        """Records from an index on, up to a signed checkpoint."""

    def live(self, index: int) -> LiveItem | None:
        """One record with its proof; None when it was not appended lately."""

    def receipt(self) -> tuple[int, bytes]:
        """Latest receipt: size and note."""

    def acknowledge(self, receipt: Receipt, note: bytes, dead_lettered: int, received_ns: int) -> None:
        """Keep a verified receipt."""
