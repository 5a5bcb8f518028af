from __future__ import annotations

import pytest

from collector.reconcile import unseen
from collector.reconcile.service import Reconciler
from collector.reconcile.unseen import UnseenWatch
from gate_contract.rules import Policy
from tests.unit.collector.reconcile.island import HOUR, NOON, Island, a_declaration, a_passage

DUE = NOON + 25 * HOUR
"""24 hours after the departure of `a_declaration`, an hour after NOON: still in time at this very moment."""


def test_a_truck_that_was_not_seen_a_day_after_departure_is_a_finding_about_its_declaration(island: Island) -> None:
    island.declare(a_declaration(), a_declaration("D-2", departure=0))
    island.reconcile(DUE)
    assert not island.standing("D01")
    island.reconcile(DUE + 1)
    assert set(island.standing("D01")) == {"D-1"}
    assert "琼A12345" in island.standing("D01")["D-1"].explanation


def test_a_truck_that_was_seen_is_none(island: Island) -> None:
    island.declare(a_declaration())
    island.receive(a_passage())
    island.reconcile(DUE + HOUR)
    assert not island.standing("D01")


def test_it_is_closed_when_the_truck_is_seen_after_all(island: Island) -> None:
    island.declare(a_declaration())
    island.reconcile(DUE + 1)
    island.receive(a_passage(), at=DUE + HOUR)
    island.reconcile(DUE + HOUR)
    assert not island.standing("D01")
    assert [verdict.sequence for verdict in island.verdicts()] == [1]


def test_it_is_opened_again_when_the_passage_turns_out_to_be_another_trucks(island: Island) -> None:
    island.declare(a_declaration(plate="琼A12346"))
    island.receive(a_passage())
    island.reconcile(DUE + 1)
    assert not island.standing("D01")
    island.declare(a_declaration("D-2"), at=DUE + 2)
    island.reconcile(DUE + 3)
    assert set(island.standing("D01")) == {"D-1"}


def test_it_is_closed_when_a_new_version_departs_later_and_opened_again_for_that(island: Island) -> None:
    island.declare(a_declaration())
    island.reconcile(DUE + 1)
    island.declare(a_declaration(departure=NOON + 48 * HOUR), at=DUE + 2)
    island.reconcile(DUE + 3)
    assert not island.standing("D01")
    island.reconcile(NOON + 72 * HOUR + 1)
    assert "version 2" in island.standing("D01")["D-1"].explanation


def test_a_declaration_that_is_imported_when_its_time_is_over_is_found(island: Island) -> None:
    island.reconcile(DUE)
    island.declare(a_declaration(), at=DUE + HOUR)
    island.reconcile(DUE + HOUR)
    assert set(island.standing("D01")) == {"D-1"}


def test_a_declaration_long_over_is_found_also_when_it_is_the_first_that_ever_came(island: Island) -> None:
    island.reconcile(DUE + 100 * HOUR)
    island.declare(a_declaration(), at=DUE + 101 * HOUR)
    island.reconcile(DUE + 101 * HOUR)
    assert set(island.standing("D01")) == {"D-1"}


def test_a_collector_that_was_down_finds_the_same_and_none_twice(island: Island) -> None:
    island.declare(a_declaration(), a_declaration("D-2", plate="琼B67890"))
    island.reconcile(DUE + 1)
    island.declare(a_declaration("D-2", plate="琼B67890", departure=NOON + 96 * HOUR), at=DUE + 2)
    restarted = Reconciler(island.store, island.ledger, island.config)
    for later in (3, 4):
        restarted.run_once(DUE + later)
    assert set(island.standing("D01")) == {"D-1"}


def test_a_restart_writes_nothing_for_findings_that_stand_as_they_should(
    island: Island, monkeypatch: pytest.MonkeyPatch
) -> None:
    island.declare(*(a_declaration(f"D-{number}", plate=f"琼A{number:05}") for number in range(1, 30)))
    island.reconcile(DUE + 1)
    assert len(island.standing("D01")) == 29
    written = []
    monkeypatch.setattr(unseen, "settle", lambda _connection, ids, *_: written.append(list(ids)))
    Reconciler(island.store, island.ledger, island.config).run_once(DUE + 2)
    assert written == []


def test_a_policy_that_waits_longer_closes_what_is_not_due_any_more(island: Island) -> None:
    island.declare(a_declaration())
    island.reconcile(DUE + 1)
    assert set(island.standing("D01")) == {"D-1"}
    UnseenWatch(Policy.from_toml("[D01]\ngrace_hours = 48\n")).run(island.store, DUE + 2)
    assert island.standing("D01") == {}


def test_a_clock_that_was_ahead_and_is_set_right_takes_back_what_it_found(island: Island) -> None:
    island.declare(a_declaration())
    island.reconcile(DUE + 1000 * HOUR)
    assert set(island.standing("D01")) == {"D-1"}
    island.reconcile(DUE - HOUR)
    assert not island.standing("D01")
    island.reconcile(DUE + 1)
    assert set(island.standing("D01")) == {"D-1"}
