"""The hourly step destroys what is due, and nothing by a clock that jumped."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.config_retention import RetentionConfig
from collector.privacy import retention as retention_module
from collector.privacy.keystore import FILE
from collector.privacy.retention import Retention, this_instant
from collector.privacy.steady_clock import Instant
from tests.unit.collector.privacy.state import DAY, ERIKA, NOON, OTHER, State

HOUR = DAY // 24


class Service:
    """A retention that is called every hour of a machine that runs on."""

    def __init__(self, state: State) -> None:
        self.retention = Retention(state.config.retention, state.directory / FILE, state.store, state.ledger)
        self.now = Instant(NOON, 0, "boot-1")

    def hours(self, count: int, *, jump_ns: int = 0) -> list[str]:
        """Kinds of what is destroyed in these hours; the clock is set by `jump_ns` in the first."""
        gone = []
        for hour in range(count):
            jumped = jump_ns if hour == 0 else 0
            self.now = Instant(self.now.wall_ns + HOUR + jumped, self.now.boot_ns + HOUR, self.now.boot_id)
            gone += [each.kind for each in self.retention.step_at(self.now)]
        return gone


def test_each_kind_ends_when_its_term_is_over(state: State) -> None:
    service = Service(state)
    state.manifest("S-1", [ERIKA], departure_ns=NOON - 6 * DAY)
    still_open, _ = state.case("P-1", "open")
    state.case("P-2", "old", decided_ns=NOON - 1094 * DAY)
    new, _ = state.case("P-3", "new", decided_ns=NOON)
    assert service.hours(25) == ["sailing", "case"]
    assert service.hours(24) == []
    assert state.keys.sailing_key("S-1") is None
    assert {each.name for each in state.keys.entries("case")} == {new, still_open}
    assert {(actor, reason) for _, _, actor, reason in state.destroyed()} == {("retention", "its term is over")}
    assert state.run("audit").exit_code == 0


def test_travelling_again_lengthens_a_travellers_term(state: State) -> None:
    service = Service(state)
    state.manifest("S-1", [ERIKA, OTHER], departure_ns=NOON - 90 * DAY)
    (subject,) = state.manifest("S-2", [ERIKA], departure_ns=NOON)
    assert service.hours(26) == ["sailing", "subject"]
    assert state.keys.key(subject) is not None


def test_a_clock_that_is_years_ahead_destroys_nothing_for_a_week(
    state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    service = Service(state)
    state.manifest("S-1", [ERIKA], departure_ns=NOON)
    assert service.hours(30) == []
    assert service.hours(100, jump_ns=3650 * DAY) == []
    assert "personal data is kept beyond its term: the clock jumped" in capsys.readouterr().out
    assert service.hours(1, jump_ns=-3650 * DAY) == []
    assert service.hours(2 * 168) == ["sailing"]
    assert state.keys.entries("subject")


def test_a_clock_that_was_set_back_only_makes_it_later(state: State) -> None:
    service = Service(state)
    state.manifest("S-1", [ERIKA], departure_ns=NOON - 5 * DAY)
    assert service.hours(30) == []
    assert service.hours(168, jump_ns=-2 * DAY) == []
    assert service.hours(24) == ["sailing"]


def test_what_cannot_be_destroyed_now_is_logged_and_the_step_returns(
    state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    Retention(RetentionConfig(), Path("/nowhere/at/all.db"), state.store, state.ledger).step()
    assert "could not be destroyed" in capsys.readouterr().out


def test_a_machine_that_does_not_say_which_boot_it_is_destroys_nothing_and_says_so(
    state: State, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_module, "BOOT_ID", Path("/nowhere/boot_id"))
    state.manifest("S-1", [ERIKA], departure_ns=NOON - 900 * DAY)
    Service(state).retention.step()
    assert "could not be destroyed" in capsys.readouterr().out
    assert state.keys.sailing_key("S-1") is not None


def test_the_machines_own_clocks_are_those_of_this_moment() -> None:
    first, second = this_instant(), this_instant()
    assert first.boot_id == second.boot_id
    assert 0 <= second.boot_ns - first.boot_ns < HOUR
    assert first.wall_ns > NOON
