"""The units agree with each other, with sysusers and tmpfiles, and with what the programs take for granted."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest

from collector import app as collector_app
from collector.cli import COMMANDS as COLLECTOR_COMMANDS
from collector.commands._common import DEFAULT_CONFIG as COLLECTOR_CONFIG
from collector.privacy import retention
from edge_agent.cli import COMMANDS as AGENT_COMMANDS
from edge_agent.commands import run as agent_run
from edge_agent.commands._common import DEFAULT_CONFIG as AGENT_CONFIG
from edge_agent.config import AgentTable
from edge_agent.desk import spool
from edge_agent.status import reading
from edge_agent.status.cli import cli as gatectl

REPOSITORY = Path(__file__).resolve().parents[3]
SYSTEMD = REPOSITORY / "systemd"
UNITS = ("edge-agent", "gate-collector")
USERS = {"edge-agent": "tidegate-edge", "gate-collector": "tidegate-collector"}
MOST_EXPOSURE = {"edge-agent": 3.0, "gate-collector": 2.0}

Unit = dict[str, list[str]]


def read_unit(name: str) -> Unit:
    """Every assignment of a unit file, by key, in order."""
    unit: defaultdict[str, list[str]] = defaultdict(list)
    for line in (SYSTEMD / f"{name}.service").read_text().splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            unit[key] += [value]
    return dict(unit)


def read_lines(path: Path) -> list[list[str]]:
    """The fields of each line of a sysusers.d or tmpfiles.d file."""
    return [shlex.split(line) for line in path.read_text().splitlines() if line and not line.startswith("#")]


@pytest.fixture(params=UNITS)
def name(request: pytest.FixtureRequest) -> str:
    assert isinstance(request.param, str)
    return request.param


@pytest.fixture
def unit(name: str) -> Unit:
    return read_unit(name)


def analyze(*arguments: str) -> str:
    """What systemd-analyze says, both streams."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("this machine has no systemd-analyze")
    version = re.search(r"systemd (\d+)", subprocess.check_output([program, "--version"], text=True))
    if version is None or int(version[1]) < 250:
        pytest.skip("this machine's systemd-analyze cannot judge unit files offline: that takes systemd 250")
    environment = {**os.environ, "LC_ALL": "C", "SYSTEMD_COLORS": "0", "SYSTEMD_EMOJI": "0", "SYSTEMD_PAGER": ""}
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, env=environment)
    return done.stdout + done.stderr


def test_a_unit_is_exposed_no_more_than_agreed(name: str) -> None:
    said = analyze("security", "--offline=true", str(SYSTEMD / f"{name}.service"))
    exposure = re.search(rf"Overall exposure level for {name}\.service: (\d+\.\d+)", said)
    assert exposure is not None, said
    assert float(exposure[1]) <= MOST_EXPOSURE[name], said


def test_systemd_finds_no_fault_with_a_unit_except_that_it_is_not_installed_here(name: str, unit: Unit) -> None:
    said = analyze("verify", "--man=no", str(SYSTEMD / f"{name}.service"))
    faults = [line for line in said.splitlines() if name in line]
    program = unit["ExecStart"][0].split()[0]
    absent = f"{name}.service: Command {program} is not executable: No such file or directory"
    assert faults == ([] if Path(program).exists() else [absent])


def test_a_unit_runs_a_command_that_the_package_installs_with_the_default_configuration(name: str, unit: Unit) -> None:
    program, command, option, config = unit["ExecStart"][0].split()
    scripts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["scripts"]
    assert Path(program).parent == Path("/opt/tidegate/bin")
    assert Path(program).name == name
    assert name in scripts
    assert command in {"edge-agent": AGENT_COMMANDS, "gate-collector": COLLECTOR_COMMANDS}[name]
    assert option == "--config"
    assert Path(config) == {"edge-agent": AGENT_CONFIG, "gate-collector": COLLECTOR_CONFIG}[name]
    assert Path(config).parent == Path("/etc") / unit["ConfigurationDirectory"][0]


def test_the_agents_directories_are_those_that_the_agent_and_gatectl_expect() -> None:
    unit, defaults = read_unit("edge-agent"), AgentTable()
    state_dir, runtime_dir = f"/var/lib/{unit['StateDirectory'][0]}", f"/run/{unit['RuntimeDirectory'][0]}"
    assert (Path(state_dir), Path(runtime_dir)) == (defaults.state_dir, defaults.runtime_dir)
    assert (state_dir, runtime_dir) == (reading.STATE_DIR, reading.RUNTIME_DIR)
    (config,) = (option for option in gatectl.params if option.name == "config")
    assert config.default == AGENT_CONFIG


def test_each_user_is_made_with_its_state_directory_as_home(name: str, unit: Unit) -> None:
    assert unit["User"] == unit["Group"] == [USERS[name]]
    users = {fields[1]: fields for fields in read_lines(SYSTEMD / "sysusers.d" / f"{USERS[name]}.conf")}
    kind, _, number, description, home = users[USERS[name]]
    assert (kind, number) == ("u", "-")
    assert description == unit["Description"][0]
    assert home == f"/var/lib/{unit['StateDirectory'][0]}"


def test_tmpfiles_makes_the_directories_as_the_unit_would(name: str, unit: Unit) -> None:
    made = {path: rest for _, path, *rest in read_lines(SYSTEMD / "tmpfiles.d" / f"{USERS[name]}.conf")}
    state_dir = f"/var/lib/{unit['StateDirectory'][0]}"
    assert made.pop(state_dir) == [unit["StateDirectoryMode"][0], *unit["User"], *unit["Group"]]
    assert made == {f"/etc/{unit['ConfigurationDirectory'][0]}": ["0755", "root", "root"]}


def test_only_the_agents_group_may_read_its_state_and_nobody_the_collectors() -> None:
    agent, collector = read_unit("edge-agent"), read_unit("gate-collector")
    assert (agent["StateDirectoryMode"], agent["RuntimeDirectoryMode"], agent["UMask"]) == (
        ["0750"],
        ["0750"],
        ["0027"],
    )
    assert (collector["StateDirectoryMode"], collector["UMask"]) == (["0700"], ["0077"])


def test_a_unit_is_started_again_after_a_second_and_for_ever(unit: Unit) -> None:
    assert unit["Type"] == ["notify"]
    assert unit["Restart"] == ["always"]
    assert unit["RestartSec"] == ["1"]
    assert unit["StartLimitIntervalSec"] == ["0"]


def test_the_watchdog_is_patient_with_three_missed_signs_of_life(name: str, unit: Unit) -> None:
    every_s = {"edge-agent": agent_run.WATCHDOG_EVERY_S, "gate-collector": collector_app.HEALTH_EVERY_S}[name]
    assert float(unit["WatchdogSec"][0]) > 3 * every_s


def test_a_unit_waits_for_no_network_and_no_time_server(unit: Unit) -> None:
    named = " ".join(unit["After"] + unit.get("Wants", []) + unit.get("Requires", [])).split()
    assert "time-set.target" in named
    assert not {"network-online.target", "time-sync.target"} & set(named)


def test_the_agent_may_use_serial_ports_and_cameras_also_when_their_driver_is_loaded_late() -> None:
    unit = read_unit("edge-agent")
    kinds = ("char-ttyUSB", "char-ttyACM", "char-ttyS", "char-ttyAMA", "char-video4linux")
    assert unit["DeviceAllow"] == [f"{kind} rw" for kind in kinds]
    assert unit["SupplementaryGroups"] == ["dialout video"]
    drivers = {f"modprobe@{driver}.service" for driver in ("usbserial", "cdc_acm", "videodev")}
    assert drivers <= set(" ".join(unit["Wants"]).split())
    assert drivers <= set(" ".join(unit["After"]).split())


def test_the_agent_may_ask_for_the_state_of_the_clock_and_for_who_holds_a_port() -> None:
    unit = read_unit("edge-agent")
    assert not {"ProtectClock", "ProtectProc", "ProcSubset"} & set(unit)
    *_, removed, added = unit["SystemCallFilter"]  # later lines count over earlier ones; @privileged holds @clock
    assert removed.startswith("~@privileged")
    assert added.split() == ["adjtimex", "clock_adjtime"]


def test_the_collector_may_ask_which_boot_it_is() -> None:
    assert retention.BOOT_ID.is_relative_to("/proc/sys")
    assert "ProcSubset" not in read_unit("gate-collector")


def test_officers_of_the_agents_group_reach_its_desk() -> None:
    unit = read_unit("edge-agent")
    assert "AF_UNIX" in unit["RestrictAddressFamilies"][0].split()
    assert spool.MODE & 0o6000 == 0, "RestrictSUIDSGID= would refuse it"
    assert spool.MODE & 0o070 == 0o070


def test_the_status_of_a_stopped_agent_is_kept_for_gatectl() -> None:
    assert read_unit("edge-agent")["RuntimeDirectoryPreserve"] == ["yes"]
