from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from edge_agent.errors import EdgeAgentError
from edge_agent.simulate.frames import ToledoContinuousFrames, YaohuaA9Frames
from edge_agent.simulate.indicator import Indicator

FRAMES = YaohuaA9Frames(Decimal(20))
EMPTY = FRAMES.encode(Decimal(0))


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


class Reader:
    """Has the port open and reads what is there."""

    def __init__(self, port: Path) -> None:
        self.fd = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.heard = b""

    def listen(self) -> bytes:
        with contextlib.suppress(BlockingIOError):
            self.heard += os.read(self.fd, 65536)
        return self.heard

    def hears(self, count: int) -> bool:
        return within(2, lambda: len(self.listen()) >= count)


@pytest.fixture
def load() -> list[Decimal]:
    return [Decimal(0)]


@pytest.fixture
def indicator(tmp_path: Path, load: list[Decimal]) -> Iterator[Indicator]:
    with Indicator(FRAMES, tmp_path / "scale", lambda: load[0], rate_hertz=50) as running:
        yield running


@pytest.fixture
def reader(indicator: Indicator, tmp_path: Path) -> Iterator[Reader]:
    assert indicator.port is not None
    opened = Reader(tmp_path / "scale")
    yield opened
    os.close(opened.fd)


def test_an_indicator_sends_at_its_rate(reader: Reader) -> None:
    assert reader.hears(len(EMPTY))
    began, before = time.monotonic(), len(reader.listen())
    assert reader.hears(before + 20 * len(EMPTY))
    assert time.monotonic() - began >= 0.3  # 20 frames at 50 Hz are 0.4 s; hears() says that they came


def test_it_sends_whole_frames_of_the_current_load(reader: Reader, load: list[Decimal]) -> None:
    assert reader.hears(3 * len(EMPTY))
    load[0] = Decimal("26116.48")
    shown = FRAMES.encode(Decimal(26120))
    assert within(2, lambda: shown in reader.listen())
    heard = reader.heard
    assert heard[: 3 * len(EMPTY)] == EMPTY * 3
    assert {heard[n : n + 12] for n in range(0, len(heard) // 12 * 12, 12)} == {EMPTY, shown}


def test_the_link_leads_to_the_port(indicator: Indicator, tmp_path: Path) -> None:
    assert (tmp_path / "scale").readlink() == Path(str(indicator.port))
    assert str(indicator.port).startswith("/dev/pts/")


def test_an_unplugged_indicator_is_gone_for_its_reader_and_for_others(
    indicator: Indicator, reader: Reader, tmp_path: Path
) -> None:
    assert reader.hears(1)
    indicator.unplug()

    def gone() -> bool:
        try:
            return os.read(reader.fd, 65536) == b""
        except OSError:
            return True

    assert within(1, gone)
    assert indicator.port is None
    assert not os.path.lexists(tmp_path / "scale")


def test_it_comes_back_under_the_same_link_with_another_number(indicator: Indicator, tmp_path: Path) -> None:
    before = indicator.port
    for _ in range(3):
        indicator.unplug()
        indicator.replug()
        assert indicator.port not in {before, None}
        before = indicator.port
    reader = Reader(tmp_path / "scale")
    try:
        assert reader.hears(len(EMPTY))
        assert reader.heard.startswith(EMPTY)
    finally:
        os.close(reader.fd)


def test_a_silent_indicator_keeps_its_port_and_says_nothing(indicator: Indicator, reader: Reader) -> None:
    assert reader.hears(1)
    indicator.silence()
    before = len(reader.listen())
    time.sleep(0.1)  # five frames' time: nothing may come, so there is nothing to wait for
    assert len(reader.listen()) == before
    indicator.talk()
    assert reader.hears(before + 1)


def test_a_babbling_indicator_sends_bytes_and_no_frames(indicator: Indicator, reader: Reader) -> None:
    assert reader.hears(1)
    indicator.babble()
    before = len(reader.listen())
    assert reader.hears(before + 10 * len(EMPTY))
    assert EMPTY not in reader.heard[before:]


def test_what_is_sent_while_nobody_listens_is_lost_as_on_a_cable(
    indicator: Indicator, load: list[Decimal], tmp_path: Path
) -> None:
    load[0] = Decimal(5000)
    assert within(2, lambda: indicator.frames_lost >= 5)
    assert indicator.frames_heard == 0
    load[0] = Decimal(0)
    lost = indicator.frames_lost
    assert within(2, lambda: indicator.frames_lost > lost + 1)
    late = Reader(tmp_path / "scale")
    try:
        assert late.hears(len(EMPTY))
        assert late.heard.startswith(EMPTY)
    finally:
        os.close(late.fd)


def fill(master: int) -> None:
    """Fill what the kernel holds for a reader that does not read; it makes room once or twice before it is full."""
    refused = 0
    while refused < 5:
        try:
            os.write(master, EMPTY)
            refused = 0
        except BlockingIOError:
            refused += 1
            time.sleep(0.01)


def test_a_stuck_reader_does_not_stop_the_indicator(indicator: Indicator, reader: Reader) -> None:
    assert reader.hears(1)
    assert indicator._master is not None
    with indicator._guard:
        fill(indicator._master)
    lost = indicator.frames_lost
    assert within(2, lambda: indicator.frames_lost >= lost + 3)


def test_motion_is_shown_while_the_display_changes(tmp_path: Path) -> None:
    load = [Decimal(0)]
    frames = ToledoContinuousFrames(Decimal(10))
    with Indicator(frames, tmp_path / "scale", lambda: load[0], rate_hertz=50):
        reader = Reader(tmp_path / "scale")
        try:
            assert within(2, lambda: frames.encode(Decimal(0)) in reader.listen())
            load[0] = Decimal(500)
            assert within(2, lambda: frames.encode(Decimal(500), in_motion=True) in reader.listen())
            assert within(2, lambda: frames.encode(Decimal(500), in_motion=False) in reader.listen())
        finally:
            os.close(reader.fd)


def test_a_stopped_indicator_leaves_no_link(tmp_path: Path) -> None:
    with Indicator(FRAMES, tmp_path / "scale", lambda: Decimal(0)):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("rate", [0, -1, 51])
def test_a_rate_no_indicator_has_is_refused(rate: float, tmp_path: Path) -> None:
    with pytest.raises(EdgeAgentError, match="rate_hertz"):
        Indicator(FRAMES, tmp_path / "scale", lambda: Decimal(0), rate_hertz=rate)
