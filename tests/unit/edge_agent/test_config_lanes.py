"""[[lane]] tables: four kinds, what they expect, and what does not fit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge_agent.app.lanes import lane_settings, loop_problems
from edge_agent.config import SiteError, SiteFile, load_site
from edge_agent.config_lanes import devices_of

SITE = """
site = "haikou-xiuying"
[[scale]]
id = "scale-1"
profile = "scale/yaohua-xk3190-a9-tf0"
port = "/dev/ttyS0"
division = "20 kg"
[[device]]
id = "io-1"
profile = "io/modbus"
port = "tcp://10.0.0.8"
inputs = { loop-in = "discrete:0", loop-out = "discrete:1", in-2 = "discrete:2", out-2 = "discrete:3" }
[[device]]
id = "xray-1"
profile = "xray/line-delimited"
port = "socket://10.0.0.9:4001"
lane = "out-1"
[[device]]
id = "echo-1"
profile = "ultrasonic/modbus-analogue"
port = "tcp://10.0.0.8"
unit = 2
lane = "empty-1"
[[video]]
id = "box-1"
source = "rtsp://10.0.0.10/1"
reads = ["plate", "container"]
lane = "out-1"
[[video]]
id = "box-2"
source = "rtsp://10.0.0.11/1"
reads = ["container"]
lane = "empty-1"
[[video]]
id = "face-1"
source = "rtsp://10.0.0.12/1"
reads = ["face"]
lane = "walk-1"
[[video]]
id = "seen-1"
source = "rtsp://10.0.0.13/1"
reads = ["plate"]
lane = "road-1"
[[lane]]
id = "out-1"
kind = "vehicle"
scales = ["scale-1"]
loop_in = "io-1/loop-in"
loop_out = "io-1/loop-out"
[[lane]]
id = "empty-1"
kind = "empty-container"
[[lane]]
id = "walk-1"
kind = "passenger"
loop_in = "io-1/in-2"
loop_out = "io-1/out-2"
[[lane]]
id = "road-1"
kind = "observation"
"""

MANUAL = Path(__file__).parents[3] / "docs" / "lanes.md"
BESIDE_THE_MANUAL = """
site = "haikou-xiuying"
[[scale]]
id = "scale-1"
profile = "scale/yaohua-xk3190-a9-tf0"
port = "/dev/ttyS0"
division = "20 kg"
[[scale]]
id = "scale-2"
profile = "scale/yaohua-xk3190-a9-tf0"
port = "/dev/ttyS1"
division = "20 kg"
[[camera]]
id = "plate-front"
profile = "plate/hikvision-isapi-push"
listen = "127.0.0.1:8080"
allow = ["192.168.1.64"]
[[camera]]
id = "plate-rear"
profile = "plate/hikvision-isapi-push"
listen = "127.0.0.1:8080"
allow = ["192.168.1.65"]
"""


def load(directory: Path, text: str = SITE) -> SiteFile:
    path = directory / "site.toml"
    path.write_text(text, encoding="utf-8")
    return load_site(path)


def test_the_manuals_examples_are_lanes_that_work(tmp_path: Path) -> None:
    shown = re.findall(r"```toml\n(.*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL)
    assert len(shown) == 4
    site = load(tmp_path, BESIDE_THE_MANUAL + "".join(shown))
    found = {table.id: lane_settings(table, site).needs for table in site.lane}
    assert found == {
        "out-1": ("weight", "plate", "container", "scan", "radiation"),
        "empty-1": ("weight", "container", "distance"),
        "walk-1": ("document", "face"),
        "road-1": ("plate",),
    }
    assert list(loop_problems(site)) == []


def test_the_manual_tells_the_bound_and_each_key_with_its_default(tmp_path: Path) -> None:
    text = MANUAL.read_text(encoding="utf-8")
    site = load(tmp_path)
    assert f"({lane_settings(site.lane[0], site).bound_s:.0f} s with the defaults)" in text
    for key in set(type(site.lane[0]).model_fields) - {"id", "direction", "goods", "scales", "cameras"}:
        assert f"`{key}`" in text, key


def test_a_lane_expects_what_its_devices_give(tmp_path: Path) -> None:
    site = load(tmp_path)
    found = {table.id: lane_settings(table, site) for table in site.lane}
    assert found["out-1"].needs == ("weight", "plate", "container", "scan")
    assert found["empty-1"].needs == ("container", "distance")
    assert found["walk-1"].needs == ("face",)
    assert found["road-1"].needs == ("plate",)
    assert found["out-1"].devices_for("container") == ("box-1",)
    assert found["out-1"].devices_for("plate") == ("box-1",)
    assert (found["walk-1"].stand_s, found["out-1"].stand_s) == (60, 300)


def test_a_lane_may_say_what_completes_its_passages(tmp_path: Path) -> None:
    site = load(tmp_path, SITE.replace('scales = ["scale-1"]', 'scales = ["scale-1"]\nexpects = ["weight", "scan"]'))
    assert lane_settings(site.lane[0], site).needs == ("weight", "scan")


def test_a_lane_is_told_by_its_devices_and_its_loops(tmp_path: Path) -> None:
    site = load(tmp_path)
    assert set(devices_of(site.lane[0], site)) == {"scale-1", "xray-1", "box-1", "io-1"}
    assert set(devices_of(site.lane[2], site)) == {"face-1", "io-1"}


def test_a_distance_sensor_may_be_a_loop(tmp_path: Path) -> None:
    site = load(tmp_path, SITE.replace('kind = "empty-container"', 'kind = "empty-container"\nloop_in = "echo-1"'))
    settings = lane_settings(site.lane[1], site)
    assert (settings.needs, settings.loop_in) == (("container",), "echo-1")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('loop_in = "io-1/loop-in"', 'loop_in = "io-2/loop-in"', 'lane "out-1", loop_in: there is no device with inp'),
        ('loop_in = "io-1/loop-in"', 'loop_in = "io-1"', 'lane "out-1", loop_in: name the input, too: "io-1/INPUT"'),
        ('loop_in = "io-1/loop-in"', 'loop_in = "echo-1/near"', "is named by its id alone"),
        ('loop_in = "io-1/loop-in"', 'loop_in = "io-1/loop-out"', "loop_in and loop_out are both 'io-1/loop-out'"),
        ('loop_in = "io-1/in-2"', 'loop_in = "io-1/loop-in"', "'io-1/loop-in' is used twice"),
        ('scales = ["scale-1"]', 'scales = ["scale-1"]\nexpects = ["radiation"]', "'radiation' is read by none of its"),
        ('scales = ["scale-1"]', 'scales = ["scale-1"]\nexpects = ["seal"]', "must be"),
        ('scales = ["scale-1"]', 'scales = ["scale-1"]\nexpects = ["scan", "scan"]', "names something twice"),
        ('kind = "vehicle"', 'kind = "passenger"', "a lane of the kind passenger weighs nobody"),
        ('kind = "observation"', 'kind = "observation"\nexpects = ["face"]', "takes plates only; remove face"),
        (
            'kind = "observation"',
            'kind = "observation"\nloop_in = "io-1/x"',
            "nobody is stopped at an observation",
        ),
        ('reads = ["face"]', "reads = []", 'lane "walk-1": none of its devices reads what completes a passage'),
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in SITE
    with pytest.raises(SiteError) as caught:
        load(tmp_path, SITE.replace(old, new, 1))
    assert told in str(caught.value)


def test_an_input_that_neither_profile_nor_site_file_names_is_told(tmp_path: Path) -> None:
    assert list(loop_problems(load(tmp_path))) == []
    site = load(tmp_path, SITE.replace('loop_out = "io-1/out-2"', 'loop_out = "io-1/exit"'))
    (problem,) = loop_problems(site)
    assert problem.startswith("lane \"walk-1\", loop_out: io-1 has no input 'exit'; it has: ")
    assert "loop-out" in problem
