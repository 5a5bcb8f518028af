"""GPIO lines: on a simulated chip of the kernel where it has one; told with the cause where there is no chip."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from edge_agent.errors import LinkError
from edge_agent.links.gpio_link import GpioLink
from edge_agent.model.moment import Moment, MonoNs, WallNs
from edge_agent.model.points import point
from edge_agent.model.readings import DeviceEvent, DeviceState

CONFIGFS = Path("/sys/kernel/config/gpio-sim")
WITHIN_S = 30.0


def real_clock() -> Moment:
    return Moment(WallNs(time.time_ns()), MonoNs(time.monotonic_ns()), bytes(16), synchronised=True)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Watched:
    """A link that runs, and all it said."""

    def __init__(self, chip: str) -> None:
        self.link = GpioLink(
            "lane-io",
            chip,
            {"loop": point("line:3"), "button": point("line:4 inverted")},
            {"lamp": point("line:5")},
            0.0,
            real_clock,
        )
        self.values: list[Mapping[str, int]] = []
        self.events: list[DeviceEvent] = []
        self.stop = threading.Event()
        self.thread = threading.Thread(
            target=self.link.run, args=(lambda values, _now: self.values.append(values), self.events.append, self.stop)
        )
        self.thread.start()

    def end(self) -> None:
        self.stop.set()
        self.thread.join(WITHIN_S)
        assert not self.thread.is_alive()


@pytest.fixture
def chip() -> Iterator[tuple[str, Path]]:
    """The device of a simulated chip, and the folder where its lines are pulled and read."""
    if not CONFIGFS.is_dir() or os.geteuid() != 0:
        pytest.skip("no simulated GPIO chip: the kernel has no gpio-sim in configfs, or the test may not use it")
    device = CONFIGFS / f"tidegate-{os.getpid()}"
    bank = device / "bank0"
    device.mkdir()
    bank.mkdir()
    (bank / "num_lines").write_text("8")
    (device / "live").write_text("1")
    name = (bank / "chip_name").read_text().strip()
    try:
        yield f"/dev/{name}", Path("/sys/devices/platform") / (device / "dev_name").read_text().strip() / name
    finally:
        (device / "live").write_text("0")
        bank.rmdir()
        device.rmdir()


def test_edges_are_delivered_after_the_first_states_and_outputs_are_set_on_command(chip: tuple[str, Path]) -> None:
    path, lines = chip
    watched = Watched(path)
    until(lambda: bool(watched.values))
    assert watched.values[0] == {"loop": 0, "button": 1}

    (lines / "sim_gpio3" / "pull").write_text("pull-up")
    until(lambda: {"loop": 1} in watched.values)
    watched.link.write("lamp", active=True)
    assert (lines / "sim_gpio5" / "value").read_text().strip() == "1"
    watched.end()


def test_a_chip_that_is_not_there_is_told_with_the_next_step() -> None:
    watched = Watched("/dev/gpiochip-none")
    until(lambda: bool(watched.events))
    watched.end()

    assert watched.events[0].state is DeviceState.UNPLUGGED
    assert "gpioinfo" in watched.events[0].text
    assert watched.values == []
    with pytest.raises(LinkError, match="/dev/gpiochip-none cannot be used"):
        watched.link.write("lamp", active=True)
    with pytest.raises(LinkError, match="no output 'horn'"):
        watched.link.write("horn", active=True)
