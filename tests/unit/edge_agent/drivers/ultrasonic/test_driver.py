"""A distance sensor: occupied, empty, and neither. Recorded counts are in tests/captures/ultrasonic."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from edge_agent.drivers.ultrasonic.driver import DistanceDriver
from edge_agent.drivers.ultrasonic.schema import UltrasonicProfile
from edge_agent.errors import ConfigError
from edge_agent.profiles import load_profile
from tests.unit.edge_agent.drivers.moments import moment

NAME = "ultrasonic/modbus-analogue"
PROFILE = load_profile(NAME, of=UltrasonicProfile)
CAPTURES = Path(__file__).resolve().parents[4] / "captures" / NAME
SAMPLES = [json.loads(line) for line in (CAPTURES / "expected.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample["id"] for sample in SAMPLES])
def test_recorded_counts_become_the_changes_expected(sample: dict[str, Any]) -> None:
    driver, found = DistanceDriver(PROFILE), []
    for line in (CAPTURES / sample["file"]).read_text("utf-8").splitlines():
        polled = json.loads(line)
        change = driver.feed(polled["count"], moment(polled["at_ms"] / 1000))
        if change is not None:
            found.append([polled["at_ms"], str(change.millimetres), change.occupied])

    assert found == sample["expected"]


def test_a_signed_register_and_an_echo_that_means_empty() -> None:
    measure = PROFILE.measure.model_copy(
        update={"type": "s16", "mm_per_count": Decimal(1), "no_echo": (0x8000,), "in_range": None}
    )
    empty = PROFILE.empty.model_copy(update={"no_echo_is_empty": True, "settle_milliseconds": 0})
    driver = DistanceDriver(PROFILE.model_copy(update={"measure": measure, "empty": empty}))

    near = driver.feed(0xFFFF, moment(0))
    assert near is not None
    assert (near.millimetres, near.occupied, near.uncertainty_mm) == (Decimal(299), True, Decimal(15))
    gone = driver.feed(0x8000, moment(1))
    assert gone is not None
    assert (gone.millimetres, gone.occupied) == (None, False)


def test_after_an_interruption_the_state_must_be_shown_anew() -> None:
    driver = DistanceDriver(PROFILE)
    assert [driver.feed(10_000, moment(at)) is not None for at in (0, 1, 2)] == [False, True, False]
    driver.interrupt()
    assert [driver.feed(10_000, moment(at)) is not None for at in (3, 4)] == [False, True]


def test_a_broken_wire_is_no_distance_and_shows_nothing_even_where_no_echo_means_empty() -> None:
    empty = PROFILE.empty.model_copy(update={"no_echo_is_empty": True})
    driver = DistanceDriver(PROFILE.model_copy(update={"empty": empty}))
    assert [driver.feed(10_000, moment(at)) is not None for at in (0, 1)] == [False, True]

    assert driver.feed(0, moment(2)) is None
    assert driver.last is not None
    assert (driver.last.millimetres, driver.last.occupied, driver.broken) == (None, True, False)  # it may be a spike
    assert driver.feed(0, moment(3)) is None
    assert (driver.last.millimetres, driver.last.occupied, driver.broken) == (None, None, True)

    assert [driver.feed(65_535, moment(at)) is not None for at in (4, 5)] == [False, True]
    assert (driver.last.occupied, driver.broken) == (False, False)


def test_the_range_of_a_signed_register_is_signed() -> None:
    measure = PROFILE.measure.model_copy(update={"type": "s16", "in_range": (-10, 10_000)})
    driver = DistanceDriver(PROFILE.model_copy(update={"measure": measure}))

    for count, distance in ((0xFFF6, True), (0xFFF5, False), (10_000, True), (10_001, False)):
        driver.feed(count, moment(0))
        assert driver.last is not None
        assert (driver.last.millimetres is not None) == distance


@pytest.mark.parametrize(
    ("kind", "low_first", "registers", "value"),
    [
        ("u16", False, [0xFFFE], "65534"),
        ("s16", False, [0xFFFE], "-2"),
        ("u32", False, [0x0001, 0x86A0], "100000"),
        ("u32", True, [0x86A0, 0x0001], "100000"),
        ("s32", False, [0xFFFF, 0xFF9C], "-100"),
        ("f32", False, [0x449A, 0x5000], "1234.5"),
        ("f32", True, [0x5000, 0x449A], "1234.5"),
        ("f32", False, [0x7FC0, 0x0000], None),
        ("f32", False, [0xFF80, 0x0000], None),
    ],
)
def test_a_count_is_what_its_registers_say(
    kind: str, *, low_first: bool, registers: list[int], value: str | None
) -> None:
    measure = PROFILE.measure.model_copy(update={"type": kind, "low_word_first": low_first, "in_range": None})

    assert measure.registers == len(registers)
    assert measure.value(measure.joined(registers)) == (None if value is None else Decimal(value))


def test_a_float_that_is_no_number_is_no_distance_and_a_fault_when_it_stays() -> None:
    measure = PROFILE.measure.model_copy(update={"type": "f32", "mm_per_count": Decimal(1), "in_range": None})
    driver = DistanceDriver(PROFILE.model_copy(update={"measure": measure}))
    for at in (0, 1):
        driver.feed(0x7FC00000, moment(at))

    assert driver.last is not None
    assert (driver.last.millimetres, driver.broken) == (None, True)
    driver.feed(0x449A5000, moment(2))
    assert (driver.last.millimetres, driver.broken) == (Decimal("1534.5"), False)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('type = "u16"', 'type = "u16"\nlow_word_first = true', "low_word_first is for a type of 32 bits"),
        ('register = "input:0"\ntype = "u16"', 'register = "input:65535"\ntype = "u32"', "needs a register behind"),
    ],
)
def test_registers_that_cannot_be_are_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    text = (Path(__file__).resolve().parents[5] / "firmware_configs" / f"{NAME}.toml").read_text("utf-8")
    assert old in text
    (tmp_path / "ultrasonic").mkdir()
    (tmp_path / "ultrasonic" / "mine.toml").write_text(text.replace(old, new))
    with pytest.raises(ConfigError, match=told):
        load_profile("ultrasonic/mine", tmp_path, of=UltrasonicProfile)


def test_a_range_without_counts_is_told(tmp_path: Path) -> None:
    text = (Path(__file__).resolve().parents[5] / "firmware_configs" / f"{NAME}.toml").read_text("utf-8")
    (tmp_path / "ultrasonic").mkdir()
    (tmp_path / "ultrasonic" / "mine.toml").write_text(text.replace("in_range = [1, 65535]", "in_range = [5, 5]"))
    with pytest.raises(ConfigError, match=r"in_range is \[lowest, highest\] count"):
        load_profile("ultrasonic/mine", tmp_path, of=UltrasonicProfile)


def test_thresholds_that_leave_no_gap_are_told(tmp_path: Path) -> None:
    text = (Path(__file__).resolve().parents[5] / "firmware_configs" / f"{NAME}.toml").read_text("utf-8")
    (tmp_path / "ultrasonic").mkdir()
    (tmp_path / "ultrasonic" / "mine.toml").write_text(text.replace("empty_above_mm = 3000", "empty_above_mm = 2000"))
    with pytest.raises(ConfigError, match="occupied_below_mm must not be more than empty_above_mm"):
        load_profile("ultrasonic/mine", tmp_path, of=UltrasonicProfile)
