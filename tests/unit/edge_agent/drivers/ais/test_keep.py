"""Which ship's messages become records."""

from __future__ import annotations

from dataclasses import replace

from edge_agent.drivers.ais.keep import MOST_SHIPS, VesselKeeper
from edge_agent.model.lane_readings import Vessel
from tests.unit.edge_agent.drivers.moments import moment

SHIP = Vessel(413999888, 1, latitude_degrees=20.05, longitude_degrees=110.16, speed_knots=9.0, status="moored")


def test_a_ship_that_sends_every_two_seconds_is_one_record_a_minute() -> None:
    keeper = VesselKeeper(60)
    kept = [
        second
        for second in range(0, 300, 2)
        if keeper.keep(replace(SHIP, latitude_degrees=20 + second / 1000), moment(second))
    ]
    assert kept == [0, 60, 120, 180, 240]


def test_another_status_is_a_record_at_once() -> None:
    keeper = VesselKeeper(60)
    assert keeper.keep(SHIP, moment(0))
    assert keeper.keep(replace(SHIP, status="under_way_using_engine"), moment(2))
    assert not keeper.keep(replace(SHIP, status="under_way_using_engine"), moment(4))
    assert not keeper.keep(replace(SHIP, status=None), moment(6))


def test_a_name_without_a_place_is_kept_beside_the_positions() -> None:
    keeper = VesselKeeper(60)
    named = Vessel(413999888, 5, name="SHUANG TAI 31")
    assert keeper.keep(SHIP, moment(0))
    assert keeper.keep(named, moment(1))
    assert not keeper.keep(named, moment(30))
    assert keeper.keep(replace(named, destination="HAIKOU"), moment(31))


def test_no_number_of_ships_fills_memory() -> None:
    keeper = VesselKeeper(60)
    for mmsi in range(MOST_SHIPS + 100):
        keeper.keep(replace(SHIP, mmsi=mmsi), moment(0))
    assert len(keeper._kept) == MOST_SHIPS
