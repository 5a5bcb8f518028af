"""What is asked of a Modbus device at once. Real servers are in tests/journeys/test_device_peers.py."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.links.modbus_bus import MOST_AT_ONCE, ModbusBus, ModbusError, _state, _stretches
from edge_agent.model.points import Point, point
from edge_agent.model.readings import DeviceState

POINTS = st.builds(Point, st.sampled_from(["coil", "discrete", "holding", "input"]), st.integers(0, 300))


@given(st.lists(POINTS, max_size=40))
def test_every_point_is_asked_for_once_and_nothing_else(points: list[Point]) -> None:
    asked = [(table, address) for table, first, count in _stretches(points) for address in range(first, first + count)]

    assert sorted(asked) == sorted({(point.table, point.address) for point in points})


def test_neighbours_are_asked_for_together_up_to_a_bound() -> None:
    points = [Point("coil", address) for address in range(MOST_AT_ONCE + 5)] + [Point("coil", 500), Point("input", 501)]

    assert list(_stretches(points)) == [("coil", 0, 100), ("coil", 100, 5), ("coil", 500, 1), ("input", 501, 1)]


def test_bits_inversion_and_whole_registers() -> None:
    assert _state(point("discrete:0 inverted"), 0) == 1
    assert _state(point("input:0.2"), 0b100) == 1
    assert _state(point("holding:0.2 inverted"), 0b100) == 0
    assert _state(point("input:0"), 40_000) == 40_000


@pytest.fixture
def mute() -> Iterator[int]:
    """The port of a server that takes connections and answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(("scheme", "what"), [("tcp", "unit number"), ("socket", "the converter's baud rate")])
def test_a_device_on_the_network_that_does_not_answer_is_not_told_to_change_its_baud_rate(
    mute: int, scheme: str, what: str
) -> None:
    bus = ModbusBus(f"{scheme}://127.0.0.1:{mute}", 9600, "8N1", timeout_s=0.1)

    with pytest.raises(ModbusError, match=what) as refused:
        bus.read(255, [point("input:0")])
    bus.close()

    assert refused.value.state is DeviceState.SILENT
    assert "and baud rate and format" not in str(refused.value)
