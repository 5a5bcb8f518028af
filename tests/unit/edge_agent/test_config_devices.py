"""[[device]] tables: what is wrong is told with file, key and fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config import SiteError, load_site

SITE = """
site = "haikou-xiuying"
[[scale]]
id = "scale-1"
profile = "scale/yaohua-xk3190-a9-tf0"
port = "/dev/ttyS0"
division = "20 kg"
[[lane]]
id = "out-1"
kind = "vehicle"
scales = ["scale-1"]
"""
GOOD = """
[[device]]
id = "rpm-1"
profile = "radiation/tsa-rapiscan-rpm"
port = "socket://10.0.0.7:10001"
lane = "out-1"
[[device]]
id = "lane-io"
profile = "io/modbus"
port = "tcp://10.0.0.8"
inputs = { loop-in = "discrete:0", curtain = "discrete:2 inverted" }
outputs = { barrier = "coil:3" }
[[device]]
id = "empty-1"
profile = "ultrasonic/modbus-analogue"
port = "tcp://10.0.0.8"
unit = 2
occupied_below_mm = 2000
[[device]]
id = "xray-1"
profile = "xray/dicos"
folder = "scans"
[[device]]
id = "buttons"
profile = "io/gpio"
port = "/dev/gpiochip0"
inputs = { button = "line:17 inverted pull-up" }
"""


def load(directory: Path, text: str) -> Path:
    path = directory / "site.toml"
    path.write_text(SITE + text, encoding="utf-8")
    return path


def test_devices_of_every_kind_are_read(tmp_path: Path) -> None:
    site = load_site(load(tmp_path, GOOD))

    assert [device.kind for device in site.device] == ["radiation", "io", "ultrasonic", "xray", "io"]
    assert site.device[3].folder == tmp_path / "scans"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('lane = "out-1"', 'lane = "out-2"', """device "rpm-1", lane: there is no lane 'out-2'; known here: out-1"""),
        ("radiation/tsa", "gamma/tsa", 'device "rpm-1", profile: \'gamma/tsa'),
        ("socket://10.0.0.7:10001", "tcp://10.0.0.7", "device \"rpm-1\": 'tcp://10.0.0.7' is for Modbus TCP devices"),
        ("tcp://10.0.0.8", "10.0.0.8", "is no port of a Modbus device; write tcp://HOST:502"),
        ("socket://10.0.0.7:10001", "/dev/ttyS0", 'is used twice, first as scale "scale-1"'),
        ('id = "rpm-1"', 'id = "scale-1"', "give every device its own name"),
        ("discrete:0", "discrete 0", 'write e.g. "discrete:0"'),
        ("discrete:0", "line:0", "GPIO has lines, Modbus has the rest"),
        ('"coil:3"', '"discrete:3"', "cannot be written"),
        ('folder = "scans"\n', "", "port is missing; add it, or the folder"),
        ("unit = 2", "unit = 300", "255"),
        ("unit = 2", "units = 2", "did you mean 'unit'"),
        ("radiation/tsa-rapiscan-rpm", "rfid/llrp", None),
        (
            '"radiation/tsa-rapiscan-rpm"\nport = "socket://10.0.0.7:10001"',
            '"rfid/llrp"\nport = "/dev/ttyS7"',
            "socket://HOST:5084",
        ),
        ('tcp://10.0.0.8"\nunit', 'socket://10.0.0.7:10001"\nunit', 'first as device "rpm-1"'),
    ],
)
def test_what_is_wrong_is_told_with_key_and_fix(tmp_path: Path, old: str, new: str, told: str | None) -> None:
    assert old in GOOD
    path = load(tmp_path, GOOD.replace(old, new, 1))
    if told is None:
        load_site(path)
        return
    with pytest.raises(SiteError) as error:
        load_site(path)
    assert told in str(error.value)
    assert "site.toml" in str(error.value)


def test_units_of_one_modbus_line_share_its_port(tmp_path: Path) -> None:
    site = load_site(load(tmp_path, GOOD))

    assert site.device[1].port == site.device[2].port
