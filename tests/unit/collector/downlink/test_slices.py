"""Which declarations a gate is sent, and from where it goes on."""

from __future__ import annotations

import pytest

from collector.downlink import slices
from collector.downlink.slices import (
    DAY_NS,
    INDEX_BITS,
    KEPT_DAYS,
    SPARE_DAYS,
    Position,
    end_index,
    first_day,
    next_page,
)
from gate_contract.v1.declaration_pb2 import Declaration
from tests.unit.collector.reconcile.island import NOON, SITE, Island, a_declaration

YEAR_NS = 365 * DAY_NS


class Gate:
    """What a gate has, after it asked a collector at some time."""

    def __init__(self, island: Island) -> None:
        self._island = island
        self.has: list[str] = []
        self.position = 0

    def fetch(self, now_ns: int) -> list[str]:
        """What comes when it asks."""
        came: list[str] = []
        with self._island.store.read() as connection:
            end = end_index(connection)
            position = Position.parse(self.position).resumed(end, now_ns)
            while position.index < end:
                page = next_page(connection, SITE, position, end)
                came += [Declaration.FromString(body).declaration_id for body in page.bodies]
                position = page.position
        self.position = position.pack()
        self.has += [each for each in came if each not in self.has]
        return came


@pytest.fixture
def gate(island: Island) -> Gate:
    return Gate(island)


def test_what_was_left_out_while_the_collectors_clock_was_ahead_comes_when_it_is_right(
    island: Island, gate: Gate
) -> None:
    island.declare(a_declaration("D-1"), a_declaration("D-0", departure=0))
    assert gate.fetch(NOON + YEAR_NS) == ["D-0"], "by that clock, D-1 left a year ago"
    assert gate.fetch(NOON + YEAR_NS) == []
    assert "D-1" in gate.fetch(NOON)
    assert gate.fetch(NOON) == []
    island.declare(a_declaration("D-2"))
    assert gate.fetch(NOON) == ["D-2"]


def test_a_gate_goes_on_where_it_was_while_days_pass(island: Island, gate: Gate) -> None:
    island.declare(a_declaration("D-1"))
    for day in range(10):
        assert gate.fetch(NOON + day * DAY_NS) == (["D-1"] if day == 0 else [])


def test_a_clock_that_steps_back_a_little_sends_nothing_again_and_misses_nothing_a_gate_needs(
    island: Island, gate: Gate
) -> None:
    midnight = NOON // DAY_NS * DAY_NS
    needed = midnight - KEPT_DAYS * DAY_NS
    island.declare(a_declaration("D-1", departure=needed))
    for now in (midnight + SPARE_DAYS * DAY_NS, midnight - 1, midnight, midnight - 1):
        gate.fetch(now)
    assert gate.has == ["D-1"]
    assert gate.fetch(midnight) == []


def test_a_clock_that_creeps_back_is_noticed_in_the_end(island: Island, gate: Gate) -> None:
    island.declare(a_declaration("D-1", departure=NOON))
    for step in range(20, -1, -1):
        gate.fetch(NOON + step * DAY_NS)
    assert gate.has == ["D-1"]


def test_a_position_of_an_older_collector_is_a_ledger_index(island: Island, gate: Gate) -> None:
    island.declare(a_declaration("D-1"))
    with island.store.read() as connection:
        gate.position = end_index(connection)
    island.declare(a_declaration("D-2"))
    assert gate.fetch(NOON) == ["D-2"]


@pytest.mark.parametrize("position", [2**64 - 1, 2**63, 1 << INDEX_BITS + 22, (1 << INDEX_BITS) - 1])
def test_a_position_that_no_collector_gave_leads_to_one_that_fits(island: Island, gate: Gate, position: int) -> None:
    island.declare(a_declaration("D-1"))
    gate.position = position
    gate.fetch(NOON)
    island.declare(a_declaration("D-2"))
    assert gate.fetch(NOON) == ["D-2"]
    assert 0 <= gate.position < 2**63, "as gates keep it"


def test_a_restored_collector_that_has_less_sends_what_comes_from_there_on(island: Island, gate: Gate) -> None:
    island.declare(a_declaration("D-1"))
    gate.position = Position(first_day(NOON), 1000).pack()
    gate.fetch(NOON)
    island.declare(a_declaration("D-2"))
    assert gate.fetch(NOON) == ["D-2"]


@pytest.mark.parametrize("now_ns", [0, -YEAR_NS, 2**63 - 1])
def test_no_clock_is_too_wrong_for_a_position(now_ns: int) -> None:
    position = Position(first_day(now_ns), 7)
    assert Position.parse(position.pack()) == position
    assert position.pack() < 2**63


def test_pages_are_bounded_by_number_and_bytes(island: Island, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    island.declare(*(a_declaration(f"D-{number}") for number in range(7)))
    with island.store.read() as connection:
        end = end_index(connection)
        monkeypatch.setattr(slices, "PAGE", 3)
        page = next_page(connection, SITE, Position(0, 0), end)
        assert len(page.bodies) == 3
        monkeypatch.setattr(slices, "PAGE_BYTES", 2 * len(page.bodies[0]))
        assert len(next_page(connection, SITE, Position(0, 0), end).bodies) == 2
    gate.fetch(NOON)
    assert len(gate.has) == 7
