"""Clocks: a gate that boots in 1970, clocks that jump by ten years while everything runs, and 2038.

The programs run under libfaketime, which moves the wall clock alone: the monotonic clocks are the machine's.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.journeys.watched_gate import WatchedGate

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("clocks")]

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
YEARS = 3652 * 86_400
SECOND = 1_000_000_000


class Clock:
    """The wall clock of what is started with its environment; it can be set while that runs."""

    def __init__(self, path: Path) -> None:
        if not LIBRARIES:
            pytest.skip("libfaketime is not installed (Debian: libfaketime)")
        self._file = path
        self.set("+0")
        self.environment = {
            "LD_PRELOAD": str(LIBRARIES[0]),
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
        }

    def set(self, offset: str) -> None:
        """What libfaketime reads: seconds to add."""
        beside = self._file.with_suffix(".new")
        beside.write_text(f"{offset}\n")
        beside.rename(self._file)


class Gate(WatchedGate):
    """A gate whose clocks are set by the test: one for the machine, one for the collector."""

    def __init__(self, directory: Path) -> None:
        self.clock, self.collectors_clock = Clock(directory / "clock"), Clock(directory / "collectors-clock")
        super().__init__(directory, self.clock.environment, self.collectors_clock.environment)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    made = Gate(tmp_path)
    with made.open():
        yield made


def since_1970() -> str:
    return f"-{int(time.time()) - 10}"


def set_by(seconds: int) -> str:
    return f"{seconds:+d}"


def stamps(gate: Gate) -> tuple[list[int], list[int]]:
    """What wall clock and monotonic clock said at each record, by index, seconds."""
    captured = [each["record"]["captured"] for each in gate.records()]
    wall = [int(stamp.get("wall_unix_ns", 0)) // SECOND for stamp in captured]
    return wall, [int(stamp["monotonic_ns"]) // SECOND for stamp in captured]


def pass_through(gate: Gate, *plates: str) -> None:
    """Vehicles that are captured and decided."""
    decided = gate.status()["lanes"][0]["decided"] + len(plates)
    for plate in plates:
        assert gate.push(plate) == 200
    gate.wait_for("they are decided", lambda status: status["lanes"][0]["decided"] == decided)


def judged(gate: Gate) -> list[str]:
    """Plates that the collector knows a passage of, each as often as it does."""
    shown = json.loads(gate.run("gate-collector", "passages", "--json", "--config", gate.config))
    return sorted(each["plate"] for each in shown)


def test_a_gate_that_boots_in_1970_captures_says_so_and_connects_when_its_clock_is_set(gate: Gate) -> None:
    gate.clock.set(since_1970())
    gate.start_agent()
    pass_through(gate, "琼A11111", "琼A22222")
    status = gate.wait_for("it is told why", lambda status: "1970" in (status["uplink"] or {"problem": ""})["problem"])
    assert status["clock"]["date"].startswith("1970-01-0")
    assert {"clock-wrong", "uplink-down"} <= {reason["code"] for reason in status["reasons"]}
    assert "by this machine's clock, which says 1970-01-0" in status["uplink"]["problem"]
    assert status["red"]
    assert status["journal"]["pending"] == status["journal"]["captured"] > 2
    gate.clock.set("+0")
    gate.drained()
    gate.wait_for("it is well again", lambda status: status["level"] == "healthy")
    wall, monotonic = stamps(gate)
    assert min(wall) < 86_400
    assert max(wall) > 1_700_000_000
    assert monotonic == sorted(monotonic), "the order is that of the index"
    assert judged(gate) == ["琼A11111", "琼A22222"]
    gate.audit()


def test_clocks_that_jump_by_ten_years_while_all_runs_lose_nothing_and_make_nobody_ill(gate: Gate) -> None:
    gate.start_agent()
    gate.wait_for("it is healthy", lambda status: status["level"] == "healthy")
    pass_through(gate, "琼A00000")
    plates = ["琼A00000"]
    for number, seconds in enumerate((YEARS, -YEARS, 0), start=1):
        gate.clock.set(set_by(seconds))
        status = gate.status()
        assert status["level"] != "down", status["reasons"]
        assert status["devices"][0]["age_s"] < 300, "ages are not those of the wall clock"
        plates.append(f"琼A{number}{number}{number}{number}{number}")
        pass_through(gate, plates[-1])
    gate.drained()
    gate.wait_for("it is well", lambda status: status["level"] == "healthy")
    wall, monotonic = stamps(gate)
    assert max(wall) - min(wall) > YEARS
    assert monotonic == sorted(monotonic)
    assert judged(gate) == plates
    gate.audit()


def test_a_collector_whose_clock_jumps_gives_receipts_all_the_time_and_its_ledger_holds(gate: Gate) -> None:
    gate.start_agent()
    gate.wait_for("it is healthy", lambda status: status["level"] == "healthy")
    plates = []
    for number, seconds in enumerate((0, YEARS, -YEARS, 0)):
        gate.collectors_clock.set(set_by(seconds))
        plates.append(f"琼A{number}{number}{number}{number}{number}")
        pass_through(gate, plates[-1])
        gate.drained()
    assert judged(gate) == plates
    gate.audit()


def test_2038_comes_while_everything_runs(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    ahead = int(datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC).timestamp()) - int(time.time())
    for clock in (gate.clock, gate.collectors_clock):
        clock.set(set_by(ahead - 90))
    with gate.open():
        gate.start_agent()
        gate.wait_for("it is healthy", lambda status: status["level"] == "healthy")
        pass_through(gate, "琼A11111")
        gate.drained()
        for clock in (gate.clock, gate.collectors_clock):
            clock.set(set_by(ahead + 2))
        pass_through(gate, "琼A22222")
        gate.drained()
        gate.agent.stop()
        gate.start_agent()
        gate.drained()
        gate.wait_for("it is healthy", lambda status: status["level"] == "healthy")
        wall, _ = stamps(gate)
        assert min(wall) < 2**31 < max(wall)
        assert judged(gate) == ["琼A11111", "琼A22222"]
        gate.audit()
