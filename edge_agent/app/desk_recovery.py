"""Passages that the journal has and the desk has not taken in yet: the agent ended in between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from google.protobuf.message import DecodeError

from edge_agent.errors import JournalError
from gate_contract.v1.record_pb2 import Record

MOST_SCANNED = 2048
"""Newest records that are looked at; whom older ones are about has long gone."""


class Records(Protocol):
    """What is asked of a journal."""

    @property
    def size(self) -> int:
        """Records captured."""

    def record(self, index: int) -> bytes | None:
        """One of them."""


def passages_since(journal: Records, begun_at: int, last: Mapping[str, tuple[str, int] | None]) -> list[Record]:
    """Records of passages after the last (id, revision) that the desk of their lane took in, in the journal's order.

    A lane's decisions reach its desk in the order in which they are recorded, so everything after the last one is new.
    Nothing before index `begun_at` is: then there was no desk.
    """
    new: list[Record] = []
    for record in _passages(journal, max(begun_at, journal.size - MOST_SCANNED)):
        passage = record.passage
        if (passage.passage_id, passage.revision) == last.get(passage.lane_id):
            new = [each for each in new if each.passage.lane_id != passage.lane_id]
        else:
            new.append(record)
    return new


def _passages(journal: Records, first: int) -> Iterator[Record]:
    for index in range(first, journal.size):
        try:
            record = Record.FromString(journal.record(index) or b"")
        except (DecodeError, JournalError):
            continue  # lost or damaged: the journal tells of it
        if record.HasField("passage"):
            yield record
