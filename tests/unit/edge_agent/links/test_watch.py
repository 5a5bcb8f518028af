"""The device watch tells silence, babble and dialect apart, in time, and once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edge_agent.links.watch import STRAY_BYTES, DeviceWatch
from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.model.readings import DeviceEvent, DeviceState

BOOT = bytes(16)
TOLD_WITHIN_S = 5.0


def at(seconds: float) -> Moment:
    nanoseconds = int(seconds * SECOND)
    return Moment(WallNs(nanoseconds), MonoNs(nanoseconds), BOOT, synchronised=True)


def quarter_seconds(start: float, end: float) -> Iterator[Moment]:
    return (at(quarter / 4) for quarter in range(round(start * 4), round(end * 4) + 1))


def ticked(watch: DeviceWatch, start: float, end: float) -> list[DeviceEvent]:
    """What a watch tells that is ticked once a second and sees nothing."""
    events = [watch.tick(at(second)) for second in range(round(start), round(end) + 1)]
    return [event for event in events if event]


def reading(watch: DeviceWatch, moment: Moment) -> DeviceEvent | None:
    watch.bytes_seen(12, moment)
    watch.frame_seen(moment)
    return watch.reading_seen(moment)


@pytest.fixture
def watch() -> DeviceWatch:
    watch = DeviceWatch("scale-1")
    assert watch.link_up(at(0)) is None
    return watch


def test_nothing_is_said_before_the_link_was_tried() -> None:
    watch = DeviceWatch("scale-1")
    assert ticked(watch, 0, 60) == []
    assert watch.state is DeviceState.STARTING


def test_the_first_reading_makes_it_ok_at_once(watch: DeviceWatch) -> None:
    event = reading(watch, at(0.1))
    assert event == DeviceEvent("scale-1", at(0.1), DeviceState.OK, "Readings come")


def test_readings_that_go_on_say_nothing_new(watch: DeviceWatch) -> None:
    reading(watch, at(0))
    for moment in quarter_seconds(0.25, 60):
        assert reading(watch, moment) is None
        assert watch.tick(moment) is None


def test_no_byte_is_silence_told_once_within_five_seconds_with_cable_and_power_to_check(watch: DeviceWatch) -> None:
    reading(watch, at(10))
    events = ticked(watch, 10, 60)
    assert [event.state for event in events] == [DeviceState.SILENT]
    assert events[0].at.seconds_since(at(10)) <= TOLD_WITHIN_S
    assert "no byte came for 3 s" in events[0].text
    assert "cable" in events[0].text
    assert "device is on" in events[0].text


def test_a_device_that_never_says_anything_is_silent(watch: DeviceWatch) -> None:
    assert [event.state for event in ticked(watch, 0, 5)] == [DeviceState.SILENT]


def test_silence_begins_at_three_seconds_and_not_before(watch: DeviceWatch) -> None:
    assert watch.tick(at(2.999)) is None
    event = watch.tick(at(3))
    assert event is not None
    assert event.state is DeviceState.SILENT


def test_readings_after_a_silence_make_it_ok_at_once(watch: DeviceWatch) -> None:
    ticked(watch, 0, 30)
    event = reading(watch, at(30.02))
    assert event is not None
    assert (event.state, event.at) == (DeviceState.OK, at(30.02))


def test_bytes_without_frames_are_babble_told_once_with_the_settings_to_compare(watch: DeviceWatch) -> None:
    reading(watch, at(10))
    events = []
    for moment in quarter_seconds(10.25, 20):
        watch.bytes_seen(7, moment)
        events.append(watch.tick(moment))
    told = [event for event in events if event]
    assert [event.state for event in told] == [DeviceState.BABBLING]
    assert told[0].at.seconds_since(at(10)) <= TOLD_WITHIN_S
    assert "no frame" in told[0].text
    assert "`baud`" in told[0].text
    assert "profile" in told[0].text


def test_a_frame_in_time_ends_the_babble_count(watch: DeviceWatch) -> None:
    for moment in quarter_seconds(0, 30):
        watch.bytes_seen(30, moment)
        if moment.mono % (2 * SECOND) == 0:
            watch.frame_seen(moment)
            watch.reading_seen(moment)
        assert watch.tick(moment) is None


def test_a_cable_pulled_in_the_middle_of_a_frame_is_silence_and_never_babble(watch: DeviceWatch) -> None:
    reading(watch, at(10))
    watch.bytes_seen(3, at(10.09))
    watch.bytes_seen(3, at(10.11))
    events = [watch.tick(at(10 + hundredth / 100)) for hundredth in range(12, 800)]
    assert [event.state for event in events if event] == [DeviceState.SILENT]


def test_the_beginning_of_a_frame_after_a_long_silence_is_no_babble(watch: DeviceWatch) -> None:
    watch.bytes_seen(5, at(1))
    assert [event.state for event in ticked(watch, 1, 20)] == [DeviceState.SILENT]
    watch.bytes_seen(5, at(20.5))
    assert watch.tick(at(20.51)) is None
    watch.frame_seen(at(20.52))
    event = watch.reading_seen(at(20.52))
    assert event is not None
    assert event.state is DeviceState.OK


def test_babble_that_stops_becomes_silence(watch: DeviceWatch) -> None:
    for moment in quarter_seconds(0, 5):
        watch.bytes_seen(7, moment)
        watch.tick(moment)
    assert watch.state is DeviceState.BABBLING
    assert [event.state for event in ticked(watch, 6, 20)] == [DeviceState.SILENT]


def test_frames_without_a_reading_are_a_dialect_told_once(watch: DeviceWatch) -> None:
    events = []
    for moment in quarter_seconds(0, 20):
        watch.bytes_seen(12, moment)
        watch.frame_seen(moment)
        events.append(watch.tick(moment))
    told = [event for event in events if event]
    assert [event.state for event in told] == [DeviceState.UNREADABLE]
    assert told[0].at.seconds_since(at(0)) <= TOLD_WITHIN_S
    assert "dialect" in told[0].text
    assert "edge-agent decode" in told[0].text
    event = watch.reading_seen(at(20.1))
    assert event is not None
    assert event.state is DeviceState.OK


def test_a_link_that_is_down_is_told_with_its_own_words_and_attempts(watch: DeviceWatch) -> None:
    event = watch.link_down("/dev/ttyUSB0 does not exist", at(5), attempts=3)
    assert event == DeviceEvent("scale-1", at(5), DeviceState.UNPLUGGED, "/dev/ttyUSB0 does not exist", 3)


def test_a_link_that_stays_down_for_one_cause_is_told_once_and_never_called_silent(watch: DeviceWatch) -> None:
    watch.link_down("gone", at(5))
    assert watch.link_down("gone", at(6), attempts=2) is None
    assert ticked(watch, 5, 60) == []


def test_a_new_cause_of_a_link_that_stays_down_is_told(watch: DeviceWatch) -> None:
    watch.link_down("does not exist", at(5))
    event = watch.link_down("permission denied", at(6), attempts=2)
    assert event is not None
    assert (event.state, event.text, event.attempts) == (DeviceState.UNPLUGGED, "permission denied", 2)


def test_a_link_that_is_up_again_waits_for_bytes_with_a_fresh_count(watch: DeviceWatch) -> None:
    watch.bytes_seen(50, at(1))
    watch.link_down("gone", at(2))
    event = watch.link_up(at(30), attempts=28)
    assert event is not None
    assert (event.state, event.attempts) == (DeviceState.STARTING, 28)
    assert watch.tick(at(32.9)) is None
    again = reading(watch, at(32.95))
    assert again is not None
    assert again.state is DeviceState.OK


def test_a_device_that_prints_on_demand_is_never_silent() -> None:
    watch = DeviceWatch("printer-scale", continuous=False)
    watch.link_up(at(0))
    reading(watch, at(1))
    assert ticked(watch, 1, 3600) == []


def test_one_print_that_is_no_frame_is_no_babble_and_a_second_in_a_row_is() -> None:
    watch = DeviceWatch("printer-scale", continuous=False, silent_after_s=0)
    watch.link_up(at(0))
    watch.bytes_seen(24, at(100))
    assert ticked(watch, 100, 900) == [], "the agent keeps it as garbled; a document may have been laid askew"
    watch.bytes_seen(20, at(900))
    watch.bytes_seen(4, at(900.1))
    events = ticked(watch, 900, 910)
    assert [event.state for event in events] == [DeviceState.BABBLING]
    assert events[0].at.seconds_since(at(900)) <= TOLD_WITHIN_S
    assert "48 bytes" in events[0].text


def test_a_print_that_is_understood_between_two_that_are_not_ends_the_count() -> None:
    watch = DeviceWatch("printer-scale", continuous=False)
    watch.link_up(at(0))
    watch.bytes_seen(24, at(100))
    reading(watch, at(200))
    watch.bytes_seen(STRAY_BYTES, at(200.01))
    watch.bytes_seen(24, at(300))
    assert ticked(watch, 300, 400) == []


def test_a_print_that_does_not_end_is_babble() -> None:
    watch = DeviceWatch("printer-scale", continuous=False)
    watch.link_up(at(0))
    for moment in quarter_seconds(100, 104):
        watch.bytes_seen(8, moment)
    assert [event.state for event in ticked(watch, 104, 104)] == [DeviceState.BABBLING]


def test_line_ends_after_a_print_are_no_babble() -> None:
    watch = DeviceWatch("printer-scale", continuous=False)
    watch.link_up(at(0))
    reading(watch, at(1))
    watch.bytes_seen(STRAY_BYTES, at(1.01))
    assert ticked(watch, 1, 60) == []


def test_the_times_are_the_callers_to_choose() -> None:
    watch = DeviceWatch("slow-scale", silent_after_s=20.0)
    watch.link_up(at(0))
    assert watch.tick(at(19)) is None
    event = watch.tick(at(20))
    assert event is not None
    assert "no byte came for 20 s" in event.text


@pytest.mark.parametrize("polled", [False, True])
def test_of_a_device_on_the_network_no_setting_of_a_port_is_asked_for(*, polled: bool) -> None:
    """`baud` and `data_format` of the site file do nothing there; a converter's may be wrong."""
    watch = DeviceWatch("reader", polled=polled, by_network=True)
    watch.link_up(at(0))
    silent = watch.tick(at(3))
    for second in (4, 5, 6, 7):
        watch.bytes_seen(400, at(second))
    babbling = watch.tick(at(7))

    assert silent is not None
    assert babbling is not None
    assert (silent.state, babbling.state) == (DeviceState.SILENT, DeviceState.BABBLING)
    for event in (silent, babbling):
        assert "`" not in event.text
        assert "behind a serial converter" in event.text


def test_a_machine_that_wakes_up_calls_no_device_silent_for_the_hours_it_slept(watch: DeviceWatch) -> None:
    reading(watch, at(1))
    assert ticked(watch, 1, 2) == []
    assert watch.tick(at(8 * 3600)) is None
    assert watch.state is DeviceState.OK
    (silent,) = ticked(watch, 8 * 3600 + 1, 8 * 3600 + 6)
    assert silent.state is DeviceState.SILENT, "it is, now that somebody listens"
