from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Table, func, select

from collector.ingest.accept import Arrival, Moved, Revoked, Stored, store_batches
from collector.ingest.prepare import prepare
from collector.ledger.journal import stored_records, stored_tree
from collector.ledger.log import read_entries
from collector.store import schema
from gate_contract.checkpoint import Checkpoint, Note, open_receipt
from gate_contract.envelope import BadSealError, ForkError, leaf_hashes, seal
from gate_contract.merkle import Frontier, inclusion_proof, leaf_hash, verify_inclusion
from gate_contract.v1.ledger_pb2 import LedgerEntry
from tests.unit.collector.collected import Agent, Collected, incident, passage, probes


@pytest.fixture
def collected(anywhere: Collected) -> Collected:
    return anywhere


def rows(collected: Collected, table: Table) -> Sequence[Any]:
    with collected.store.read() as connection:
        return connection.execute(select(table)).all()


def test_a_batch_is_stored_as_it_came_with_a_receipt_over_it(collected: Collected, agent: Agent) -> None:
    agent.records += probes(5)
    data = agent.batch()
    outcome = collected.take(agent, data)
    assert isinstance(outcome, Stored)
    receipt = open_receipt(outcome.receipt, collected.receipts.verifier, agent.origin)
    assert receipt.checkpoint == Checkpoint.of(agent.origin, Frontier().grown(leaf_hashes(agent.records)))
    assert receipt.unix_s == collected.now_ns // 1_000_000_000
    (batch,) = rows(collected, schema.batches)
    assert (batch.first_index, batch.count, batch.body) == (0, 5, data)
    assert batch.leaves == b"".join(leaf_hashes(agent.records))
    head = collected.head(agent)
    assert (head.frontier.size, head.receipt, head.dead_lettered) == (5, outcome.receipt, 0)


def test_only_what_is_new_of_an_overlapping_batch_is_stored(collected: Collected, agent: Agent) -> None:
    collected.accept(agent, *probes(5))
    agent.records += probes(3, 5)
    collected.take(agent, agent.batch(2))
    stored = rows(collected, schema.batches)
    assert [(batch.first_index, batch.count) for batch in stored] == [(0, 5), (5, 3)]
    assert stored[1].body == agent.batch(5)
    with collected.store.read() as connection:
        assert stored_records(connection, 1, 0, 8) == dict(enumerate(agent.records))
        assert stored_records(connection, 1, 4, 6) == {4: agent.records[4], 5: agent.records[5]}


def test_a_batch_that_is_known_has_nothing_to_store(collected: Collected, agent: Agent) -> None:
    collected.accept(agent, *probes(5))
    assert collected.prepare(agent, agent.batch(1, 4)).is_known
    agent.records += probes(1, 5)
    assert not collected.prepare(agent, agent.batch(1)).is_known


def test_the_framing_of_a_newer_agent_is_kept_in_the_one_form(collected: Collected, agent: Agent) -> None:
    agent.records += probes(2)
    collected.take(agent, agent.batch() + b"\xa2\x06\x03abc")
    assert rows(collected, schema.batches)[0].body == agent.batch()


def test_a_checkpoint_with_a_signature_that_nobody_can_check_is_refused(collected: Collected, agent: Agent) -> None:
    agent.records += probes(1)
    head = Checkpoint.of(agent.origin, Frontier().grown(leaf_hashes(agent.records)))
    note = agent.signer.sign(head.body())
    other = collected.admit("gate-2", b"b").signer.sign(head.body())
    twice = Note(note.text, note.signatures + other.signatures)
    with pytest.raises(BadSealError, match="carries 2 signatures"):
        collected.prepare(agent, seal(0, agent.records, twice.to_bytes()))


def test_a_fork_is_refused_before_anything_is_decoded(collected: Collected, agent: Agent) -> None:
    collected.accept(agent, *probes(3))
    agent.records[1] = b"\xff not a record"
    with pytest.raises(ForkError, match="record 1 has"):
        collected.prepare(agent, agent.batch(1))


def test_every_batch_is_entered_in_the_ledger(collected: Collected, agent: Agent) -> None:
    collected.accept(agent, *probes(2))
    collected.accept(agent, *probes(2, 2))
    with collected.store.read() as connection:
        entries = [LedgerEntry.FromString(body) for _, body in read_entries(connection, 0)]
    assert [entry.WhichOneof("body") for entry in entries] == ["admission", "journal", "journal"]
    growth = entries[2].journal
    assert (growth.origin, growth.old_size) == (agent.origin, 2)
    assert [batch.ledger_index for batch in rows(collected, schema.batches)] == [1, 2]
    assert rows(collected, schema.batches)[1].received_ns == entries[2].entered_unix_ns


def test_what_the_records_say_becomes_rows(collected: Collected, agent: Agent) -> None:
    outcome = collected.accept(agent, passage("p1"), b"\xff\xff", incident("i1"), passage("p1", 2), passage("p2"))
    assert isinstance(outcome, Stored)
    assert outcome.dead_lettered == 1
    passages = rows(collected, schema.passages)
    assert sorted((row.passage_id, row.revision, row.record_index) for row in passages) == [
        ("p1", 1, 0),
        ("p1", 2, 3),
        ("p2", 1, 4),
    ]
    assert [(row.record_index, row.reason) for row in rows(collected, schema.dead_letters)] == [
        (1, "2 bytes that are no Record")
    ]
    assert [row.incident_id for row in rows(collected, schema.incidents)] == ["i1"]
    waiting = {row.passage_id: row.reason for row in rows(collected, schema.to_judge)}
    assert waiting == {"p1": "revision 2: no reason given", "p2": ""}


def test_a_passage_that_waits_already_waits_once(collected: Collected, agent: Agent) -> None:
    collected.accept(agent, passage("p1"))
    collected.accept(agent, passage("p1", 2))
    assert [(row.passage_id, row.reason) for row in rows(collected, schema.to_judge)] == [
        ("p1", "revision 2: no reason given")
    ]


def test_a_revision_that_was_said_before_is_a_dead_letter(collected: Collected, agent: Agent) -> None:
    collected.accept(agent, passage("p1"), passage("p1", plate="琼B99999"))
    collected.accept(agent, passage("p1", plate="琼C99999"), passage("p1", 2))
    assert [(row.record_index, row.reason) for row in rows(collected, schema.dead_letters)] == [
        (1, "revision 1 of passage p1 is record 0 already"),
        (2, "revision 1 of passage p1 is record 0 already"),
    ]
    assert [row.plate for row in rows(collected, schema.passages)] == ["琼A12345", "琼A12345"]
    assert collected.head(agent).dead_lettered == 2


def test_two_journals_may_speak_of_one_passage(collected: Collected, agent: Agent) -> None:
    other = collected.admit("gate-2", b"b")
    collected.accept(agent, passage("p1"))
    collected.accept(other, passage("p1"))
    assert sorted(row.journal_id for row in rows(collected, schema.passages)) == [1, 2]


def test_many_batches_of_many_journals_are_stored_together(collected: Collected, agent: Agent) -> None:
    other = collected.admit("gate-2", b"b")
    agent.records += probes(4)
    other.records += [passage("p9")]
    first = collected.prepare(agent, agent.batch(0, 2))
    second = prepare(agent.batch(2), first.frontier, agent.signer.verifier, lambda _start, _end: ())
    arrivals = [Arrival(1, first), Arrival(2, collected.prepare(other, other.batch())), Arrival(1, second)]
    with collected.store.write() as connection:
        outcomes = store_batches(connection, collected.ledger, collected.receipts, arrivals, collected.now_ns)
    assert [outcome.size for outcome in outcomes if isinstance(outcome, Stored)] == [4, 1, 4]
    with collected.store.read() as connection:
        # One append, so one signature of the ledger, for all three.
        assert connection.scalar(select(func.count()).select_from(schema.ledger_entries)) == 2 + 3


def test_a_batch_for_another_state_of_the_journal_is_not_stored(collected: Collected, agent: Agent) -> None:
    agent.records += probes(4)
    early = collected.prepare(agent, agent.batch(0, 2))
    collected.take(agent, agent.batch(0, 3))
    with collected.store.write() as connection:
        outcomes = store_batches(connection, collected.ledger, collected.receipts, [Arrival(1, early)], 1)
    assert outcomes == [Moved(3)]
    assert len(rows(collected, schema.batches)) == 1


def test_nothing_of_a_revoked_key_is_stored(collected: Collected, agent: Agent) -> None:
    agent.records += probes(1)
    batch = collected.prepare(agent, agent.batch())
    collected.revoke(agent)
    with collected.store.write() as connection:
        outcomes = store_batches(connection, collected.ledger, collected.receipts, [Arrival(1, batch)], 1)
    assert outcomes == [Revoked(0, "stolen")]
    assert rows(collected, schema.batches) == []


def test_any_record_is_proved_from_what_is_stored(collected: Collected, agent: Agent) -> None:
    for start in (0, 100, 300):
        collected.accept(agent, *probes(200, start))
    head = collected.head(agent)
    with collected.store.read() as connection:
        tree = stored_tree(connection, head)
        for index in (0, 199, 200, 255, 256, 511, 599):
            proof = inclusion_proof(index, 600, tree.node)
            verify_inclusion(index, 600, leaf_hash(agent.records[index]), proof, head.frontier.root())
