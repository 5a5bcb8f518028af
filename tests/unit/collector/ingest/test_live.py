from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Table, select

from collector.ingest.accept import Arrival, Forked, LiveArrival, Moved, Revoked, Stored, Taken, store_batches
from collector.ingest.losses import runs
from collector.ingest.prepare import prepare, prepare_live
from collector.ledger.journal import stored_records
from collector.reconcile.turns import BACKLOG
from collector.store import schema
from gate_contract.checkpoint import Note
from gate_contract.envelope import BadSealError
from gate_contract.v1.record_pb2 import Record
from tests.unit.collector.collected import Agent, Collected, incident, passage, probes


@pytest.fixture
def collected(anywhere: Collected) -> Collected:
    return anywhere


@pytest.fixture
def agent(collected: Collected) -> Agent:
    agent = collected.admit("gate-1")
    agent.records += probes(5)
    return agent


def rows(collected: Collected, table: Table) -> Sequence[Any]:
    with collected.store.read() as connection:
        return connection.execute(select(table)).all()


def test_a_live_record_is_kept_with_its_proof_and_its_passage_waits_to_be_judged(
    collected: Collected, agent: Agent
) -> None:
    agent.records += [passage("p1"), incident("i1"), b"\xff"]
    assert collected.take_live(agent, agent.live(5, 6, 7)) == Taken([5, 6, 7])
    kept = rows(collected, schema.live_records)
    assert [(row.record_index, row.body, row.checkpoint_size) for row in kept] == [
        (index, agent.records[index], 8) for index in (5, 6, 7)
    ]
    assert [row.passage_id for row in rows(collected, schema.passages)] == ["p1"]
    assert [row.turn for row in rows(collected, schema.to_judge)] == [collected.now_ns]
    # What is no passage waits for the backlog.
    assert rows(collected, schema.incidents) == rows(collected, schema.dead_letters) == []
    head = collected.head(agent)
    assert (head.frontier.size, head.live_ahead, head.dead_lettered) == (0, 3, 0)


def test_the_backlog_merges_what_came_live_and_settles_it_when_it_passes_the_checkpoint(
    collected: Collected, agent: Agent
) -> None:
    agent.records += [passage("p1"), *probes(3, 5)]
    collected.take_live(agent, agent.live(5))
    received = collected.now_ns
    collected.take(agent, agent.batch(0, 7))
    (row,) = rows(collected, schema.live_records)
    assert (row.body, row.proof, row.checkpoint_size) == (None, None, 9)
    assert collected.head(agent).live_ahead == 1
    collected.take(agent, agent.batch(7))
    (row,) = rows(collected, schema.live_records)
    assert (row.note, row.checkpoint_size, row.received_ns) == (None, None, received)
    assert collected.head(agent).live_ahead == 0
    (seen,) = rows(collected, schema.passages)
    assert (seen.record_index, seen.received_ns) == (5, received)


def test_what_is_sent_again_is_taken_again_and_kept_once(collected: Collected, agent: Agent) -> None:
    agent.records += [passage("p1")]
    for _ in range(2):
        assert collected.take_live(agent, agent.live(5)) == Taken([5])
    agent.records += probes(1, 9)
    assert collected.take_live(agent, agent.live(5)) == Taken([5])
    assert collected.head(agent).live_ahead == 1
    collected.take(agent, agent.batch())
    assert collected.take_live(agent, agent.live(3, 5)) == Taken([3, 5])
    assert collected.head(agent).live_ahead == 0
    assert len(rows(collected, schema.live_records)) == len(rows(collected, schema.passages)) == 1


def test_batches_and_live_records_of_one_transaction_meet(collected: Collected, agent: Agent) -> None:
    agent.records += [passage("p1"), *probes(2, 5)]
    head = collected.head(agent)
    first = collected.prepare(agent, agent.batch(0, 3))
    second = prepare(agent.batch(3), first.frontier, head.verifier, lambda *_: ())
    live = prepare_live(agent.live(5, size=6), head.verifier)
    arrivals: list[Arrival | LiveArrival] = [Arrival(1, first), Arrival(1, second), LiveArrival(1, live)]
    with collected.store.write() as connection:
        outcomes = store_batches(connection, collected.ledger, collected.receipts, arrivals, collected.now_ns)
    assert outcomes[2] == Taken([5])
    assert [outcome.size for outcome in outcomes[:2] if isinstance(outcome, Stored)] == [8, 8]
    assert collected.head(agent).live_ahead == 0
    assert len(rows(collected, schema.passages)) == 1


def test_bytes_that_the_gate_lost_are_taken_from_the_live_record(collected: Collected, agent: Agent) -> None:
    agent.records += [passage("p1"), *probes(2, 5)]
    collected.take_live(agent, agent.live(5))
    outcome = collected.take(agent, agent.batch(0, lost=[2, 5]))
    assert isinstance(outcome, Stored)
    assert outcome.dead_lettered == 1
    with collected.store.read() as connection:
        held = stored_records(connection, 1, 0, 8)
    assert held == {index: body for index, body in enumerate(agent.records) if index != 2}
    assert [(row.record_index, row.reason) for row in rows(collected, schema.dead_letters)] == [(2, "lost at the gate")]
    assert (collected.head(agent).lost, collected.head(agent).dead_lettered) == (1, 1)
    assert [(row.kind, row.record_index) for row in rows(collected, schema.alarms)] == [("lost-records", 2)]


def test_a_revision_that_came_live_and_was_said_before_is_a_dead_letter_in_its_place(
    collected: Collected, agent: Agent
) -> None:
    agent.records += [passage("p1"), passage("p2"), passage("p1", plate="琼B99999"), passage("p2", plate="琼C1")]
    collected.take(agent, agent.batch(0, 6))
    collected.take_live(agent, agent.live(7, 8))
    assert sorted(row.record_index for row in rows(collected, schema.passages)) == [5, 8]
    collected.take(agent, agent.batch(6))
    # Of p2 the live record was here first: it is the one in the backlog that repeats it.
    assert [(row.record_index, row.reason) for row in rows(collected, schema.dead_letters)] == [
        (6, "revision 1 of passage p2 is record 8 already"),
        (7, "revision 1 of passage p1 is record 5 already"),
    ]
    assert collected.head(agent).dead_lettered == 2


def test_a_backlog_that_differs_is_a_fork_quarantined_with_its_index(collected: Collected, agent: Agent) -> None:
    agent.records += [passage("p1")]
    collected.take_live(agent, agent.live(5))
    agent.records[5] = passage("p2")
    outcome = collected.take(agent, agent.batch())
    assert isinstance(outcome, Forked)
    assert "in the live record that came ahead of it" in outcome.text
    (row,) = rows(collected, schema.quarantine)
    assert (row.kind, row.record_index, row.body) == ("fork", 5, agent.batch())
    assert collected.head(agent).frontier.size == 0
    assert rows(collected, schema.batches) == []


def test_a_backlog_that_leads_to_another_root_is_a_fork_named_after_the_live_record(
    collected: Collected, agent: Agent
) -> None:
    agent.records += [passage("p1"), *probes(4, 5)]
    collected.take_live(agent, agent.live(5, size=7))
    collected.take(agent, agent.batch(0, 2))
    agent.records[6] = b"another"
    outcome = collected.take(agent, agent.batch(2))
    assert isinstance(outcome, Forked)
    assert "the live record 5 was proved under a checkpoint of 7 records" in outcome.text
    assert outcome.text.endswith("which part somewhere before record 7")
    (row,) = rows(collected, schema.quarantine)
    assert row.record_index == 5


def test_a_live_checkpoint_of_another_history_is_named_after_its_record(collected: Collected, agent: Agent) -> None:
    collected.take(agent, agent.batch(0, 5))
    agent.records += [passage("p1")]
    collected.take_live(agent, agent.live(5))
    honest = list(agent.records)
    agent.records[1] = b"another"
    told = []
    for index, size in ((2, 5), (4, 6)):
        outcome = collected.take_live(agent, agent.live(index, size=size))
        assert isinstance(outcome, Forked)
        told.append(outcome.text)
    agent.records = honest
    assert [text[: text.index(" was")] for text in told] == ["the live record 2", "the live record 4"]
    assert [text[-9:] for text in told] == [" record 5", " record 6"]
    assert [row.record_index for row in rows(collected, schema.quarantine)] == [2, 4]


def test_a_live_record_that_differs_from_what_is_held_is_a_fork(collected: Collected, agent: Agent) -> None:
    agent.records += [passage("p1"), passage("p2")]
    collected.take_live(agent, agent.live(6))
    collected.take(agent, agent.batch(0, 4))
    honest = list(agent.records)
    for index, size in ((6, 8), (2, 8), (2, 3), (6, 7)):
        agent.records = [*honest, *probes(1, 77)]
        agent.records[index] = b"another"
        outcome = collected.take_live(agent, agent.live(index, size=size))
        assert isinstance(outcome, Forked)
        assert outcome.size == 4
    assert len(rows(collected, schema.quarantine)) == 4
    assert len(rows(collected, schema.live_records)) == 1


def test_nothing_live_of_a_revoked_key_is_kept(collected: Collected, agent: Agent) -> None:
    message = agent.live(3)
    collected.revoke(agent, "stolen")
    assert collected.take_live(agent, message) == Revoked(0, "stolen")
    assert rows(collected, schema.live_records) == []


def test_a_live_checkpoint_with_a_signature_that_nobody_can_check_is_refused(
    collected: Collected, agent: Agent
) -> None:
    other = collected.admit("gate-2", b"b")
    message = agent.live(3)
    note = Note.parse(message.checkpoint)
    message.checkpoint = Note(note.text, note.signatures + other.signer.sign(note.text).signatures).to_bytes()
    with pytest.raises(BadSealError, match="carries 2 signatures"):
        prepare_live(message, agent.signer.verifier)


def test_a_batch_prepared_for_another_state_leaves_what_came_live_alone(collected: Collected, agent: Agent) -> None:
    agent.records += [passage("p1")]
    early = collected.prepare(agent, agent.batch())
    collected.take_live(agent, agent.live(5))
    collected.take(agent, agent.batch(0, 2))
    with collected.store.write() as connection:
        outcomes = store_batches(connection, collected.ledger, collected.receipts, [Arrival(1, early)], 1)
    assert outcomes == [Moved(2)]
    assert collected.head(agent).live_ahead == 1


def test_records_that_waited_at_the_gate_are_judged_after_those_that_did_not(
    collected: Collected, agent: Agent
) -> None:
    agent.records += [passage("old"), passage("new")]
    arrival = Arrival(1, collected.prepare(agent, agent.batch()), backlog_end=6)
    with collected.store.write() as connection:
        store_batches(connection, collected.ledger, collected.receipts, [arrival], collected.now_ns)
    turns = {row.passage_id: row.turn for row in rows(collected, schema.to_judge)}
    assert turns["new"] < BACKLOG < turns["old"]
    # A later revision keeps the earlier turn.
    agent.records += [passage("new", 2)]
    arrival = Arrival(1, collected.prepare(agent, agent.batch(7)), backlog_end=8)
    with collected.store.write() as connection:
        store_batches(connection, collected.ledger, collected.receipts, [arrival], collected.now_ns)
    (row,) = [row for row in rows(collected, schema.to_judge) if row.passage_id == "new"]
    assert (row.turn, row.reason) == (turns["new"], "revision 2: no reason given")


def test_a_passage_of_two_journals_raises_an_alarm_once(collected: Collected, agent: Agent) -> None:
    other = collected.admit("gate-2", b"b")
    collected.accept(other, passage("p1"))
    agent.records += [passage("p1")]
    collected.take_live(agent, agent.live(5))
    collected.take(agent, agent.batch())
    (alarm,) = rows(collected, schema.alarms)
    assert (alarm.kind, alarm.origin, alarm.record_index) == ("passage-of-two-journals", agent.origin, 5)
    assert other.origin in alarm.detail
    assert sorted(row.journal_id for row in rows(collected, schema.passages)) == [1, 2]


def test_messages_of_devices_that_were_lost_raise_an_alarm(collected: Collected, agent: Agent) -> None:
    record = Record(format=1, site_id="haikou")
    record.loss.inbox.count = 2
    record.loss.text = "the journal was damaged"
    agent.records += [record.SerializeToString()]
    collected.take(agent, agent.batch())
    (alarm,) = rows(collected, schema.alarms)
    assert (alarm.kind, alarm.record_index) == ("lost-records", 5)
    assert "2 captured messages of devices lost: the journal was damaged" in alarm.detail
    (told,) = rows(collected, schema.incidents)
    assert (told.code, told.incident_id) == ("messages-lost", "loss-5")


@pytest.mark.parametrize(
    ("indices", "found"),
    [([], []), ([4], [(4, 4)]), ([1, 2, 3, 7, 9, 10], [(1, 3), (7, 7), (9, 10)])],
)
def test_lost_indices_are_told_in_stretches(indices: list[int], found: list[tuple[int, int]]) -> None:
    assert runs(indices) == found
