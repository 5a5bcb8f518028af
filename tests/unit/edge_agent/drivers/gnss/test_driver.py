"""GNSS: sentences to positions. Values of sentences are in tests/captures/gnss."""

from __future__ import annotations

from decimal import Decimal
from functools import reduce
from operator import xor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.gnss.driver import GnssDriver, GnssSaid
from edge_agent.drivers.gnss.keep import PositionKeeper
from edge_agent.drivers.gnss.sentences import GnssSentence
from edge_agent.drivers.stream import Heard
from edge_agent.model.lane_readings import Position
from tests.unit.edge_agent.drivers.moments import moment


def sentence(body: str) -> bytes:
    return f"${body}*{reduce(xor, body.encode()):02X}\r\n".encode()


def second(number: int, status: str = "A", quality: int = 1, mode: str = "A") -> bytes:
    return sentence(f"GPRMC,0601{number:02},{status},2003.0,N,11009.6,E,0.1,,221126,,,{mode}") + sentence(
        f"GPGGA,0601{number:02},2003.0,N,11009.6,E,{quality},08,1.1,12.3,M,-9.4,M,,"
    )


def fed(data: bytes, size: int = 4096) -> list[Heard[GnssSaid] | Garbled]:
    driver = GnssDriver()
    return [item for at in range(0, len(data), size) for item in driver.feed(data[at : at + size])] + driver.flush()


def positions(data: bytes) -> list[Position]:
    return [item.said.position for item in fed(data) if isinstance(item, Heard) and item.said.position]


@given(
    st.lists(st.sampled_from([second(1), second(2), b"$", b"$GPGGA,,\r\n", b"noise", b"\r\n"]), max_size=8).map(
        b"".join
    ),
    st.integers(1, 90),
)
def test_however_the_stream_is_cut_sentences_and_positions_are_the_same(data: bytes, size: int) -> None:
    assert fed(data, size) == fed(data)


def test_the_sentences_of_one_second_are_one_position_with_date_and_altitude() -> None:
    (position,) = positions(second(1) + second(2))

    assert position == Position(
        fix=True,
        latitude_degrees=Decimal("20.050000000"),
        longitude_degrees=Decimal("110.160000000"),
        altitude_metres=Decimal("12.3"),
        satellites=8,
        hdop=Decimal("1.1"),
        time="2026-11-22T06:01:01Z",
    )


def test_without_a_fix_there_is_a_time_and_no_place() -> None:
    (position,) = positions(second(1, "V", 0) + second(2))

    assert not position.fix
    assert position.latitude_degrees is position.longitude_degrees is position.altitude_metres is None
    assert position.time == "2026-11-22T06:01:01Z"


@pytest.mark.parametrize(("quality", "word"), [(6, "estimated"), (7, "manual"), (8, "simulated")])
@pytest.mark.parametrize("mode", ["A", "E", "M", "S", ""])
def test_a_place_that_satellites_did_not_give_is_told_and_is_no_fix(quality: int, word: str, mode: str) -> None:
    items = fed(second(1, quality=quality, mode=mode) + second(2))
    gga = next(
        item.said.sentence.says
        for item in items
        if isinstance(item, Heard) and isinstance(item.said.sentence, GnssSentence) and item.said.sentence.kind == "GGA"
    )
    (position,) = [item.said.position for item in items if isinstance(item, Heard) and item.said.position]

    assert (gga["fix"], gga["fix_type"], gga["measured"], gga["lat"]) == (quality, word, False, Decimal("20.05"))
    assert not position.fix
    assert position.latitude_degrees is position.longitude_degrees is position.altitude_metres is None


@pytest.mark.parametrize("mode", ["E", "M", "S", "N"])
def test_a_mode_indicator_goes_before_a_status_that_contradicts_it(mode: str) -> None:
    assert [position.fix for position in positions(second(1, mode=mode) + second(2))] == [False]


@pytest.mark.parametrize(("quality", "mode"), [(1, ""), (2, "D"), (3, "P"), (4, "R"), (5, "F"), (9, "D")])
def test_every_fix_from_satellites_is_one_with_the_indicator_and_without(quality: int, mode: str) -> None:
    assert [position.fix for position in positions(second(1, quality=quality, mode=mode) + second(2))] == [True]


def test_one_constellation_without_a_mode_takes_no_fix_from_the_others() -> None:
    moment_of = "GNS,060101,2003.0,N,11009.6,E,AA,12,1.1,12.3,-9.4,,"
    of_others = "GNS,060101,,,,,,04,,,,,"

    (position,) = positions(sentence("GN" + moment_of) + sentence("GL" + of_others) + second(2))

    assert position.fix
    assert position.latitude_degrees == Decimal("20.05")


@pytest.mark.parametrize("date", ["310226", "001126", "320126", "011326", "2211"])
def test_a_day_that_there_is_not_is_no_date(date: str) -> None:
    (garbled,) = fed(sentence(f"GPRMC,060101,A,2003.0,N,11009.6,E,0.1,,{date},,,A"))

    assert isinstance(garbled, Garbled)
    assert "is no date" in garbled.reason


@pytest.mark.parametrize("body", ["GPZDA,060101,W1,10,2026,,", "GPZDA,060101,30,02,2026,,", "GPZDA,060101,1,2,26,,"])
def test_a_date_of_zda_has_four_two_and_two_digits(body: str) -> None:
    assert [type(item) for item in fed(sentence(body))] == [Garbled]


def test_the_second_before_a_leap_is_a_time_and_midnight_takes_its_own_date() -> None:
    old = sentence("GPRMC,235960,A,2003.0,N,11009.6,E,0.1,,311216,,,A")
    new = sentence("GPRMC,000000,A,2003.0,N,11009.6,E,0.1,,010117,,,A")

    assert [position.time for position in positions(old + new + second(2))] == [
        "2016-12-31T23:59:60Z",
        "2017-01-01T00:00:00Z",
    ]


def test_a_position_is_kept_once_a_minute_when_it_moves_and_when_the_fix_changes() -> None:
    keeper = PositionKeeper(60, 100)
    here = Position(fix=True, latitude_degrees=Decimal("20.05"), longitude_degrees=Decimal("110.16"))
    near = Position(fix=True, latitude_degrees=Decimal("20.0505"), longitude_degrees=Decimal("110.16"))
    far = Position(fix=True, latitude_degrees=Decimal("20.05"), longitude_degrees=Decimal("110.162"))

    assert keeper.keep(here, moment(0))
    assert not keeper.keep(near, moment(10))  # 56 m
    assert keeper.keep(far, moment(20))  # 209 m
    assert keeper.keep(Position(fix=False), moment(21))
    assert not keeper.keep(Position(fix=False), moment(22))
    assert keeper.keep(far, moment(23))
    assert keeper.keep(far, moment(83))
