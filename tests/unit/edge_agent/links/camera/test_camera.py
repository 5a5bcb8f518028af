"""A camera at work, with a source in place of one: newest frames, reconnection, faults told once, bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event

import numpy as np
import pytest

from edge_agent.links.camera import camera as module
from edge_agent.links.camera.camera import Camera, CameraRules
from edge_agent.links.camera.source import CameraError, Feed
from edge_agent.model.readings import DeviceEvent, DeviceState
from tests.unit.edge_agent.links.camera.parts import picture, real_clock, until

Script = Callable[[Feed, int, "FakeSource"], None]
"""What a source does: its feed, how often it was run before, and itself."""


class FakeSource:
    """Does what a script says, given the feed and how often it was run before."""

    name = "the camera"

    def __init__(self, script: Script, *, live: bool = True, changes: bool = True) -> None:
        self.live, self.changes, self._script = live, changes, script
        self.runs = 0
        self.aborted = Event()

    def run(self, feed: Feed) -> None:
        self.aborted.clear()
        self.runs += 1
        self._script(feed, self.runs - 1, self)

    def abort(self) -> None:
        self.aborted.set()

    def wait(self, feed: Feed) -> None:
        """Until it is aborted or stopped."""
        while not (self.aborted.wait(0.01) or feed.stopping.is_set()):
            pass


class Bench:
    """A camera that runs, and its events."""

    def __init__(self, source: FakeSource, rules: CameraRules | None = None) -> None:
        self.events: list[DeviceEvent] = []
        self.source = source
        rules = rules or CameraRules(most_per_s=1e9)
        self.camera = Camera("cam", source, rules, real_clock, self.events.append)

    @property
    def states(self) -> list[DeviceState]:
        return [event.state for event in self.events]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Bench]]:
    monkeypatch.setattr(module, "SHORTEST_PAUSE_S", 0.01)
    monkeypatch.setattr(module, "LONGEST_PAUSE_S", 0.02)
    monkeypatch.setattr(module, "TICK_S", 0.02)
    started: list[Bench] = []

    def begin(script: Script, rules: CameraRules | None = None, **changes: bool) -> Bench:
        bench = Bench(FakeSource(script, **changes), rules)
        started.append(bench)
        bench.camera.start()
        return bench

    yield begin
    for bench in started:
        bench.camera.stop()


def hold(feed: Feed) -> None:
    feed.stopping.wait()


def test_the_newest_frame_waits_and_older_ones_are_dropped_and_counted(start: Callable[..., Bench]) -> None:
    images = [picture(number) for number in range(20)]

    def script(feed: Feed, _run: int, _source: FakeSource) -> None:
        feed.opened()
        for image in images:
            feed.picture(image, real_clock())
        hold(feed)

    bench = start(script)
    until(lambda: bench.camera.counts.kept == 20)
    frame = bench.camera.take(5)

    assert frame is not None
    assert frame.image is images[-1]  # handed over, not copied
    assert frame.number == 20
    assert bench.camera.dropped == 19
    with pytest.raises(ValueError, match="read-only"):
        frame.image[0, 0, 0] = 1


def test_a_source_that_is_not_live_loses_no_frame_and_ends(start: Callable[..., Bench]) -> None:
    def script(feed: Feed, _run: int, _source: FakeSource) -> None:
        feed.opened()
        for number in range(10):
            feed.picture(picture(number), real_clock())

    bench = start(script, live=False, changes=False)
    taken = []
    for _ in range(10):
        frame = bench.camera.take(30)
        assert frame is not None
        taken.append(frame.number)
    until(lambda: bench.camera.ended)

    assert taken == list(range(1, 11))
    assert bench.camera.dropped == 0


def test_a_lost_camera_is_opened_again_and_each_fault_told_once(start: Callable[..., Bench]) -> None:
    def script(feed: Feed, run: int, _source: FakeSource) -> None:
        if run < 3:
            raise CameraError("it refuses the connection", fix="Look at its cable")
        feed.opened()
        feed.picture(picture(run), real_clock())
        hold(feed)

    bench = start(script)
    until(lambda: bench.camera.state is DeviceState.OK)

    assert bench.states == [DeviceState.UNPLUGGED, DeviceState.STARTING, DeviceState.OK]
    assert bench.events[0].text == "it refuses the connection. Look at its cable"
    assert bench.events[1].attempts == 3


def test_a_driver_that_fails_in_its_own_way_is_told_and_tried_again(start: Callable[..., Bench]) -> None:
    def script(feed: Feed, run: int, _source: FakeSource) -> None:
        if run == 0:
            raise RuntimeError("inside the driver")
        feed.opened()
        feed.picture(picture(1), real_clock())
        hold(feed)

    bench = start(script)
    until(lambda: bench.camera.state is DeviceState.OK)

    assert "RuntimeError: inside the driver" in bench.events[0].text


def test_a_camera_that_falls_silent_is_told_and_connected_anew(start: Callable[..., Bench]) -> None:
    def script(feed: Feed, run: int, source: FakeSource) -> None:
        feed.opened()
        feed.picture(picture(run), real_clock())
        source.wait(feed)

    bench = start(script, CameraRules(stale_after_s=0.3, most_per_s=1e9))

    def came_back() -> bool:
        silent = bench.states.index(DeviceState.SILENT) if DeviceState.SILENT in bench.states else len(bench.states)
        return DeviceState.OK in bench.states[silent:]

    until(came_back)
    assert bench.source.runs >= 2
    told = next(event for event in bench.events if event.state is DeviceState.SILENT)
    assert "No picture has come" in told.text


def test_what_a_source_says_to_being_cut_off_is_no_fault_of_the_camera(start: Callable[..., Bench]) -> None:
    def script(feed: Feed, _run: int, source: FakeSource) -> None:
        feed.opened()
        source.wait(feed)
        raise CameraError("it is not asked any more")

    bench = start(script, CameraRules(stale_after_s=0.2))
    until(lambda: bench.source.runs >= 3)

    assert set(bench.states) == {DeviceState.SILENT}


def test_a_camera_that_repeats_one_picture_is_frozen(start: Callable[..., Bench]) -> None:
    def script(feed: Feed, _run: int, _source: FakeSource) -> None:
        feed.opened()
        while not feed.stopping.wait(0.02):
            feed.picture(picture(1), real_clock())

    bench = start(script, CameraRules(frozen_after_s=0.3, most_per_s=1e9))
    until(lambda: DeviceState.UNREADABLE in bench.states)

    assert "not changed in a single dot" in bench.camera.text


def test_pictures_beyond_the_rate_need_not_be_decoded(start: Callable[..., Bench]) -> None:
    wanted: list[bool] = []

    def script(feed: Feed, _run: int, _source: FakeSource) -> None:
        feed.opened()
        for number in range(5):
            now = real_clock()
            wanted.append(feed.wants(now))
            if wanted[-1]:
                feed.picture(picture(number), now)
            else:
                feed.skipped(now)
        hold(feed)

    bench = start(script, CameraRules(most_per_s=0.01))
    until(lambda: bench.camera.counts.seen == 5)

    assert wanted == [True, False, False, False, False]
    assert bench.camera.counts.kept == 1


def test_a_fault_that_asks_for_a_pause_gets_it(start: Callable[..., Bench]) -> None:
    def script(_feed: Feed, _run: int, _source: FakeSource) -> None:
        raise CameraError("refuses the password", pause_s=1000)

    bench = start(script)
    until(lambda: bench.events)
    bench.source.aborted.wait(0.2)

    assert bench.source.runs == 1  # a camera that locks a user is not asked again at once


def test_fingerprints_tell_pictures_apart_and_know_equal_ones() -> None:
    one = picture(1)
    noisy = np.array(one)
    noisy[::7] ^= 1  # the noise of a live sensor is everywhere
    assert module.fingerprint(one) == module.fingerprint(np.array(one))
    assert module.fingerprint(one) != module.fingerprint(noisy)
