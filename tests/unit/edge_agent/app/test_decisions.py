"""Decisions counted by lane and action."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge_agent.app.decisions import MOST_RECORDS, DecisionCount
from gate_contract.v1.decision_pb2 import (
    ACTION_HOLD,
    ACTION_INSPECT,
    ACTION_RELEASE,
    ACTION_REVIEW,
    Action,
    Decision,
)
from gate_contract.v1.record_pb2 import Record


@dataclass
class Last:
    decision: Decision


@dataclass
class Journal:
    records: list[bytes] = field(default_factory=list)
    asked: int = 0

    @property
    def size(self) -> int:
        return len(self.records)

    def record(self, index: int) -> bytes | None:
        self.asked += 1
        return self.records[index]


@dataclass
class Lane:
    lane_id: str
    journal: Journal
    decided: int = 0
    last: Last | None = None

    def decide(self, *actions: Action.ValueType) -> None:
        for action in actions:
            record = Record()
            record.passage.lane_id = self.lane_id
            record.passage.local_decision.action = action
            self.journal.records.append(record.SerializeToString())
            self.last, self.decided = Last(Decision(action=action)), self.decided + 1


def test_decisions_one_at_a_time_are_counted_without_asking_the_journal() -> None:
    journal = Journal()
    lane, count = Lane("L1", journal), DecisionCount(journal)
    assert count.look(lane) == {"release": 0, "review": 0, "inspect": 0, "hold": 0}
    for action in (ACTION_RELEASE, ACTION_HOLD, ACTION_RELEASE):
        lane.decide(action)
        count.look(lane)
    assert count.look(lane) == {"release": 2, "review": 0, "inspect": 0, "hold": 1}
    assert journal.asked == 0


def test_several_between_two_looks_are_taken_from_their_records_each_lane_its_own() -> None:
    journal = Journal()
    lane, other, count = Lane("L1", journal), Lane("L2", journal), DecisionCount(journal)
    lane.decide(ACTION_RELEASE)
    count.look(lane)
    lane.decide(ACTION_INSPECT)
    other.decide(ACTION_REVIEW, ACTION_REVIEW)
    lane.decide(ACTION_HOLD, ACTION_HOLD)
    journal.records.append(b"\xff\xff no record")
    assert count.look(lane) == {"release": 1, "review": 0, "inspect": 1, "hold": 2}
    assert count.look(other) == {"release": 0, "review": 2, "inspect": 0, "hold": 0}


def test_no_more_than_the_newest_records_are_looked_through() -> None:
    journal = Journal()
    lane, count = Lane("L1", journal), DecisionCount(journal)
    lane.decide(ACTION_HOLD, ACTION_HOLD)
    journal.records += [Record().SerializeToString()] * MOST_RECORDS
    assert count.look(lane)["hold"] == 0
    assert journal.asked == MOST_RECORDS
