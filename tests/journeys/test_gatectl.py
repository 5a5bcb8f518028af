"""gatectl beside a real agent and a real collector, asked as field staff ask it: as a program, on a terminal."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_agent.simulate.programs import wait_until
from tests.journeys.gatectl_harness import DEADLINE_S, ENGLISH, GATECTL, Gate

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("gatectl")]


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    gate = Gate(tmp_path_factory.mktemp("gate"))
    with gate.open():
        yield gate


def test_a_gate_that_is_well_is_exit_code_0_and_its_journal_balances(gate: Gate) -> None:
    gate.wait_for("healthy")
    done = gate.ask("status", "--json")
    shown = json.loads(done.stdout)
    assert (done.returncode, shown["exit_code"], shown["reasons"], done.stderr) == (0, 0, [], "")
    journal = shown["journal"]
    assert journal["captured"] == journal["acknowledged"] + journal["pending"] + journal["dead_lettered"] > 0
    assert shown["agent"]["pid"] == gate.agent.pid
    assert (shown["site"], shown["uplink"]["connected"], shown["certificate"]["days_left"]) == ("xiuying", True, 89)


def test_every_key_of_the_status_is_in_its_documentation(gate: Gate) -> None:
    documented = (Path(__file__).parents[2] / "docs" / "status.md").read_text()

    def keys(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, inner in value.items():
                yield key
                yield from keys(inner)
        for item in value if isinstance(value, list) else []:
            yield from keys(item)

    assert {
        key for key in keys(gate.status()) if f"`{key}`" not in documented and f".{key}`" not in documented
    } == set()


def test_a_camera_that_nothing_passed_yet_does_not_degrade_the_gate(gate: Gate) -> None:
    states = {device["id"]: device["state"] for device in gate.wait_for("healthy")["devices"]}
    assert states == {"scale-1": "ok", "plate-1": "starting"}


def test_devices_alone_are_shown_with_what_to_do(gate: Gate) -> None:
    gate.wait_for("healthy")
    done = gate.ask("devices")
    assert done.returncode == 0
    head, scale, camera, hint = done.stdout.splitlines()
    assert head.split() == ["device", "state", "last", "reading", "age"]
    assert scale.split() == ["scale-1", "ok", "0", "kg", "0", "s"]
    assert camera.split() == ["plate-1", "starting", "-", "never"]
    assert hint.startswith("plate-1: no push has come")
    as_json = json.loads(gate.ask("devices", "--json").stdout)
    assert [device["id"] for device in as_json["devices"]] == ["scale-1", "plate-1"]


def test_a_chinese_session_is_answered_in_chinese_and_either_can_be_asked_for(gate: Gate) -> None:
    gate.wait_for("healthy")
    assert gate.ask("status", LC_ALL="zh_CN.UTF-8").stdout.startswith("正常  xiuying\n设备     状态")
    assert gate.ask("--lang", "zh", "status").stdout.startswith("正常")
    assert gate.ask("--lang", "en", "status", LC_ALL="zh_CN.UTF-8").stdout.startswith("healthy")
    assert gate.ask("status", LC_ALL="", LC_MESSAGES="", LANG="zh_CN.UTF-8").stdout.startswith("正常")


def test_a_terminal_without_chinese_gets_question_marks_instead_of_a_failure(gate: Gate) -> None:
    done = gate.ask("--lang", "zh", "status", PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("??  xiuying")


def test_the_newest_records_are_shown_as_lines_or_as_json(gate: Gate) -> None:
    lines = gate.ask("tail", "-n", "1000").stdout.splitlines()
    assert lines[0].startswith("0  ")
    assert lines[0].endswith("the agent started (0.1.0)")
    (newest,) = gate.ask("tail", "-n", "1", "--json").stdout.splitlines()
    assert json.loads(newest)["index"] == len(lines) - 1
    assert json.loads(newest)["record"]["site_id"] == "xiuying"


def test_watching_shows_it_anew_until_control_c(gate: Gate) -> None:
    setsid = shutil.which("setsid")
    if setsid is None:
        pytest.skip("this machine has no setsid to give gatectl a terminal with")
    gate.wait_for("healthy")
    master, slave = os.openpty()
    try:
        with subprocess.Popen(
            [setsid, "--ctty", GATECTL, "--config", str(gate.site_file), "status", "--watch"],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, **ENGLISH, "TERM": "xterm", "NO_COLOR": ""},
        ) as watch:
            shown = read_until(master, lambda text: text.count("healthy") == 3)
            os.write(master, b"\x03")
            assert watch.wait(DEADLINE_S) == 0
        shown += read_rest(master)
    finally:
        os.close(master)
        os.close(slave)
    assert shown.count("\x1b[1;32mhealthy\x1b[0m  xiuying") >= 3
    assert "Abort" not in shown
    assert "Traceback" not in shown


def read_until(descriptor: int, enough: Any) -> str:
    text, end = "", time.monotonic() + DEADLINE_S
    while not enough(text):
        assert time.monotonic() < end, text
        if select.select([descriptor], [], [], 0.1)[0]:
            text += os.read(descriptor, 65_536).decode()
    return text


def read_rest(descriptor: int) -> str:
    text = b""
    while select.select([descriptor], [], [], 0)[0]:
        text += os.read(descriptor, 65_536)
    return text.decode()


def test_a_silent_scale_degrades_the_gate_and_following_the_journal_tells_of_it(gate: Gate) -> None:
    gate.wait_for("healthy")
    command = [GATECTL, "--config", str(gate.site_file), "tail", "-n", "1", "--follow"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **ENGLISH}) as follow:
        assert follow.stdout is not None
        try:
            assert follow.stdout.readline(), "it follows from here on"
            gate.scale.silence()
            status = gate.wait_for("degraded", "device-silent")
            assert (status["exit_code"], gate.ask("status").returncode) == (1, 1)
            assert status["reasons"][0]["values"]["device"] == "scale-1"
            assert "✗ device-silent scale-1" in follow.stdout.readline()
            gate.scale.talk()
            gate.wait_for("healthy")
            assert "✓ device-silent scale-1" in follow.stdout.readline()
        finally:
            gate.scale.talk()
            follow.send_signal(signal.SIGINT)
        rest, _ = follow.communicate(timeout=DEADLINE_S)
    assert (follow.returncode, rest) == (0, "")


def test_without_the_collector_records_wait_and_the_gate_is_degraded(gate: Gate) -> None:
    gate.wait_for("healthy")
    gate.collector.stop()
    try:
        status = gate.wait_for("degraded", "uplink-down")
        assert gate.ask("status").returncode == 1
        wait_until("the incident waits in the journal", lambda: gate.status()["journal"]["pending"] > 0)
        assert gate.status()["journal"]["oldest_pending_age_s"] < DEADLINE_S
        assert not status["uplink"]["connected"]
    finally:
        gate.collector.start()
    gate.wait_for("healthy")
    wait_until("nothing waits", lambda: gate.status()["journal"]["oldest_pending_unix_ns"] is None)


def test_the_journal_of_a_killed_agent_is_read_and_the_gate_is_down(gate: Gate) -> None:
    before = gate.wait_for("healthy")["journal"]["captured"]
    gate.agent.kill()
    try:
        status = gate.wait_for("down", "agent-silent")
        assert any(log.stat().st_size for log in (gate.directory / "state" / "journal").glob("*.db-wal"))
        assert status["journal"]["captured"] >= before
        assert {device["state"] for device in status["devices"]} == {"unknown"}
        assert not status["uplink"]["connected"]
        done = gate.ask("status")
        assert done.returncode == 2
        assert "journalctl -u edge-agent" in done.stdout
        assert gate.ask("tail", "-n", "1").stdout
    finally:
        gate.agent.start()
    gate.wait_for("healthy")


def test_an_agent_that_was_stopped_is_told_from_one_that_died(gate: Gate) -> None:
    gate.wait_for("healthy")
    gate.agent.stop()
    try:
        assert gate.status()["exit_code"] == 2
        gate.wait_for("down", "agent-stopped")
        assert "the agent was stopped" in gate.ask("tail", "-n", "1").stdout
        assert not list((gate.directory / "state" / "journal").glob("*.db-wal"))
    finally:
        gate.agent.start()
    gate.wait_for("healthy")


AS_SOMEBODY = """
import os, sys
import edge_agent.status.screens.records  # all that gatectl may need: afterwards these files may be out of reach
from edge_agent.status.cli import main
user, *groups = map(int, sys.argv.pop(1).split(","))
os.setgroups(groups)
os.setgid(user)
os.setuid(user)
main()
"""


def test_who_may_not_read_the_agents_files_is_told_so_and_group_members_may(gate: Gate) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can try this as another user; test_reading and test_snapshot do without")
    gate.wait_for("healthy")
    gate.agent.stop()
    room, nobody, group = Path("/tmp") / f"gatectl-{os.getpid()}", 65_534, 54_321
    try:
        shutil.copytree(gate.directory, room, symlinks=True)
        room.chmod(0o755)
        journal = room / "state" / "journal"
        for path in (room / "state", journal, *journal.iterdir(), room / "run", room / "run" / "status.json"):
            os.chown(path, 0, group)
            path.chmod(0o750 if path.is_dir() else 0o640)  # as the unit has it

        def ask(somebody: str) -> dict[str, Any]:
            asked = [
                sys.executable,
                "-c",
                AS_SOMEBODY,
                somebody,
                "--config",
                str(room / "site.toml"),
                "status",
                "--json",
            ]
            done = subprocess.run(asked, capture_output=True, check=False, env={**os.environ, **ENGLISH})
            assert done.stdout, done.stderr
            answer: dict[str, Any] = json.loads(done.stdout)
            return answer

        stranger, member = ask(f"{nobody}"), ask(f"{nobody},{group}")
    finally:
        shutil.rmtree(room)
        gate.agent.start()
    assert [reason["code"] for reason in stranger["reasons"]] == ["status-unreadable", "journal-unreadable"]
    assert {reason["values"]["text"] for reason in stranger["reasons"]} == {"Permission denied"}
    assert stranger["exit_code"] == 2
    assert [reason["code"] for reason in member["reasons"]] == ["agent-stopped"]
    assert member["journal"]["captured"] > 0
    gate.wait_for("healthy")
