"""Devices on one line: those that fit are made, the others are told before anything is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.app.stations import device_problems
from edge_agent.config_devices import DeviceTable

SHIPPED = Path(__file__).parents[4] / "firmware_configs" / "xray" / "line-delimited.toml"
POLLED = """
mode = "poll"
address = { at = 0, first = "A", last = "D" }

[[link.command]]
name = "last"
bytes = "41 3f 0d"
interval = 1
reads = true

[line]
"""


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    profile = tmp_path / "xray" / "polled.toml"
    profile.parent.mkdir()
    profile.write_text(SHIPPED.read_text(encoding="utf-8").replace("\n[line]\n", POLLED), encoding="utf-8")
    return tmp_path


def problems(profiles: Path, *tables: dict[str, object]) -> list[str]:
    same = {"profile": "xray/polled", "profile_dir": profiles, "port": "/dev/ttyUSB0"}
    return list(device_problems([DeviceTable.model_validate(same | table) for table in tables]))


def test_devices_with_addresses_may_share_a_line(profiles: Path) -> None:
    assert problems(profiles, {"id": "left", "address": "A"}, {"id": "right", "address": "B"}) == []


def test_devices_of_one_line_are_set_alike(profiles: Path) -> None:
    (told,) = problems(profiles, {"id": "left", "address": "A"}, {"id": "right", "address": "B", "baud": 19200})

    assert 'device "right" is not set as its neighbours on /dev/ttyUSB0' in told
    assert "19200 8N1 beside 9600 8N1" in told


def test_an_address_that_the_device_cannot_have_is_told(profiles: Path) -> None:
    (told,) = problems(profiles, {"id": "left", "address": "X"})

    assert "Choose one from A to D" in told


def test_a_device_that_is_not_asked_has_no_address(profiles: Path) -> None:
    (told,) = problems(profiles, {"id": "left", "address": "A", "profile": "xray/line-delimited"})

    assert "is not asked, so it has no address" in told


def test_the_id_of_a_converter_is_written_in_hexadecimal(profiles: Path) -> None:
    assert problems(profiles, {"id": "left", "hello": "44 54 55 0d 0a"}) == []
    with pytest.raises(ValueError, match="write bytes as hexadecimal pairs"):
        problems(profiles, {"id": "left", "hello": "DTU"})
