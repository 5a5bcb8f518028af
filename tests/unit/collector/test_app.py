"""What the collector tells of its own health."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from collector import app
from collector.app import ENROLMENT_SERVICE, STUCK_S, UPLINK_SERVICE
from collector.store.engine import BUSY_TIMEOUT_S

SERVING, NOT_SERVING = 1, 2


@dataclass
class Writer:
    failing: bool = False
    stuck_s: float = 0.0
    under_way: int = 0
    is_alive: bool = True


@dataclass
class Balance:
    imbalances: int = 0


@dataclass
class Health:
    said: dict[str, int] = field(default_factory=dict)

    async def set(self, service: str, status: int) -> None:
        self.said[service] = status


@dataclass
class Notifier:
    watchdog_s: float | None = None
    signs: int = 0

    def alive(self) -> None:
        self.signs += 1


class Collector:
    """A collector of which only the supervision runs, for one turn."""

    def __init__(self, writer: Writer, balance: Balance | None = None) -> None:
        self.health, self.notifier = Health(), Notifier()
        self._made = object.__new__(app._Collector)
        self._made.__dict__.update(
            _writer=writer, _balance=balance or Balance(), _health=self.health, _notifier=self.notifier
        )
        self.stopped = False

    def turn(self) -> dict[str, int]:
        async def once() -> None:
            stop = asyncio.Event()
            supervision = asyncio.create_task(self._made._supervise(stop))
            await asyncio.sleep(0.05)
            supervision.cancel()
            self.stopped = stop.is_set()

        asyncio.run(once())
        return self.health.said


def test_a_collector_that_is_well_serves_and_says_that_it_lives() -> None:
    collector = Collector(Writer(under_way=3, stuck_s=STUCK_S - 1))
    assert collector.turn() == {"": SERVING, UPLINK_SERVICE: SERVING, ENROLMENT_SERVICE: SERVING}
    assert collector.notifier.signs == 1


def test_a_writer_that_hangs_is_not_serving_and_gives_the_watchdog_no_sign_of_life() -> None:
    collector = Collector(Writer(under_way=1, stuck_s=STUCK_S + 1))
    assert set(collector.turn().values()) == {NOT_SERVING}
    assert collector.notifier.signs == 0


def test_a_writer_that_fails_is_not_serving_and_a_restart_would_not_help_it() -> None:
    collector = Collector(Writer(failing=True))
    assert set(collector.turn().values()) == {NOT_SERVING}
    assert collector.notifier.signs == 1


def test_an_imbalance_is_red_as_a_whole_while_each_service_goes_on() -> None:
    collector = Collector(Writer(), Balance(imbalances=1))
    assert collector.turn() == {"": NOT_SERVING, UPLINK_SERVICE: SERVING, ENROLMENT_SERVICE: SERVING}
    assert collector.notifier.signs == 1


def test_a_writer_that_ended_ends_the_collector() -> None:
    collector = Collector(Writer(is_alive=False))
    collector.turn()
    assert collector.stopped
    assert collector.notifier.signs == 0


def test_a_database_that_somebody_has_locked_is_given_up_before_the_writer_counts_as_hanging() -> None:
    assert STUCK_S > BUSY_TIMEOUT_S


@pytest.mark.parametrize("watchdog_s", [None, 30.0, 1.5])
def test_the_watchdog_is_told_three_times_within_its_time(
    watchdog_s: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await real(0.01 if seconds > 0.1 else seconds)

    collector = Collector(Writer())
    collector.notifier.watchdog_s = watchdog_s
    monkeypatch.setattr(asyncio, "sleep", sleep)
    collector.turn()
    assert max(slept) <= (watchdog_s or 30.0) / 3
