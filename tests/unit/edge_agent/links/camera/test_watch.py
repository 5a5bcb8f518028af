"""A camera's state from what is seen of it: stale, frozen, spoiled, and well again; each with what to do."""

from __future__ import annotations

from edge_agent.links.camera.watch import FrameWatch
from edge_agent.model.readings import DeviceState
from tests.unit.edge_agent.links.camera.parts import at


def watching(**changes: float) -> FrameWatch:
    watch = FrameWatch("cam", **{"stale_after_s": 5.0, "frozen_after_s": 60.0, **changes})
    watch.opened(at(0), 1)
    return watch


def ticked(watch: FrameWatch, seconds: int, begin: int = 0) -> list[tuple[DeviceState, bool]]:
    told = []
    for second in range(begin, begin + seconds):
        event, again = watch.tick(at(second))
        if event is not None or again:
            told.append((watch.state, again))
    return told


def test_the_first_picture_makes_a_camera_well() -> None:
    watch = watching()
    event = watch.picture(1, at(1))

    assert event is not None
    assert (event.state, watch.state, watch.text) == (DeviceState.OK, DeviceState.OK, "")
    assert watch.picture(2, at(2)) is None


def test_a_camera_without_pictures_is_silent_and_opened_anew() -> None:
    watch = watching()
    watch.picture(1, at(1))

    assert ticked(watch, 10, begin=1) == [(DeviceState.SILENT, True)]
    assert "No picture has come for 5 s" in watch.text
    assert "power" in watch.text


def test_a_camera_that_was_silent_is_well_with_its_next_picture() -> None:
    watch = watching()
    ticked(watch, 10)
    watch.opened(at(11), 2)
    event = watch.picture(1, at(12))

    assert event is not None
    assert event.state is DeviceState.OK


def test_a_picture_that_never_changes_is_a_frozen_camera() -> None:
    watch = watching()
    told = []
    for second in range(62):
        if (event := watch.picture(7, at(second))) is not None:
            told.append((second, event.state))
        watch.tick(at(second))

    assert told == [(0, DeviceState.OK), (60, DeviceState.UNREADABLE)]
    assert "has not changed in a single dot for 60 s" in watch.text
    assert watch.tick(at(62)) == (None, True)  # it is connected again, which often helps


def test_a_frozen_camera_stays_frozen_over_a_new_connection_until_its_picture_changes() -> None:
    watch = watching()
    for second in range(62):
        watch.picture(7, at(second))
        watch.tick(at(second))
    watch.closed()
    assert watch.opened(at(63), 1) is None
    assert watch.picture(7, at(64)) is None
    assert watch.tick(at(65)) == (None, False)  # not again at once
    event = watch.picture(8, at(66))

    assert event is not None
    assert event.state is DeviceState.OK


def test_still_sources_are_never_stale_or_frozen() -> None:
    watch = watching(stale_after_s=0, frozen_after_s=0)
    watch.picture(7, at(0))
    for second in range(200):
        watch.picture(7, at(second))

    assert ticked(watch, 1000, begin=200) == []
    assert watch.state is DeviceState.OK


def test_one_spoiled_picture_is_no_fault_and_nothing_but_them_is() -> None:
    watch = watching()
    watch.picture(1, at(0))
    assert watch.spoiled("it is cut short", at(1)) is None
    watch.picture(2, at(2))
    assert watch.spoiled("it is cut short", at(3)) is None
    event = watch.spoiled("it is cut short", at(6.5))

    assert event is not None
    assert (event.state, "it is cut short" in event.text) == (DeviceState.UNREADABLE, True)
    assert ticked(watch, 3, begin=7) == []  # something comes: it is not silent


def test_a_new_cause_of_the_same_fault_is_told_and_the_same_one_only_once() -> None:
    watch = watching()
    first = watch.failed(DeviceState.UNPLUGGED, "refuses the connection", at(1), 1)
    again = watch.failed(DeviceState.UNPLUGGED, "refuses the connection", at(2), 2)
    other = watch.failed(DeviceState.UNPLUGGED, "does not answer", at(3), 3)

    assert first is not None
    assert again is None
    assert other is not None
    assert (other.text, other.attempts) == ("does not answer", 3)


def test_a_machine_that_slept_does_not_blame_the_camera() -> None:
    watch = watching()
    watch.picture(1, at(1))
    watch.tick(at(1))

    assert watch.tick(at(3600)) == (None, False)
    assert ticked(watch, 4, begin=3600) == []
