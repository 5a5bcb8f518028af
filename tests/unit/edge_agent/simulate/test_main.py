from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edge_agent.simulate.__main__ import main

SMALL = """
seed = 3
[timing]
ramp_s = 0.05
settle_s = 0.05
dwell_s = 0.05
roll_off_s = 0.05
gap_s = 0.05
plate_earliest_s = 0
plate_latest_s = 0
[[lane]]
site_id = "xinhai"
lane_id = "in-1"
direction = "inbound"
scale_device_id = "scale-1"
camera_device_id = "plate-1"
indicator = "mettler-toledo-continuous"
division_kilograms = 10
regulated_goods = true
vehicles = 3
[lane.injections]
late-declaration = 1
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    return path


def call(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def test_a_lane_is_run_and_every_truck_is_shown_with_the_truth(scenario: Path, tmp_path: Path, gate: Any) -> None:
    code, said = call(
        "--scenario", scenario, "--lane", "in-1", "--port-link", tmp_path / "port", "--camera-url", gate.url
    )
    assert code == 0, said
    assert len(gate.events) == 3
    assert said.count("clean: RELEASE") == 2
    assert "late-declaration: HOLD D02, in the end REVIEW K02" in said


def test_declarations_are_written_for_import_the_late_ones_apart(scenario: Path, tmp_path: Path) -> None:
    on_time, late = tmp_path / "on-time.csv", tmp_path / "late.json"
    assert call("declarations", "--scenario", scenario, "-o", on_time)[0] == 0
    assert call("declarations", "--scenario", scenario, "--late", "-o", late)[0] == 0
    assert len(on_time.read_text(encoding="utf-8").splitlines()) == 3
    assert late.read_text(encoding="utf-8").count('"declaration_id"') == 1


def test_without_a_scenario_it_is_the_demos(tmp_path: Path) -> None:
    code, said = call("declarations", "-o", tmp_path / "all.csv")
    assert (code, said.split()[0]) == (0, "36")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--lane", "in-1"], "--camera-url"),
        (["--lane", "in-9", "--port-link", "p", "--camera-url", "http://h/"], "it has xinhai-in-1"),
        (["declarations", "-o", "out.txt"], ".csv or .json"),
        (["--lane", "in-1", "declarations", "-o", "out.csv"], "after declarations"),
        (["--lane", "xinhai-in-1", "--port-link", "p", "--camera-url", "ftp://h/"], "Give a URL"),
        (["--lane", "xinhai-in-1", "--port-link", "/nowhere/p", "--camera-url", "http://h/"], "/nowhere"),
    ],
)
def test_a_mistake_on_the_command_line_is_explained(arguments: list[str], said: str) -> None:
    code, output = call(*arguments)
    assert code != 0
    assert said in output
    assert "Traceback" not in output


def test_control_c_ends_it_cleanly(scenario: Path, tmp_path: Path) -> None:
    slow = scenario.read_text(encoding="utf-8").replace("dwell_s = 0.05", "dwell_s = 60")
    scenario.write_text(slow, encoding="utf-8")
    arguments = ["--scenario", str(scenario), "--lane", "in-1", "--port-link", str(tmp_path / "port")]
    with subprocess.Popen(
        [sys.executable, "-m", "edge_agent.simulate", *arguments, "--camera-url", "http://127.0.0.1:9/"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert "scale at" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        said, complaints = process.communicate(timeout=10)
    assert said == "stopped after 0 vehicles\n"
    assert complaints == ""
    assert process.returncode == 130
    assert not os.path.lexists(tmp_path / "port")
