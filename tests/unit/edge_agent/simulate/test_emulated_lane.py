"""Portal, scanner, scale and pads: what they send is what the shipped profiles decode, and their site file fits."""

from __future__ import annotations

import json
import os
import select
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edge_agent.commands.check_config import check_config
from edge_agent.commands.decode import decode
from edge_agent.simulate import portal as portals
from edge_agent.simulate.frames import YaohuaA9Frames
from edge_agent.simulate.load import LoadProfile
from edge_agent.simulate.portal import RadiationPortal
from edge_agent.simulate.scanner import XrayScanner, scan_line
from edge_agent.simulate.serial_line import SerialLine
from edge_agent.simulate.story.lanes import AGENT_FILE, LaneSpec
from edge_agent.simulate.weighers import AxlePads, Platform, ticket

CAPTURES = Path(__file__).resolve().parents[3] / "captures"


def captured_lines(name: str) -> list[bytes]:
    return (CAPTURES / name).read_bytes().splitlines(keepends=True)


def heard(link: Path, until: bytes) -> bytes:
    """What comes out of the port, up to these bytes."""
    port = os.open(link, os.O_RDWR | os.O_NOCTTY)
    data = b""
    try:
        while not data.endswith(until):
            ready, _, _ = select.select([port], [], [], 30)
            assert ready, f"nothing after {data!r}"
            data += os.read(port, 4096)
    finally:
        os.close(port)
    return data


def decoded(profile: str, data: bytes) -> list[dict[str, Any]]:
    result = CliRunner().invoke(decode, ["--profile", profile, "-"], input=data)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


def test_lines_are_those_of_the_captures() -> None:
    portal = (
        (CAPTURES / "radiation/tsa-rapiscan-rpm/gamma_and_neutron_alarm.txt").read_bytes().splitlines(keepends=True)
    )
    assert portals.counts("GB", (386, 391, 423, 419)) in portal
    assert portals.speed(0.2) in portal
    assert portals.occupancy_end(17, 1.25) in portal
    scans = captured_lines("xray/line-delimited/three_scans.bin")
    assert scan_line("A-0002", "CHECK", "organic", "0.55", "A-0002.dcm") in scans


@pytest.mark.parametrize("alarm", [False, True])
def test_a_vehicle_in_the_portal_is_one_occupancy_with_the_portals_own_word(alarm: bool, tmp_path: Path) -> None:
    portal = RadiationPortal(tmp_path / "portal")
    portal.enter()
    portal.leave(gamma_alarm=alarm)
    lines = decoded("radiation/tsa-rapiscan-rpm", heard(tmp_path / "portal", portals.occupancy_end(1, 0.25)))
    portal.stop()
    assert not any("garbled" in line for line in lines)
    (occupancy,) = [line for line in lines if line["kind"] == "occupancy"]
    assert (occupancy["gamma_alarm"], occupancy["neutron_alarm"], occupancy["complete"]) == (alarm, False, True)


def test_the_portal_tells_its_background_while_nobody_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portals, "BACKGROUND_EVERY_S", 0.01)
    portal = RadiationPortal(tmp_path / "portal")
    portal.start()
    line = portals.counts("GB", portals.GAMMA_BACKGROUND)
    assert {each["kind"] for each in decoded("radiation/tsa-rapiscan-rpm", heard(tmp_path / "portal", line))} == {
        "gamma_background",
        "neutron_background",
    }
    portal.stop()


def test_a_scan_has_its_picture_before_its_line(tmp_path: Path) -> None:
    scanner = XrayScanner(tmp_path / "xray", tmp_path / "pictures")
    scanner.scan("ALARM", "tobacco")
    (scan,) = decoded("xray/line-delimited", heard(tmp_path / "xray", b"\r\n"))
    scanner.stop()
    assert (scan["verdict"], scan["class"], scan["confidence"]) == ("alarm", "tobacco", 0.93)
    assert (tmp_path / "pictures" / scan["image"]).read_bytes().startswith(b"\xff\xd8")


def test_a_ticket_adds_up(tmp_path: Path) -> None:
    pads = AxlePads(tmp_path / "pads")
    pads.weigh([5200, 5180, 6020])
    data = heard(tmp_path / "pads", b"ACCUM TOTAL: 16400\r\n")
    pads.stop()
    assert data == ticket([5200, 5180, 6020])
    (weighed,) = decoded("scale/axle-pt300-ticket", data)
    assert weighed["reading"]["weight"] == "16400"
    assert weighed["reading"]["axles"] == ["5200", "5180", "6020"]


def test_a_truck_stands_on_the_platform_with_a_whole_division_until_it_drives_off(tmp_path: Path) -> None:
    rolling = LoadProfile(ramp_s=0.02, settle_s=0.02, roll_off_s=0.02, vibration_kilograms=Decimal(5))
    frames = YaohuaA9Frames(Decimal(20))
    platform = Platform(frames, tmp_path / "scale", rolling, 50)
    platform.start()
    platform.drive_on(Decimal(27_337))
    assert heard(tmp_path / "scale", frames.encode(Decimal(27_340)) * 4)  # it stands still, on one figure
    platform.drive_off()
    assert heard(tmp_path / "scale", frames.encode(Decimal(0)) * 4)
    platform.stop()


def test_a_truck_that_rolls_shows_no_weight_twice_until_it_stands(tmp_path: Path) -> None:
    frames = YaohuaA9Frames(Decimal(20))
    platform = Platform(frames, tmp_path / "scale", LoadProfile(vibration_kilograms=Decimal(5)), 20)
    platform.start()
    platform.roll_on(Decimal(27_337))
    rolling = {heard(tmp_path / "scale", b"\x03")[-12:] for _ in range(4)}
    assert len(rolling) > 1
    assert frames.encode(Decimal(27_340)) not in rolling
    platform.stand()
    assert heard(tmp_path / "scale", frames.encode(Decimal(27_340)) * 4)
    platform.stop()


def test_what_is_sent_before_anybody_listens_is_not_lost(tmp_path: Path) -> None:
    line = SerialLine(tmp_path / "line")
    sender = threading.Thread(target=line.send, args=(b"x" * 20_000 + b".",))  # more than the line holds
    sender.start()
    assert len(heard(tmp_path / "line", b".")) == 20_001
    sender.join()
    line.close()


@pytest.mark.parametrize("where", ["scale", "axles", "empties"])
def test_the_site_file_of_each_kind_of_lane_is_in_order(where: Any, tmp_path: Path) -> None:
    lane = LaneSpec("out-1", where, "mettler-toledo-continuous")
    (tmp_path / "out-1-pictures").mkdir()
    file = tmp_path / "site.toml"
    file.write_text(AGENT_FILE.format(site="macun") + lane.site_file(tmp_path, 10_001, 10_002), encoding="utf-8")
    result = CliRunner().invoke(check_config, ["--config", str(file)])
    assert (result.exit_code, result.stdout) == (0, f"{file}: in order\n"), result.output
