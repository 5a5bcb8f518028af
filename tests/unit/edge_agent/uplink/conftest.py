"""What the tests of the uplink share."""

from __future__ import annotations

import pytest

from edge_agent.uplink import supervisor
from edge_agent.uplink.stream import RecordStream
from tests.unit.edge_agent.uplink.fakes import COLLECTOR, FakeJournal


@pytest.fixture
def journal() -> FakeJournal:
    """An empty one."""
    return FakeJournal()


@pytest.fixture
def stream(journal: FakeJournal) -> RecordStream:
    """A stream of that journal."""
    return RecordStream(journal, COLLECTOR.verifier, "test", lambda: 7, lambda _size: None)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the pauses that a real line needs."""
    monkeypatch.setattr(supervisor, "BACKOFF_S", (0.01, 0.02))
    monkeypatch.setattr(supervisor, "EVIDENCE_POLL_S", 0.01)
    monkeypatch.setattr(supervisor, "AFTER_FAILURE_S", 0.01)
