"""What is stored adds up, counted batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, event, insert, update

from collector import balance as balance_module
from collector.balance import Balance
from collector.store import schema
from tests.unit.collector.collected import Agent, Collected, probes

UNKNOWN = b"\xff\xff\xff"
"""No record: it becomes a dead letter."""


@pytest.fixture
def collected(tmp_path: Path) -> Iterator[Collected]:
    made = Collected(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def agent(collected: Collected) -> Agent:
    agent = collected.admit("gate-1")
    collected.accept(agent, *probes(3))
    collected.accept(agent, UNKNOWN, *probes(2, 3))
    return agent


def look(collected: Collected, balance: Balance) -> list[str]:
    with collected.store.read() as connection:
        return [f"{found.origin}: {found.text}" for found in balance.look(connection)]


def change(collected: Collected, *statements: object) -> None:
    with collected.store.write() as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]  # any statement


def test_what_the_collector_stored_adds_up_and_goes_on_doing_so(collected: Collected, agent: Agent) -> None:
    balance, other = Balance(), collected.admit("gate-2", b"b")
    for _ in range(3):
        assert look(collected, balance) == []
        collected.accept(agent, UNKNOWN, *probes(1, 100 + len(agent.records)))
        collected.accept(other, *probes(2, len(other.records)))
    assert look(collected, balance) == []
    assert balance.imbalances == 0


def test_a_size_that_no_batches_stand_for_is_told_once_and_stays(collected: Collected, agent: Agent) -> None:
    balance = Balance()
    change(collected, update(schema.journals).values(size=7))
    assert look(collected, balance) == [f"{agent.origin}: 7 records are told of, 6 are there"]
    assert look(collected, balance) == []
    assert balance.imbalances == 1


def test_a_journal_that_shrank_is_told(collected: Collected, agent: Agent) -> None:
    balance = Balance()
    look(collected, balance)
    change(collected, update(schema.journals).values(size=5))
    assert look(collected, balance) == [f"{agent.origin}: 5 records are told of, 6 are there"]


def test_a_batch_that_is_gone_leaves_a_hole_that_is_named(collected: Collected, agent: Agent) -> None:
    change(collected, delete(schema.batches).where(schema.batches.c.first_index == 0))
    assert look(collected, Balance()) == [
        f"{agent.origin}: the batch at record 3 does not follow the one that ends at 0"
    ]


@pytest.mark.parametrize("number", [0, 2])
def test_dead_letters_are_counted_one_by_one(collected: Collected, agent: Agent, number: int) -> None:
    journal_id = collected.head(agent).journal_id
    if number == 0:
        change(collected, delete(schema.dead_letters))
    else:
        row = {"journal_id": journal_id, "record_index": 1, "reason": "made up", "received_ns": 1}
        change(collected, insert(schema.dead_letters).values(row))
    assert look(collected, Balance()) == [f"{agent.origin}: 1 dead letters are told of, {number} are there"]


def test_a_large_archive_is_gone_through_in_portions_and_a_breach_at_its_end_is_found(
    collected: Collected, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(balance_module, "MOST_BATCHES", 2)
    for number in range(5):
        collected.accept(agent, *probes(1, 50 + number))
    change(collected, update(schema.journals).values(size=99))
    balance, looks = Balance(), 0
    while not (found := look(collected, balance)):
        looks += 1
        assert looks < 10
    assert looks == 3, "seven batches, two a look"
    assert found == [f"{agent.origin}: 99 records are told of, 11 are there"]


def test_a_look_reads_only_what_has_come_since_the_last_one(collected: Collected, agent: Agent) -> None:
    balance = Balance()
    look(collected, balance)
    collected.accept(agent, *probes(2, 60))
    with collected.store.read() as connection:
        asked: list[tuple[object, ...]] = []

        @event.listens_for(connection, "before_cursor_execute")
        def _seen(_c: Connection, _cursor: object, statement: str, parameters: tuple[object, ...], *_: object) -> None:
            if "FROM batches" in statement:
                asked.append(parameters)

        assert balance.look(connection) == []
    assert [parameters[1] for parameters in asked] == [6], "from record 6 on"
