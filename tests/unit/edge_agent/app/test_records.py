"""Records and incidents."""

from __future__ import annotations

from edge_agent.app.records import FLAPPING_S, MAX_RAW, MOST_IN_A_ROW, IncidentBook, RecordMaker
from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.model.readings import DeviceEvent, DeviceState
from gate_contract.v1.record_pb2 import Incident, Record


def at(seconds: float) -> Moment:
    return Moment(WallNs(round(seconds * SECOND)), MonoNs(round(seconds * SECOND)), bytes(16), synchronised=False)


def event(state: DeviceState, seconds: float, attempts: int = 1) -> DeviceEvent:
    return DeviceEvent("scale-1", at(seconds), state, f"it is {state.value}", attempts)


def codes(incidents: list[Incident]) -> list[tuple[str, bool]]:
    return [(incident.code, incident.HasField("closed")) for incident in incidents]


def test_garbled_bytes_are_kept_in_part_and_counted_in_whole() -> None:
    maker = RecordMaker("haikou", lambda: at(5))
    record = Record.FromString(maker.garbled("scale-1", b"x" * 9000, 9000, "no frame", at(4)))
    assert (len(record.garbled.raw), record.garbled.length) == (MAX_RAW, 9000)
    assert (record.format, record.site_id, record.captured.wall_unix_ns) == (1, "haikou", 5 * SECOND)


def test_a_fault_is_told_once_when_it_begins_and_once_when_it_ends() -> None:
    book = IncidentBook()
    (begun,) = book.device(event(DeviceState.UNPLUGGED, 1))
    assert book.device(event(DeviceState.UNPLUGGED, 2, attempts=4)) == []
    assert book.device(event(DeviceState.STARTING, 3, attempts=9)) == []
    (ended,) = book.device(event(DeviceState.OK, 4))
    assert ended.incident_id == begun.incident_id
    assert (ended.code, ended.count, ended.closed.wall_unix_ns) == ("device-unplugged", 9, 4 * SECOND)
    assert book.device(event(DeviceState.OK, 5)) == []


def test_another_fault_ends_the_one_before() -> None:
    book = IncidentBook()
    book.device(event(DeviceState.UNPLUGGED, 1))
    assert codes(book.device(event(DeviceState.SILENT, 2))) == [("device-unplugged", True), ("device-silent", False)]


def test_a_device_that_flaps_is_told_so_once_and_then_counted() -> None:
    book, told = IncidentBook(), []
    for number in range(100):
        told += book.device(event(DeviceState.UNPLUGGED, 2 * number))
        told += book.device(event(DeviceState.OK, 2 * number + 1))
    assert len(told) == 2 * MOST_IN_A_ROW + 1
    assert told[-1].code == "flapping"
    assert book.settled(lambda _: True, at(250)) == []
    assert book.settled(lambda _: False, at(200 + FLAPPING_S)) == []
    (closed,) = book.settled(lambda _: True, at(200 + FLAPPING_S))
    assert closed.HasField("closed")
    assert closed.count == 100 - MOST_IN_A_ROW
