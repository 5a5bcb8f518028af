"""GNSS: sentences to positions. Values of sentences are in tests/captures/gnss."""

from __future__ import annotations

from decimal import Decimal
from functools import reduce
from operator import xor

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.gnss.driver import GnssDriver, GnssSaid
from edge_agent.drivers.gnss.keep import PositionKeeper
from edge_agent.drivers.stream import Heard
from edge_agent.model.lane_readings import Position
from tests.unit.edge_agent.drivers.moments import moment


def sentence(body: str) -> bytes:
    return f"${body}*{reduce(xor, body.encode()):02X}\r\n".encode()


def second(number: int, status: str = "A", quality: int = 1) -> bytes:
    return sentence(f"GPRMC,0601{number:02},{status},2003.0,N,11009.6,E,0.1,,221126,,,A") + sentence(
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
