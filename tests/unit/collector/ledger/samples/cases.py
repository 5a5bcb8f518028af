from __future__ import annotations

from collector.cases import store as stored
from collector.cases.asking import Asked, escalate, follow, next_event
from collector.cases.core import replay
from collector.cases.policy import HOUR, CasePolicy
from collector.draws import seeds
from collector.draws.days import day_of
from gate_contract.v1 import case_pb2 as pb
from gate_contract.v1.decision_pb2 import ACTION_INSPECT, Finding
from tests.unit.collector.collected import Collected

POLICY = CasePolicy()


def fill(collected: Collected) -> None:
    """A case that is decided, one that is overdue; a seed that is published, one that is secret."""
    now_ns = collected.now_ns
    decided, overdue = opened("p1", now_ns), opened("p2", now_ns)
    add(decided, pb.CASE_EVENT_KIND_ASSIGNED, now_ns, "O-1", assignee="O-1")
    words = {"sealed_text": b"ciphertext", "key_id": "case-1"}
    add(decided, pb.CASE_EVENT_KIND_DECIDED, now_ns, "O-1", outcome=pb.CASE_OUTCOME_ERROR, **words)
    late = replay(overdue)
    assert late is not None
    escalated = escalate(late, POLICY, now_ns + 100 * HOUR)
    assert escalated is not None
    with collected.store.write() as connection:
        stored.append(connection, collected.ledger, {}, [*decided, *overdue, escalated], now_ns)
        for day in (day_of(now_ns - 72 * HOUR), day_of(now_ns)):
            seeds.commit(connection, collected.ledger, day, now_ns)
        seeds.publish(connection, collected.ledger, day_of(now_ns - 72 * HOUR), 6, now_ns)


def opened(subject: str, now_ns: int) -> list[pb.CaseEvent]:
    finding = Finding(code="W01", action=ACTION_INSPECT, severity=3, explanation="3 t too heavy")
    return follow(None, Asked(subject, "passage", "customs", [finding], [b"e" * 32]), POLICY, now_ns)


def add(
    events: list[pb.CaseEvent], kind: pb.CaseEventKind.ValueType, now_ns: int, actor: str, **fields: object
) -> None:
    case = replay(events)
    assert case is not None
    events.append(next_event(case, kind, now_ns, actor, **fields))
