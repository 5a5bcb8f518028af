"""Occupancies of a radiation portal. Lines and values are in tests/captures/radiation; here is what streams may do."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.radiation.driver import MOST_SPEEDS, PortalSaid, RadiationDriver
from edge_agent.drivers.radiation.lines import Counts, GammaSetup
from edge_agent.drivers.radiation.schema import RadiationProfile
from edge_agent.drivers.stream import Heard
from edge_agent.model.lane_readings import RadiationOccupancy
from edge_agent.profiles import load_profile

PROFILE = load_profile("radiation/tsa-rapiscan-rpm", of=RadiationProfile)
LINES = st.lists(
    st.sampled_from(
        [
            b"GB,000386,000391,000423,000419\r\n",
            b"GS,000080,000081,000082,000083\r\n",
            b"GA,000180,000181,000182,000183\r\n",
            b"NS,000000,000001,000000,000000\r\n",
            b"NA,000009,000008,000007,000006\r\n",
            b"SP,0.2000,03.409,005.49,000000\r\n",
            b"GX,000017,001250,000000,000000\r\n",
            b"TT,000000,000000,000000,000000\r\n",
            b"GS,00008",
            b"\r\n",
            b"\xfe\x00",
        ]
    ),
    max_size=25,
)


def fed(data: bytes, size: int) -> list[Heard[PortalSaid] | Garbled]:
    driver = RadiationDriver(PROFILE)
    return [item for at in range(0, len(data), size) for item in driver.feed(data[at : at + size])] + driver.flush()


def occupancies(data: bytes) -> list[RadiationOccupancy]:
    items = fed(data, 4096)
    return [item.said.occupancy for item in items if isinstance(item, Heard) and item.said.occupancy]


@given(LINES.map(b"".join), st.integers(1, 70))
def test_however_the_stream_is_cut_the_lines_and_occupancies_are_the_same(data: bytes, size: int) -> None:
    assert fed(data, size) == fed(data, len(data) or 1)


@given(LINES)
def test_an_alarm_is_told_if_and_only_if_the_portal_said_one(lines: list[bytes]) -> None:
    told = occupancies(b"".join(line for line in lines if line.endswith(b"\n")) + b"GX,000018,000000,000000,000000\r\n")
    said = {code for line in lines for code in (b"GA", b"NA") if line.startswith(code)}

    assert any(occupancy.gamma_alarm for occupancy in told) == (b"GA" in said)
    assert any(occupancy.neutron_alarm for occupancy in told) == (b"NA" in said)


def test_a_truck_that_stands_in_the_beams_fills_no_memory() -> None:
    driver = RadiationDriver(PROFILE)
    line = b"SP,0.2000,03.409,005.49,000000\r\nGS,000080,000081,000082,000083\r\n"
    for _ in range(2000):
        driver.feed(line)
    occupancy = driver.interrupt()

    assert occupancy is not None
    assert occupancy.gamma_samples == 2000
    assert len(occupancy.speeds_kph) == MOST_SPEEDS
    assert not occupancy.complete
    assert driver.interrupt() is None


def test_a_speed_alone_is_no_occupancy_unless_the_portal_ends_it() -> None:
    speed = b"SP,0.2000,03.409,005.49,000000\r\n"

    assert occupancies(speed + b"GB,000386,000391,000423,000419\r\n") == []
    (told,) = occupancies(speed + b"GX,000017,001250,000000,000000\r\n")
    assert (told.number, told.gamma_samples, told.max_neutron) == (17, 0, None)


COUNTS = b"GA,000080,000081,000082,000083"


@pytest.mark.parametrize(
    ("line", "time"),
    [
        (COUNTS, None),
        (COUNTS + b",12-00-00.961", "12-00-00.961"),
        (COUNTS + b",12-00-00.961,16-00-00.961", "12-00-00.961"),
        (b"2026-11-22 12:00:00.961," + COUNTS, "2026-11-22 12:00:00.961"),
        (b"[12:00:00] " + COUNTS, "12:00:00"),
        (b"2026-11-22T12:00:00Z\t" + COUNTS, "2026-11-22T12:00:00Z"),
    ],
)
def test_what_a_recorder_adds_to_a_line_is_its_time_and_nothing_else(line: bytes, time: str | None) -> None:
    (item,) = fed(line + b"\r\n", 7)

    assert isinstance(item, Heard)
    assert item.raw == line + b"\r\n"
    assert isinstance(item.said.told, Counts)
    assert (item.said.told.time, item.said.told.counts) == (time, (80, 81, 82, 83))


def test_settings_of_a_daily_file_with_both_zones_times_are_read() -> None:
    (item,) = fed(b"SG1,000660,000090,05,10,07.0,P,12-00-00.961,16-00-00.961\r\n", 4096)

    assert isinstance(item, Heard)
    assert item.said.told == GammaSetup(660, 90, 5, 10, Decimal("7.0"), "12-00-00.961")


@pytest.mark.parametrize("behind", [b",12-00-00", b",12-00-00.961,16-00-0", b",000084", b",1,12-00-00.961"])
def test_counts_with_anything_but_whole_times_behind_them_are_no_line(behind: bytes) -> None:
    assert [type(item) for item in fed(COUNTS + behind + b"\r\n", 4096)] == [Garbled]


def test_the_rest_of_a_lost_line_in_front_is_no_time() -> None:
    garbled, heard = fed(b"GS,000063,000079," + COUNTS + b"\r\n", 4096)

    assert isinstance(garbled, Garbled)
    assert isinstance(heard, Heard)
