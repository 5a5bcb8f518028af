"""What the journal has and the desk missed."""

from __future__ import annotations

from edge_agent.app.desk_recovery import MOST_SCANNED, passages_since
from gate_contract.v1.passage_pb2 import Passage
from gate_contract.v1.record_pb2 import Probe, Record


class Kept:
    """A journal in memory; None is a record that is gone."""

    def __init__(self, *records: Record | None) -> None:
        self.records = records
        self.size = len(records)

    def record(self, index: int) -> bytes | None:
        found = self.records[index]
        return None if found is None else found.SerializeToString()


def seen(lane: str, name: str, revision: int = 1) -> Record:
    return Record(passage=Passage(lane_id=lane, passage_id=name, revision=revision))


def missed(journal: Kept, begun_at: int = 0, **last: tuple[str, int] | None) -> list[tuple[str, int]]:
    return [(each.passage.passage_id, each.passage.revision) for each in passages_since(journal, begun_at, last)]


def test_of_each_lane_what_follows_its_last_decision_is_new_in_the_journals_order() -> None:
    journal = Kept(
        seen("A", "a1"),
        seen("B", "b1"),
        Record(probe=Probe()),
        None,
        seen("A", "a2"),
        seen("A", "a1", 2),
        seen("B", "b2"),
    )
    assert missed(journal, A=("a1", 1), B=("b1", 1)) == [("a2", 1), ("a1", 2), ("b2", 1)]
    assert missed(journal, A=("a1", 2), B=("b2", 1)) == []
    assert missed(journal, A=("a1", 2)) == [("b1", 1), ("b2", 1)]


def test_nothing_from_before_there_was_a_desk_is_new() -> None:
    journal = Kept(seen("A", "a1"), seen("A", "a2"), seen("B", "b1"))
    assert missed(journal, 1) == [("a2", 1), ("b1", 1)]
    assert missed(journal, 3) == []


def test_no_more_than_the_newest_records_are_looked_at() -> None:
    journal = Kept(seen("A", "a1"), *[None] * MOST_SCANNED, seen("A", "a2"))
    assert missed(journal) == [("a2", 1)]
