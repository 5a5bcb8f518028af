from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table, delete, select

from collector.ingest.beside import STAY_GAP
from collector.ingest.contents import understand
from collector.store import schema
from gate_contract.v1.act_pb2 import OfficerAct, SignedAct
from gate_contract.v1.record_pb2 import Record
from tests.unit.collector.collected import Agent, Collected, passage, probes
from tests.unit.collector.ledger.samples.gate import MMSI, PSEUDONYM, act, actuation, shown, vessel

MINUTE = 60_000_000_000


@pytest.fixture
def collected(anywhere: Collected) -> Collected:
    return anywhere


@pytest.fixture
def agent(collected: Collected) -> Agent:
    return collected.admit("gate-1")


def rows(collected: Collected, table: Table) -> Sequence[Any]:
    with collected.store.read() as connection:
        return connection.execute(select(table).order_by(*table.primary_key.columns)).all()


def stays(collected: Collected) -> list[tuple[int, int]]:
    return [(row.first_ns, row.last_ns) for row in rows(collected, schema.vessels_seen)]


def test_acts_and_actuations_become_rows_that_say_what_the_records_say(collected: Collected, agent: Agent) -> None:
    collected.accept(agent, *probes(2), act(17), actuation(18))
    [done], [moved] = rows(collected, schema.officer_acts), rows(collected, schema.actuations)
    assert (done.record_index, done.act_id, done.passage_id, done.officer_id) == (2, "a-17", "p8", "o-1")
    assert (done.authority, done.kind, done.at_ns, done.received_ns) == ("customs", "lift", 17, collected.now_ns)
    assert SignedAct.FromString(done.body).signature == b"s" * 64
    assert (moved.record_index, moved.actuation_id, moved.lane_id, moved.commanded_ns) == (3, "b-18", "lane-1", 18)


def test_what_came_live_is_there_once_when_the_backlog_brings_it(collected: Collected, agent: Agent) -> None:
    agent.records += [*probes(2), act(17), actuation(18), shown(19)]
    for _twice in range(2):
        collected.take_live(agent, agent.live(2, 3, 4))
    came = collected.now_ns - 10**9
    assert [len(rows(collected, each)) for each in (schema.officer_acts, schema.actuations)] == [1, 1]
    collected.take(agent, agent.batch())
    [done] = rows(collected, schema.officer_acts)
    assert (done.record_index, done.received_ns) == (2, came)
    assert [len(rows(collected, each)) for each in (schema.actuations, schema.passage_documents)] == [1, 1]


@pytest.mark.parametrize(
    ("signed", "reason"),
    [
        (SignedAct(act=b"\xff"), "without an id"),
        (SignedAct(act=OfficerAct(act_id="a-1").SerializeToString()), "of a kind that this release does not know"),
        (SignedAct(act=OfficerAct(act_id="a\0").SerializeToString()), "a NUL character in the act's names"),
    ],
)
def test_an_act_that_cannot_be_read_is_a_dead_letter(signed: SignedAct, reason: str) -> None:
    contents = understand([7], [Record(format=1, act=signed).SerializeToString()])
    assert contents.acts == []
    assert reason in contents.dead_letters[7]


def test_packages_that_an_officer_counted_have_the_passage_judged_again(collected: Collected, agent: Agent) -> None:
    collected.accept(agent, passage("p8"), passage("p9"))
    with collected.store.write() as connection:
        connection.execute(delete(schema.to_judge))  # they have been judged
    counted = Record.FromString(act(18))
    said = OfficerAct.FromString(counted.act.act)
    said.inspection.packages = 40
    counted.act.act = said.SerializeToString()
    collected.accept(agent, act(17), counted.SerializeToString())
    [waiting] = rows(collected, schema.to_judge)
    assert (waiting.passage_id, waiting.reason) == ("p8", "officer o-1 counted packages")


def test_a_document_that_is_noted_already_is_not_noted_again(collected: Collected, agent: Agent) -> None:
    collected.accept(agent, shown(17))
    later = Record.FromString(shown(18))
    later.passage.revision = 2
    collected.accept(agent, later.SerializeToString())
    [noted] = rows(collected, schema.passage_documents)
    assert noted.at_ns == 17


def test_documents_of_a_passage_are_noted_once_whatever_comes_later(collected: Collected, agent: Agent) -> None:
    again = Record.FromString(shown(collected.now_ns))
    again.passage.revision = 2
    collected.accept(agent, shown(17), again.SerializeToString(), passage("p1"))
    [noted] = rows(collected, schema.passage_documents)
    assert (noted.pseudonym, noted.passage_id, noted.at_ns) == (PSEUDONYM, "p8", 17)


def test_a_ship_that_is_heard_again_and_again_is_one_stay(collected: Collected, agent: Agent) -> None:
    start = collected.now_ns
    for _ in range(4):
        collected.now += timedelta(minutes=30)
        collected.accept(agent, vessel(collected.now_ns), vessel(collected.now_ns + 1))
    [(first, last)] = stays(collected)
    assert first - start <= 31 * MINUTE
    assert last - first >= 90 * MINUTE


def test_a_ship_is_written_at_most_once_a_minute(collected: Collected, agent: Agent) -> None:
    first = collected.now_ns
    collected.accept(agent, vessel(first))
    for second in (10, 59):
        collected.accept(agent, vessel(first + second * 10**9))
    assert stays(collected) == [(first, first)]
    collected.accept(agent, vessel(first + MINUTE))
    assert stays(collected) == [(first, first + MINUTE)]


def test_a_ship_that_was_not_heard_for_long_begins_another_stay(collected: Collected, agent: Agent) -> None:
    first = collected.now_ns
    collected.accept(agent, vessel(first))
    collected.now += timedelta(hours=2, seconds=1)
    collected.accept(agent, vessel(first + STAY_GAP + 1))
    assert stays(collected) == [(first, first), (first + STAY_GAP + 1, first + STAY_GAP + 1)]


def test_what_a_receiver_heard_long_ago_says_nothing_of_the_port_now(collected: Collected, agent: Agent) -> None:
    collected.accept(agent, vessel(collected.now_ns - 11 * MINUTE), vessel(collected.now_ns + 11 * MINUTE))
    assert stays(collected) == []


def test_only_ships_that_speak_of_themselves_count() -> None:
    buoy = Record.FromString(vessel(17))
    buoy.reading.vessel.message_type = 21
    nobody = Record.FromString(vessel(17))
    nobody.reading.vessel.mmsi = 0
    contents = understand(range(3), [each.SerializeToString() for each in (buoy, nobody)] + [vessel(18)])
    assert dict(contents.ships) == {("haikou", MMSI): (18, 18)}
