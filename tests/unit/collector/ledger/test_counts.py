from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.ledger.counts import count
from tests.unit.collector.collected import Collected, passage, probes


@pytest.fixture
def collected(tmp_path: Path) -> Iterator[Collected]:
    made = Collected(tmp_path)
    yield made
    made.store.close()


def test_an_empty_collector_counts_nothing(collected: Collected) -> None:
    with collected.store.read() as connection:
        counts = count(connection)
    assert set(counts.totals().values()) == {0}
    assert counts.as_json()["by_journal"] == []


def test_records_and_what_was_made_of_them_are_counted(collected: Collected) -> None:
    agent, other = collected.admit("gate-1"), collected.admit("gate-2", b"b")
    collected.accept(agent, *probes(3), passage("p1"), b"\xff\xff")
    collected.accept(agent, passage("p1", 2))
    collected.revoke(other)
    with collected.store.read() as connection:
        counts = count(connection)
    assert counts.totals() == {
        "records": 6,
        "journals": 2,
        "dead_lettered": 1,
        "quarantined": 0,
        "lost": 0,
        "live_ahead": 0,
        "alarms": 0,
        "passages": 1,
        "verdicts": 0,
        "to_judge": 1,
        "declarations": 0,
        "register_items": 0,
        "ledger": 5,
        "evidence": 0,
        "evidence_bytes": 0,
    }
    first, second = counts.by_journal
    assert (first.agent_id, first.records, first.batches, first.dead_lettered) == ("gate-1", 6, 2, 1)
    assert first.last_seen == "2026-03-01T08:00:02Z"
    assert (second.records, second.last_seen, second.revoked) == (0, None, True)
