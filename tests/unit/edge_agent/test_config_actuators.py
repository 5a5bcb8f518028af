"""[[actuator]] tables: what is wrong is told with file, key and fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.actuate.words import Word
from edge_agent.app.gateway_tables import gateways_of
from edge_agent.config import SiteError, load_site

SITE = """
site = "haikou-xiuying"
[[scale]]
id = "scale-1"
profile = "scale/yaohua-xk3190-a9-tf0"
port = "/dev/ttyS0"
division = "20 kg"
[[device]]
id = "lane-io"
profile = "io/modbus"
port = "tcp://10.0.0.8"
inputs = { loop-out = "discrete:1" }
outputs = { barrier = "coil:0", up = "coil:1", down = "coil:2", lamp-green = "coil:3", lamp-red = "coil:4" }
[[lane]]
id = "out-1"
kind = "vehicle"
scales = ["scale-1"]
"""
BARRIER = """
[[actuator]]
id = "barrier-1"
kind = "barrier"
lane = "out-1"
device = "lane-io"
open = "barrier"
fail_safe = "closed"
seen_by = "lane-io/loop-out"
"""
LAMP = """
[[actuator]]
id = "lamp-1"
kind = "lamp"
lane = "out-1"
device = "lane-io"
green = "lamp-green"
red = "lamp-red"
fail_safe = "red"
"""


def load(directory: Path, text: str) -> Path:
    path = directory / "site.toml"
    path.write_text(SITE + text, encoding="utf-8")
    return path


def test_lamps_are_told_before_the_barrier_and_one_lamp_goes_out_when_the_other_goes_on(tmp_path: Path) -> None:
    (lane,) = gateways_of(load_site(load(tmp_path, BARRIER + LAMP)).actuator)
    lamp, barrier = lane.actuators
    assert (lamp.outputs[Word.GREEN], lamp.outputs[Word.RED]) == (
        {"lamp-green": True, "lamp-red": False},
        {"lamp-red": True, "lamp-green": False},
    )
    assert (barrier.outputs[Word.OPEN], barrier.outputs[Word.CLOSE]) == ({"barrier": True}, {"barrier": False})
    assert (lamp.fail_safe, barrier.fail_safe) == (Word.RED, Word.CLOSE)
    assert (lane.seen_device, lane.seen_input, lane.pass_within_s) == ("lane-io", "loop-out", 30.0)


def test_a_barrier_with_buttons_is_pulsed_and_its_outputs_are_not_held(tmp_path: Path) -> None:
    text = BARRIER.replace('open = "barrier"', 'open = "up"\nclose = "down"\npulse = "500 ms"')
    (lane,) = gateways_of(load_site(load(tmp_path, text)).actuator)
    (barrier,) = lane.actuators
    assert barrier.pulse_s == 0.5
    assert (barrier.outputs[Word.OPEN], barrier.outputs[Word.CLOSE]) == (
        {"up": True, "down": False},
        {"down": True, "up": False},
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('kind = "barrier"', 'kind = "lamp"'), "open is not for a lamp"),
        (('open = "barrier"\n', ""), "name the output that opens the barrier"),
        (('open = "barrier"', 'open = "barrier"\npulse = "1 s"'), "pulse needs close"),
        (('fail_safe = "closed"\n', ""), "decide who may be shut in"),
        (('fail_safe = "closed"', 'fail_safe = "green"'), "write one of 'closed', 'open', 'as-is'"),
        (('lane = "out-1"\ndevice', 'lane = "out-2"\ndevice'), "there is no lane 'out-2'; known here: out-1"),
        (('device = "lane-io"', 'device = "lane-oi"'), "there is no device 'lane-oi'; io devices here: lane-io"),
        (('open = "barrier"', 'open = "boom"'), "lane-io has no output 'boom'; known here: barrier, down, lamp-green"),
        (("lane-io/loop-out", "lane-io/loop-in"), "lane-io has no input 'loop-in'; known here: loop-out"),
    ],
)
def test_what_cannot_work_is_named_with_its_fix(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    assert change[0] in BARRIER
    with pytest.raises(SiteError) as raised:
        load_site(load(tmp_path, BARRIER.replace(*change)))
    assert told in str(raised.value)
    assert "barrier-1" in str(raised.value) or "actuator" in str(raised.value)


def test_a_barrier_is_not_for_an_observation_point_and_not_closed_by_another_lanes_loop(tmp_path: Path) -> None:
    other = """
[[lane]]
id = "road-1"
kind = "observation"
loop = ""
[[device]]
id = "road-io"
profile = "io/modbus"
port = "tcp://10.0.0.9"
inputs = { curtain = "discrete:0" }
outputs = { boom = "coil:0" }
[[device]]
id = "documents"
profile = "document/mrz-lines"
port = "/dev/ttyS1"
lane = "walk-1"
[[lane]]
id = "walk-1"
kind = "passenger"
loop_out = "road-io/curtain"
[[camera]]
id = "road-cam"
profile = "plate/hikvision-isapi-push"
listen = "10.0.0.1:8080"
allow = ["10.0.0.2"]
""".replace('loop = ""', 'cameras = ["road-cam"]')
    stops = (
        BARRIER.replace("barrier-1", "stops").replace('"out-1"', '"road-1"').replace('open = "barrier"', 'open = "up"')
    )
    with pytest.raises(SiteError) as raised:
        load_site(load(tmp_path, other + BARRIER.replace("lane-io/loop-out", "road-io/curtain") + stops))
    told = str(raised.value)
    assert "nobody is stopped at the observation point 'road-1'" in told
    assert "'road-io/curtain' is the loop of lane \"walk-1\"" in told


def test_two_names_for_one_coil_are_one_output(tmp_path: Path) -> None:
    text = SITE.replace('lamp-red = "coil:4"', 'lamp-red = "coil:0 inverted"') + BARRIER + LAMP
    path = tmp_path / "site.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SiteError) as raised:
        load_site(path)
    assert "'lamp-red' of lane-io is coil:0, as its 'barrier' is" in str(raised.value)


def test_every_actuator_has_a_name_of_its_own_and_a_loop_one_barrier(tmp_path: Path) -> None:
    with pytest.raises(SiteError) as raised:
        load_site(load(tmp_path, BARRIER + LAMP.replace("lamp-1", "barrier-1")))
    assert "'barrier-1' is used twice" in str(raised.value)


def test_an_output_has_one_user_and_a_lane_one_barrier(tmp_path: Path) -> None:
    with pytest.raises(SiteError) as raised:
        load_site(load(tmp_path, BARRIER + BARRIER.replace("barrier-1", "barrier-2")))
    assert "'barrier' of lane-io is used twice, first by actuator \"barrier-1\"" in str(raised.value)
    assert "lane 'out-1' has a barrier already" in str(raised.value)
