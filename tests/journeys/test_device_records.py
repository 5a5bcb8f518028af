"""Devices on a whole gate: their readings and faults reach the collector as records."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_agent.simulate.ports import free_port
from tests.journeys.device_peers import WITHIN_S, modbus_server, needs, running, until
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


def read(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The readings of all passages, as their last revisions hold them."""
    last = {passage["passage_id"]: passage for passage in bodies(found, "passage")}
    return [reading for passage in last.values() for reading in passage.get("readings", [])]


def kinds(readings: list[dict[str, Any]]) -> list[str]:
    """What they say; "image" for a scan that has its picture."""
    return [*(key for reading in readings for key in reading), *(key for r in readings for key in r.get("scan", {}))]


def test_readings_pictures_faults_and_garbage_of_devices_reach_the_collector(world: World, tmp_path: Path) -> None:
    portal, scanner, folder = free_port(), free_port(), tmp_path / "pictures"
    folder.mkdir()
    (folder / "A-0001.jpg").write_bytes(PICTURE)
    (tmp_path / "portal").write_bytes(PORTAL)
    (tmp_path / "scan").write_bytes(SCAN)
    text = world.gate.site_file.read_text(encoding="utf-8")
    assert 'kind = "vehicle"\n' in text
    world.gate.site_file.write_text(text.replace('kind = "vehicle"\n', 'kind = "vehicle"\napproach = "8 s"\n'))
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
            lambda: {"radiation", "image"} <= set(kinds(read(records(world)))),
            "occupancy, scan and picture",
        )
        until(lambda: bodies(records(world), "garbled"), "the garbage")
        until(lambda: world.journal()["pending"] == 0, "all is acknowledged")

    found = records(world)
    shown = {device["id"]: device for device in world.gate.status()["devices"]}
    assert (shown["rpm-1"]["kind"], shown["rpm-1"]["last_reading"]) == ("radiation", "occupancy 17: neutron alarm")
    assert shown["xray-1"]["last_reading"] == "A-0001: PASS"
    assert bodies(found, "reading") == [], "a lane's readings are in its passages"
    by_device = {reading["device_id"]: reading for reading in read(found)}
    assert by_device["rpm-1"]["radiation"]["neutron_alarm"] is True
    assert by_device["rpm-1"]["lane_id"] == "in-1"
    (scan,) = [reading["scan"] for reading in read(found) if "scan" in reading]
    assert scan["scan_id"] == "A-0001"
    assert scan["image"]["media_type"] == "image/jpeg"
    lacking = {missing["kind"] for passage in bodies(found, "passage") for missing in passage["missing"]}
    assert {"weight", "plate"} <= lacking, "no vehicle was there"
    codes = {incident["code"] for incident in bodies(found, "incident")}
    assert {"radiation-gamma-background-high", "radiation-tamper-set"} <= codes
    assert [garbled["reason"] for garbled in bodies(found, "garbled")] == ["no line of this portal"]
    world.assert_nothing_missing_or_double()


def test_a_vehicle_between_the_loops_is_one_passage_though_the_agent_is_killed_meanwhile(world: World) -> None:
    port = free_port()
    text = world.gate.site_file.read_text(encoding="utf-8")
    loops = 'kind = "vehicle"\napproach = "3 s"\nloop_in = "lane-io/loop-in"\nloop_out = "lane-io/loop-out"\n'
    text = text.replace('kind = "vehicle"\n', loops)
    text += f'\n[[device]]\nid = "lane-io"\nprofile = "io/modbus"\nport = "tcp://127.0.0.1:{port}"\n'
    text += 'inputs = { loop-in = "discrete:0", loop-out = "discrete:1", button = "discrete:2" }\n'
    world.gate.site_file.write_text(text, encoding="utf-8")

    def loops_of(found: list[dict[str, Any]]) -> list[tuple[str, bool]]:
        inputs = [reading["input"] for reading in read(found)]
        return [(each["name"], each.get("active", False)) for each in inputs if not each.get("initial", False)]

    def shown() -> str:
        devices = world.gate.status()["devices"]
        return str(next(device["last_reading"] for device in devices if device["id"] == "lane-io"))

    with modbus_server("tcp", str(port), "1") as server:
        world.start()  # without traffic: nothing is behind the scale's port, and the lane works without it
        until(lambda: len(bodies(records(world), "orphan")) == 2, "the loops' first states, which are nobody's")
        server.set(1, "di 0", 1)
        until(lambda: world.gate.status()["lanes"][0]["passage"], "somebody has entered")
        world.gate.agent.kill()
        world.start_agent()
        until(lambda: loops_of(records(world)) == [("loop-in", True)], "it is decided, with nothing but its entry")
        for point, value, heard in (
            ("di 0", 0, "loop-in off"),
            ("di 1", 1, "loop-out on"),
            ("di 1", 0, "loop-out off"),
        ):
            server.set(1, point, value)
            until(lambda: shown() == heard, heard)  # noqa: B023 - called before the next round
        until(lambda: len(loops_of(records(world))) == 4, "it has left")
        until(lambda: world.journal()["pending"] == 0, "all is acknowledged")

    passages = bodies(records(world), "passage")
    assert len({passage["passage_id"] for passage in passages}) == 1
    assert [passage["revision"] for passage in passages] == [1, 2]
    assert passages[0]["opened_by"] == "PASSAGE_OPENING_TRIGGER"
    assert loops_of(records(world)) == [("loop-in", True), ("loop-in", False), ("loop-out", True), ("loop-out", False)]
    assert {each["input"]["name"] for each in bodies(records(world), "reading")} == {"button"}, "it is no loop"
    world.assert_nothing_missing_or_double()


def _late(file: Path) -> str:
    """A device that speaks some seconds after it was connected: what comes sooner, pyserial may throw away."""
    return f"system:sleep 3; cat {file}"


def _listen(port: int) -> str:
    return f"tcp-listen:{port},bind=127.0.0.1,reuseaddr"
