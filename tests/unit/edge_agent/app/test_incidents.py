"""What goes wrong and comes right again."""

from __future__ import annotations

from edge_agent.app.incidents import FLAPPING_S, MOST_IN_A_ROW, IncidentBook
from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.model.readings import DeviceEvent, DeviceState
from gate_contract.v1.record_pb2 import Incident


def at(seconds: float) -> Moment:
    return Moment(WallNs(round(seconds * SECOND)), MonoNs(round(seconds * SECOND)), bytes(16), synchronised=False)


def event(state: DeviceState, seconds: float, attempts: int = 1) -> DeviceEvent:
    return DeviceEvent("scale-1", at(seconds), state, f"it is {state.value}", attempts)


def codes(incidents: list[Incident]) -> list[tuple[str, bool]]:
    return [(incident.code, incident.HasField("closed")) for incident in incidents]


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


def test_an_incident_that_is_open_when_the_agent_ends_is_closed_by_the_next_one() -> None:
    book, after = IncidentBook(), IncidentBook()
    (begun,) = book.device(event(DeviceState.UNPLUGGED, 1))
    assert after.resume(book.remember()) == ["scale-1"]
    assert after.device(event(DeviceState.UNPLUGGED, 9)) == []
    (ended,) = after.device(event(DeviceState.OK, 12))
    assert ended.incident_id == begun.incident_id
    assert (ended.opened, ended.count) == (begun.opened, 2)
    assert IncidentBook().resume(after.remember()) == []


def test_one_that_flapped_settles_after_a_restart_too() -> None:
    book, after = IncidentBook(), IncidentBook()
    for number in range(MOST_IN_A_ROW + 1):
        book.device(event(DeviceState.UNPLUGGED, 2 * number))
        book.device(event(DeviceState.OK, 2 * number + 1))
    after.resume(book.remember())
    assert after.settled(lambda _: True, at(100)) == []
    assert codes(after.settled(lambda _: True, at(100 + FLAPPING_S))) == [("flapping", True)]


def test_what_cannot_be_read_is_nothing_to_resume() -> None:
    for data in (b"", b"{", b"[1]", b'[["scale-1", "zz"]]', b'[["scale-1", "ff"]]'):
        assert IncidentBook().resume(data) == []


def test_what_happened_in_one_moment_is_closed_when_it_is_told() -> None:
    incident = IncidentBook().over_at_once("evidence-lost", "a picture is gone", at(5))
    assert incident.HasField("closed")
    assert incident.opened == incident.closed
