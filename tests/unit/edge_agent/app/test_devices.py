"""A station: what becomes of a device's data, faults, silence and lost lines; with a link in place of a port."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from edge_agent.app import devices
from edge_agent.app.device_outcomes import Reader
from edge_agent.app.device_readers import AisReader, GnssReader, RadiationReader, TagReader
from edge_agent.app.devices import DeviceOutputs, DeviceStation
from edge_agent.app.point_readers import DistanceReader, InputReader
from edge_agent.config_devices import DeviceTable
from edge_agent.drivers.ais.schema import AisProfile
from edge_agent.drivers.gnss.schema import GnssProfile
from edge_agent.drivers.radiation.schema import RadiationProfile
from edge_agent.drivers.rfid.schema import RfidProfile
from edge_agent.drivers.ultrasonic.driver import DistanceDriver
from edge_agent.drivers.ultrasonic.schema import UltrasonicProfile
from edge_agent.errors import JournalError, LinkError
from edge_agent.links.watch import DeviceWatch
from edge_agent.model.moment import Moment, MonoNs, WallNs
from edge_agent.model.readings import DeviceEvent, DeviceState
from edge_agent.profiles import load_profile
from gate_contract.v1.reading_pb2 import Reading

WITHIN_S = 30.0
TABLE = DeviceTable(id="rpm-1", profile="radiation/tsa-rapiscan-rpm", port="socket://127.0.0.1:1", lane="out-1")
ALARM = b"GA,000080,000080,000080,000080\r\n"
END = b"GX,000017,001250,000000,000000\r\n"
BACKGROUND = b"GB,000386,000391,000423,000419\r\n"


def real_clock() -> Moment:
    return Moment(WallNs(time.time_ns()), MonoNs(time.monotonic_ns()), bytes(16), synchronised=True)


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class FakeLink:
    """Does nothing by itself; a test says what comes."""

    def __init__(self) -> None:
        self.data: Callable[[Any, Moment], None] | None = None
        self.event: Callable[[DeviceEvent], None] | None = None

    def run(
        self,
        on_data: Callable[[Any, Moment], None],
        on_event: Callable[[DeviceEvent], None],
        stop: threading.Event,
    ) -> None:
        self.data, self.event = on_data, on_event
        stop.wait()


class Bench:
    """A station that runs, with all it says."""

    def __init__(self, reader: Reader[Any], *, watched: bool = True, silent_after_s: float = 60) -> None:
        self.readings: list[Reading] = []
        self.events: list[DeviceEvent] = []
        self.garbled: list[tuple[bytes, str]] = []
        self.faults: list[tuple[str, str]] = []
        self.over: list[str] = []
        self.disk_is_full = False
        self.link = FakeLink()
        outputs = DeviceOutputs(
            record=self._record,
            event=self.events.append,
            garbled=lambda _device, raw, _length, reason, _at: self.garbled.append((raw, reason)),
            began=lambda subject, code, _text, _at, _device: self.faults.append((subject, code)),
            ended=lambda subject, _at: self.over.append(subject),
        )
        watch = DeviceWatch("rpm-1", silent_after_s=silent_after_s) if watched else None
        self.station: DeviceStation[Any] = DeviceStation(TABLE, self.link, reader, real_clock, outputs, watch=watch)
        self.station.start()
        until(lambda: self.link.data)

    def _record(self, reading: Reading) -> None:
        if self.disk_is_full:
            raise JournalError("the disk is full")
        self.readings.append(reading)

    def hear(self, data: Any) -> None:
        assert self.link.data is not None
        self.link.data(data, real_clock())

    def tell(self, state: DeviceState, text: str = "") -> None:
        assert self.link.event is not None
        self.link.event(DeviceEvent("rpm-1", real_clock(), state, text))


@pytest.fixture
def portal() -> Any:
    bench = Bench(RadiationReader(load_profile("radiation/tsa-rapiscan-rpm", of=RadiationProfile)))
    yield bench
    bench.station.stop()


def test_an_occupancy_is_a_record_and_shown(portal: Bench) -> None:
    portal.tell(DeviceState.STARTING)
    portal.hear(BACKGROUND + ALARM + END)

    (reading,) = portal.readings
    assert (reading.device_id, reading.lane_id, reading.raw) == ("rpm-1", "out-1", END)
    assert reading.radiation.gamma_alarm
    assert portal.station.state is DeviceState.OK
    assert portal.station.last is not None
    assert portal.station.last.text == "occupancy 17: gamma alarm"


def test_an_alarm_under_way_is_recorded_when_the_line_is_lost(portal: Bench) -> None:
    portal.hear(ALARM)
    portal.tell(DeviceState.UNPLUGGED, "gone")

    (reading,) = portal.readings
    assert reading.radiation.gamma_alarm
    assert not reading.radiation.complete
    assert portal.station.state is DeviceState.UNPLUGGED


def test_an_alarm_under_way_is_recorded_when_the_portal_falls_silent() -> None:
    profile = load_profile("radiation/tsa-rapiscan-rpm", of=RadiationProfile)
    bench = Bench(RadiationReader(profile), silent_after_s=0.1)
    bench.tell(DeviceState.STARTING)
    bench.hear(ALARM)
    until(lambda: bench.readings)
    until(lambda: bench.station.state is DeviceState.SILENT)
    bench.station.stop()

    assert [(each.radiation.gamma_alarm, each.radiation.complete) for each in bench.readings] == [(True, False)]


def test_an_alarm_under_way_is_recorded_when_the_agent_stops(portal: Bench) -> None:
    portal.hear(ALARM)
    portal.station.stop()

    assert [reading.radiation.complete for reading in portal.readings] == [False]


def test_faults_that_the_portal_tells_begin_and_end(portal: Bench) -> None:
    portal.hear(b"GH,000912,000388,000432,000423\r\nTT,000000,000000,000000,000000\r\n" + BACKGROUND)

    assert portal.faults == [
        ("rpm-1 gamma", "radiation-gamma-background-high"),
        ("rpm-1 tamper", "radiation-tamper-set"),
    ]
    assert portal.over == ["rpm-1 gamma"]
    assert {"rpm-1", *portal.over, "rpm-1 tamper"} <= portal.station.subjects


def test_garbage_is_kept_with_its_reason(portal: Bench) -> None:
    portal.hear(b"rubbish\r\n")
    portal.station.stop()

    assert portal.garbled == [(b"rubbish\r\n", "no line of this portal")]


def test_a_line_that_never_ends_is_given_up_after_a_pause(portal: Bench) -> None:
    portal.hear(BACKGROUND.strip())
    until(lambda: portal.station.state is DeviceState.OK)


def test_while_the_disk_takes_nothing_the_reading_is_kept_and_tried_again(
    portal: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "RETRY_S", 0.02)
    portal.disk_is_full = True
    hearing = threading.Thread(target=portal.hear, args=(ALARM + END,))
    hearing.start()
    hearing.join(0.2)
    assert hearing.is_alive()  # the link waits, and so does the device
    portal.disk_is_full = False
    hearing.join(WITHIN_S)

    assert [reading.radiation.number for reading in portal.readings] == [17]


def test_a_device_without_outputs_says_so(portal: Bench) -> None:
    with pytest.raises(LinkError, match="has no outputs"):
        portal.station.write("barrier", active=True)


def test_a_polled_device_has_the_state_that_its_link_tells_and_is_told_anew_after_an_interruption() -> None:
    bench = Bench(InputReader(0), watched=False)
    bench.tell(DeviceState.OK)
    bench.hear({"loop": 1})
    bench.tell(DeviceState.SILENT, "no answer")
    assert bench.station.state is DeviceState.SILENT
    bench.tell(DeviceState.OK)
    bench.hear({"loop": 1})
    bench.station.stop()

    assert [(each.input.active, each.input.initial) for each in bench.readings] == [(True, True), (True, True)]


def test_a_broken_wire_of_a_distance_sensor_is_one_fault_until_it_measures_again() -> None:
    profile = load_profile("ultrasonic/modbus-analogue", of=UltrasonicProfile)
    at_once = profile.empty.model_copy(update={"settle_milliseconds": 0})
    bench = Bench(DistanceReader(DistanceDriver(profile, at_once), profile.measure), watched=False)
    for count in (40_000, 0, 0, 0, 40_000):
        bench.hear({"distance": count})
    bench.station.stop()

    assert bench.faults == [("rpm-1 wire", "distance-out-of-range")]
    assert bench.over == ["rpm-1 wire"] * 2
    assert [each.distance.occupied for each in bench.readings] == [False, False]


def test_a_tag_without_a_number_is_no_arrival() -> None:
    bench = Bench(TagReader(load_profile("rfid/llrp", of=RfidProfile)))
    bench.hear(bytes.fromhex("043d0000001400000007 00f0000a 00f100060000"))
    bench.station.stop()

    assert bench.garbled == []
    assert bench.readings == []


def test_thousands_of_ship_messages_are_few_records() -> None:
    bench = Bench(AisReader(load_profile("ais/nmea0183", of=AisProfile)))
    message = b"!AIVDM,1,1,,B,15M67FC000G?ufbE`FepT@3n00Sa,0*5C\r\n"
    for _ in range(20):
        bench.hear(message * 50)
    bench.station.stop()

    (reading,) = bench.readings
    assert reading.vessel.mmsi == 366053209
    assert reading.raw == message


def test_the_position_of_the_gate_is_one_record_while_it_stands() -> None:
    bench = Bench(GnssReader(load_profile("gnss/nmea0183", of=GnssProfile)))
    for second in range(5):
        body = b"GPGGA,0601%02d,2003.000,N,11009.600,E,1,08,1.1,12.3,M,-9.4,M,," % second
        checksum = 0
        for byte in body:
            checksum ^= byte
        bench.hear(b"$%s*%02X\r\n" % (body, checksum))
    bench.station.stop()

    (reading,) = bench.readings
    assert reading.position.latitude_degrees == "20.050000000"
    assert bench.station.last is not None
    assert bench.station.last.text == "20.050000000 110.160000000"
