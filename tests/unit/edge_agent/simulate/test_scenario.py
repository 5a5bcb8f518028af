from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from edge_agent.errors import ConfigError
from edge_agent.simulate.scenario import demo_scenario, parse_scenario, read_scenario

LANE = """
[[lane]]
site_id = "xinhai"
lane_id = "in-1"
direction = "inbound"
scale_device_id = "scale-1"
camera_device_id = "plate-1"
indicator = "yaohua-xk3190-a9-tf0"
division_kilograms = 20
regulated_goods = true
vehicles = 5
"""
SMALL = "seed = 1\n" + LANE + "[lane.injections]\nwrong-plate = 2\n"


def test_the_demo_brings_forty_vehicles_over_two_sites_with_every_injection_at_least_twice() -> None:
    scenario = demo_scenario()
    assert [lane.vehicles for lane in scenario.lane] == [20, 20]
    assert len({lane.site_id for lane in scenario.lane}) == 2
    assert {lane.indicator for lane in scenario.lane} == {"yaohua-xk3190-a9-tf0", "mettler-toledo-continuous"}
    labels = [label for lane in scenario.lane for label in lane.labels()]
    for injection in ("ocr-confusable", "wrong-plate", "overweight", "undeclared", "late-declaration"):
        assert labels.count(injection) >= 2
    timing = scenario.timing
    pace = timing.gap_s + timing.ramp_s + timing.settle_s + timing.dwell_s + timing.roll_off_s
    assert 2.4 <= pace <= 2.8
    assert all(lane.rate_hertz == 20 for lane in scenario.lane)


def test_vehicles_without_an_injection_are_clean() -> None:
    [lane] = parse_scenario(SMALL, "small.toml").lane
    assert sorted(lane.labels()) == ["clean"] * 3 + ["wrong-plate"] * 2


def test_fractions_are_decimals() -> None:
    text = SMALL.replace("division_kilograms = 20", "division_kilograms = 0.5")
    assert parse_scenario(text, "small.toml").lane[0].division_kilograms == Decimal("0.5")


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("seed = 1", "seed = 1\nsped = 2", "sped"),
        ("vehicles = 5", "vehicles = 5\nvehicels = 4", "vehicels"),
        ("division_kilograms = 20", "division_kilograms = 3", "1, 2 or 5"),
        ("wrong-plate = 2", "wrong-plate = 6", "more than the lane's 5"),
        ("wrong-plate = 2", "clean = 2", "leave out clean"),
        ("wrong-plate = 2", "wrongplate = 2", "wrongplate"),
        ("regulated_goods = true\nvehicles = 5", "regulated_goods = false\nvehicles = 5\nrepeats = 6", "repeats"),
        ("seed = 1", "seed = 1\n[timing]\nplate_earliest_s = -0.5", "the one before has left"),
        ("seed = 1", "seed = 1\n[timing]\nplate_latest_s = 9", "before it leaves itself"),
        ("seed = 1", "seed = 1\n[timing]\nramp_s = 0", "timing.ramp_s"),
        ("seed = 1", "seed = ", "no valid TOML"),
        ("xk3190-a9-tf0", "xk3190", "lane.0.indicator"),
    ],
)
def test_a_mistake_is_named_with_the_file_and_the_key(was: str, becomes: str, said: str) -> None:
    assert was in SMALL
    with pytest.raises(ConfigError, match=re.escape(said)) as caught:
        parse_scenario(SMALL.replace(was, becomes), "small.toml")
    assert "small.toml" in str(caught.value)


def test_holding_undeclared_vehicles_needs_a_lane_with_regulated_goods() -> None:
    text = SMALL.replace("regulated_goods = true", "regulated_goods = false").replace("wrong-plate", "undeclared")
    with pytest.raises(ConfigError, match="regulated_goods = true"):
        parse_scenario(text, "small.toml")


def test_the_same_lane_twice_is_an_error() -> None:
    with pytest.raises(ConfigError, match="xinhai/in-1 appears twice"):
        parse_scenario(SMALL + LANE, "small.toml")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml cannot be read"):
        read_scenario(tmp_path / "nowhere.toml")


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    assert read_scenario(path) == parse_scenario(SMALL, "small.toml")
