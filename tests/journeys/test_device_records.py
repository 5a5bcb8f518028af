"""Devices on a whole gate: their readings and faults reach the collector as records."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_agent.simulate.ports import free_port
from tests.journeys.device_peers import WITHIN_S, needs, running, until
from tests.journeys.world import World, plan_of

PORTAL = (
    b"GH,000912,000388,000432,000423\r\nGB,000386,000391,000423,000419\r\nSP,0.2000,03.409,005.49,000000\r\n"
    b"GS,000080,000081,000082,000083\r\nNA,000009,000008,000007,000006\r\nGX,000017,001250,000000,000000\r\n"
    b"rubbish\r\nTT,000000,000000,000000,000000\r\n"
)
SCAN = b"A-0001,PASS,,,A-0001.jpg*42\r\n"
PICTURE = b"\xff\xd8\xff\xe0 a picture \xff\xd9"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, plan_of(1))
    yield world
    world.gate.agent.stop()
    world.collector.stop()


def records(world: World) -> list[dict[str, Any]]:
    command = [needs("gatectl"), "--config", str(world.gate.site_file), "tail", "--json", "-n", "1000"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True, timeout=WITHIN_S).stdout.splitlines()
    return [json.loads(line)["record"] for line in lines]


def bodies(found: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [record[kind] for record in found if kind in record]


def test_readings_pictures_faults_and_garbage_of_devices_reach_the_collector(world: World, tmp_path: Path) -> None:
    portal, scanner, folder = free_port(), free_port(), tmp_path / "pictures"
    folder.mkdir()
    (folder / "A-0001.jpg").write_bytes(PICTURE)
    (tmp_path / "portal").write_bytes(PORTAL)
    (tmp_path / "scan").write_bytes(SCAN)
    with world.gate.site_file.open("a", encoding="utf-8") as site:
        site.write(
            f'\n[[device]]\nid = "rpm-1"\nprofile = "radiation/tsa-rapiscan-rpm"\nlane = "in-1"\n'
            f'port = "socket://127.0.0.1:{portal}"\n'
            f'[[device]]\nid = "xray-1"\nprofile = "xray/line-delimited"\nlane = "in-1"\n'
            f'port = "socket://127.0.0.1:{scanner}"\nfolder = "{folder}"\n'
        )
    world.start()
    with (
        running(needs("socat"), "-u", _late(tmp_path / "portal"), _listen(portal)),
        running(needs("socat"), "-u", _late(tmp_path / "scan"), _listen(scanner)),
    ):
        until(
            lambda: len(bodies(records(world), "reading")) == 3, "an occupancy, a scan, and the scan with its picture"
        )
        until(lambda: bodies(records(world), "garbled"), "the garbage")
        until(lambda: world.journal()["pending"] == 0, "all is acknowledged")

    found = records(world)
    shown = {device["id"]: device for device in world.gate.status()["devices"]}
    assert (shown["rpm-1"]["kind"], shown["rpm-1"]["last_reading"]) == ("radiation", "occupancy 17: neutron alarm")
    assert shown["xray-1"]["last_reading"] == "A-0001: PASS"
    by_device = {reading["device_id"]: reading for reading in bodies(found, "reading")}
    assert by_device["rpm-1"]["radiation"]["neutron_alarm"] is True
    assert by_device["rpm-1"]["lane_id"] == "in-1"
    scans = [reading["scan"] for reading in bodies(found, "reading") if "scan" in reading]
    assert [("image" in scan, scan["scan_id"]) for scan in scans] == [(False, "A-0001"), (True, "A-0001")]
    assert scans[1]["image"]["media_type"] == "image/jpeg"
    codes = {incident["code"] for incident in bodies(found, "incident")}
    assert {"radiation-gamma-background-high", "radiation-tamper-set"} <= codes
    assert [garbled["reason"] for garbled in bodies(found, "garbled")] == ["no line of this portal"]
    world.assert_nothing_missing_or_double()


def _late(file: Path) -> str:
    """A device that speaks some seconds after it was connected: what comes sooner, pyserial may throw away."""
    return f"system:sleep 3; cat {file}"


def _listen(port: int) -> str:
    return f"tcp-listen:{port},bind=127.0.0.1,reuseaddr"
