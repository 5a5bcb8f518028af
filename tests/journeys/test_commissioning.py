"""What an installer does with a device: find its port and profile, look at it, record it, play it back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from edge_agent.simulate.frames import ToledoContinuousFrames, YaohuaA9Frames
from edge_agent.simulate.indicator import Indicator
from tests.journeys.test_polled_scales import A9Bus

PROGRAM = Path(sys.executable).with_name("edge-agent")
YAOHUA = "scale/yaohua-xk3190-a9-tf0"

pytestmark = pytest.mark.timeout(180)


def run(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def answer(*arguments: object, code: int = 0) -> Any:
    return json.loads(run(*arguments, "--json", code=code).stdout)


def wait_for(what: str, true: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < 30, f"not in 30 s: {what}"
        time.sleep(0.02)


@pytest.fixture
def scale(tmp_path: Path) -> Iterator[Path]:
    """A Yaohua A9 that sends 12,340 kg, on a pty."""
    with Indicator(YaohuaA9Frames(Decimal(20)), tmp_path / "scale", lambda: Decimal(12340), 20):
        yield tmp_path / "scale"


def test_the_ports_are_listed_for_a_person_and_for_a_script() -> None:
    listed = answer("devices", "scan")
    assert set(listed) == {"ports", "gpio_chips", "videos"}
    assert all(port["device"].startswith("/dev/") for port in listed["ports"])
    assert run("devices", "scan").stdout


def test_a_scale_that_sends_is_found_with_the_evidence(scale: Path) -> None:
    found = answer("devices", "probe", "--port", scale, "--seconds", "1")
    (best,) = [each for each in found["fits"]["profiles"] if each["profile"] == YAOHUA]
    assert best == found["fits"]["profiles"][0]
    assert best["fits"]
    assert best["sample"]["reading"]["weight"] == "12340"
    assert f'profile = "{YAOHUA}"' in found["site_file"]


def test_another_maker_is_told_apart(tmp_path: Path) -> None:
    with Indicator(ToledoContinuousFrames(Decimal(20)), tmp_path / "scale", lambda: Decimal(560), 20):
        found = answer("devices", "probe", "--port", tmp_path / "scale", "--seconds", "1")
    assert found["fits"]["profiles"][0]["profile"].startswith("scale/mettler-toledo-continuous")


def test_a_scale_that_must_be_asked_is_found_and_nothing_that_changes_it_is_sent() -> None:
    bus = A9Bus({"A": 40})
    bus.start()
    found = answer("devices", "probe", "--port", bus.port, "--seconds", "0.3")
    bus.close()
    assert found["fits"]["asked"] == "scale/yaohua-xk3190-a9-command"
    assert found["fits"]["profiles"][0]["sample"]["reading"]["weight"] == "40"
    # MT-SICS T and Z, Toledo and NCI Z: what would tare or zero.
    assert not any(command in bus.heard for command in (b"T\r\n", b"Z\r\n", b"Z\r"))


def test_listening_only_sends_nothing() -> None:
    bus = A9Bus({"A": 40})
    bus.start()
    found = answer("devices", "probe", "--port", bus.port, "--seconds", "0.2", "--listen-only", code=1)
    bus.close()
    assert bus.heard == b""
    assert found["fits"] is None
    assert found["advice"].startswith("No bytes at any speed")


def test_a_port_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    found = answer("devices", "probe", "--port", tmp_path / "nothing", code=1)
    assert len(found["tried"]) == 1
    assert "does not exist" in found["advice"]


def test_a_device_of_the_site_file_is_watched_by_its_name(scale: Path, tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(
        f'site = "xiuying"\n[[scale]]\nid = "scale-1"\nprofile = "{YAOHUA}"\nport = "{scale}"\ndivision = "20 kg"\n'
        '[[lane]]\nid = "L1"\nkind = "vehicle"\nscales = ["scale-1"]\n',
        encoding="utf-8",
    )
    done = run("devices", "watch", "scale-1", "--config", site, "--seconds", "2")
    assert "weight=12340" in done.stdout
    assert "starting" in done.stderr.lower()
    assert "did you mean 'scale-1'" in run("devices", "watch", "scale1", "--config", site, code=1).stderr.lower()


def test_a_recording_decodes_replays_and_is_never_overwritten(scale: Path, tmp_path: Path) -> None:
    capture, asked = tmp_path / "capture.bin", ("--port", scale, "--profile", YAOHUA)
    run("devices", "record", *asked, "--seconds", "2", "-o", capture)
    assert "exists" in run("devices", "record", *asked, "-o", capture, code=1).stderr
    decoded = run("decode", "--profile", YAOHUA, capture)
    weights = [json.loads(line) for line in decoded.stdout.splitlines()]
    assert sum("reading" in line for line in weights) > 20
    head, *chunks = [json.loads(line) for line in Path(f"{capture}.times.jsonl").read_text().splitlines()]
    assert (head["profile"], head["baud"]) == (YAOHUA, 9600)
    assert sum(count for _, count in chunks) == capture.stat().st_size
    played = tmp_path / "played"
    player = subprocess.Popen([PROGRAM, "devices", "replay", capture, "--port", played, "--loop"])
    try:
        wait_for("the port is there", lambda: os.path.lexists(played))
        watched = run("devices", "watch", "--port", played, "--profile", YAOHUA, "--seconds", "2", "--json")
    finally:
        player.terminate()
        player.wait(10)
    assert any(json.loads(line).get("reading", {}).get("weight") == "12340" for line in watched.stdout.splitlines())


def test_a_capture_cut_short_is_not_played_with_times_that_are_not_its_own(scale: Path, tmp_path: Path) -> None:
    capture = tmp_path / "capture.bin"
    run("devices", "record", "--port", scale, "--profile", YAOHUA, "--seconds", "1", "-o", capture)
    capture.write_bytes(capture.read_bytes()[:-5])
    done = run("devices", "replay", capture, "--port", tmp_path / "played", code=1)
    assert "does not belong" in done.stderr
    assert not (tmp_path / "played").exists()


def test_neither_a_name_nor_a_port_is_a_question_back() -> None:
    assert "--port and --profile" in run("devices", "watch", code=2).stderr
