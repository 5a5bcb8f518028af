"""Parts of the journal as they go up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive records and the signed checkpoint whose size is where they end.

    Attributes:
        first_index: index of the first record.
        end: index after the last one.
        bodies: the records as they stand on the wire (gate_contract.envelope.encode_records), those in `lost` left out.
        lost: (index, leaf hash) of the records whose bytes are gone, by rising index.
        note: the signed checkpoint over the first `end` records of the journal.
    """

    first_index: int
    end: int
    bodies: list[bytes]
    lost: tuple[tuple[int, bytes], ...]
    note: bytes

    @property
    def record_count(self) -> int:
        """Records whose bytes are here."""
        return self.end - self.first_index - len(self.lost)


@dataclass(frozen=True, slots=True)
class LiveItem:
    """One record by itself, proved: its bytes, and the RFC 9162 inclusion proof in the tree that `note` signs."""

    index: int
    body: bytes
    proof: list[bytes]
    note: bytes
