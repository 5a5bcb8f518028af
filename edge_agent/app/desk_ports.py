"""What the desk is given: where things are kept, and who is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edge_agent.app.records import RecordMaker
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.journal.journal import Journal
from gate_contract.v1.order_pb2 import Officer

Officers = Callable[[], Mapping[str, Officer]]


@dataclass(frozen=True, slots=True)
class DeskStores:
    """Where things are kept."""

    journal: Journal
    evidence: EvidenceStore
    records: RecordMaker


def _nobody(*_told: object) -> None:
    """No actuators."""


@dataclass(slots=True)
class DeskOutputs:
    """Who is told.

    Attributes:
        alarm: something that a supervisor must know: (incident code, text).
        appended: records were appended: (index of the first, how many).
        released: a passage may go: (lane, passage, revision, cause). Once for each release; on the desk's thread.
        stopped: a passage may not go (any more): (lane, passage, revision). May be told again.
    """

    alarm: Callable[[str, str], None]
    appended: Callable[[int, int], None]
    released: Callable[[str, str, int, str], None] = _nobody
    stopped: Callable[[str, str, int], None] = _nobody
