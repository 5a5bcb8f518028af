"""Gateways at work on a real journal: durable before anything moves, recorded after it did."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.app.actuators import ActuatorDesk, GatewayWorker
from edge_agent.app.gateway_tables import gateways_of
from edge_agent.app.records import RecordMaker
from edge_agent.clock import SystemClock
from edge_agent.config_actuators import ActuatorTable
from edge_agent.errors import JournalError, LinkError
from edge_agent.journal.journal import Journal
from edge_agent.simulate.programs import wait_until
from gate_contract.checkpoint import Signer
from gate_contract.v1.act_pb2 import Actuation
from gate_contract.v1.record_pb2 import Record

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TABLE = ActuatorTable.model_validate(
    {
        "id": "barrier-1",
        "kind": "barrier",
        "lane": "lane-1",
        "device": "io",
        "open": "up",
        "fail_safe": "closed",
        "seen_by": "io/loop-out",
    }
)


class Io:
    """A device with one relay; keeps what it was told, and what the journal remembered at that moment."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.told: list[tuple[str, bool]] = []
        self.remembered: list[bytes] = []
        self.broken = False

    def write(self, output: str, *, active: bool) -> None:
        if self.broken:
            raise LinkError("Unit 1 does not answer", fix="Check its power")
        self.told.append((output, active))
        self.remembered.append(self.journal.in_flight().get("/gateway/lane-1", b""))


class Disk:
    """A journal whose disk may be full."""

    def __init__(self, journal: Journal) -> None:
        self.journal, self.full = journal, False

    def append(
        self, records: Sequence[bytes], *, consumed: Sequence[int] = (), in_flight: Mapping[str, bytes] | None = None
    ) -> int:
        if self.full:
            raise JournalError("the disk is full")
        return self.journal.append(records, consumed=consumed, in_flight=in_flight)


class House:
    """A journal, a relay and a gateway on them."""

    def __init__(self, directory: Path, table: ActuatorTable = TABLE) -> None:
        self.table = table
        self.journal = Journal(directory / "journal", Signer("test/agent/gate-01/0011223344556677", KEY))
        self.io = Io(self.journal)
        self.alarms: list[str] = []
        self.desk = self.new_desk()

    def new_desk(self) -> ActuatorDesk:
        (lane,) = gateways_of([self.table])
        clock = SystemClock()
        records = RecordMaker("site", clock)
        self.disk = Disk(self.journal)
        self.worker = GatewayWorker(lane, {"io": self.io}, self.disk, records, clock, self.alarms.append)
        return ActuatorDesk([self.worker])

    def start(self) -> None:
        self.desk.start(self.journal.in_flight())

    def told(self, count: int) -> list[Actuation]:
        """Records of actuations, once there are so many."""

        def found() -> list[Actuation]:
            records = [Record.FromString(self.journal.record(at) or b"") for at in range(self.journal.size)]
            return [record.actuation for record in records if record.HasField("actuation")]

        wait_until(f"{count} actuations are recorded", lambda: len(found()) >= count)
        return found()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.desk.stop()
    house.journal.close()


def test_a_release_is_remembered_before_the_barrier_moves_and_recorded_with_what_was_seen(house: House) -> None:
    house.start()
    house.desk.input_changed("io", "loop-out", active=False)
    house.desk.released("lane-1", "p1", 1, "decision")
    house.told(2)
    house.desk.input_changed("io", "loop-out", active=True)
    house.desk.input_changed("io", "loop-out", active=False)
    shut, opened, closed, passed = house.told(4)
    assert (shut.command, shut.passage_id) == ("close", "")
    assert (opened.command, opened.passage_id, opened.confirmed, opened.output) == ("open", "p1", True, "up")
    assert (passed.outcome, passed.seen_input, passed.actuation_id) == ("passed", "loop-out", opened.actuation_id)
    assert closed.command == "close"
    assert house.io.told == [("up", False), ("up", True), ("up", False)]
    assert b"p1 decision" in house.io.remembered[1]


def test_a_crash_after_the_release_does_not_open_again(house: House) -> None:
    house.start()
    house.desk.input_changed("io", "loop-out", active=False)
    house.desk.released("lane-1", "p1", 1, "decision")
    house.told(2)
    memory = house.journal.in_flight()
    house.desk.stop()
    told = len(house.io.told)
    house.desk = house.new_desk()
    house.desk.start(memory)
    house.desk.released("lane-1", "p1", 2, "decision")
    house.desk.input_changed("io", "loop-out", active=False)
    wait_until("the barrier was shut", lambda: len(house.io.told) > told)
    house.desk.stop()
    assert ("up", True) not in house.io.told[told:]
    outcomes = [each.outcome for each in house.told(3) if each.outcome]
    assert "not known: the agent was restarted" in outcomes


def test_a_device_that_does_not_answer_is_recorded_with_its_reason(house: House) -> None:
    house.start()
    house.io.broken = True
    house.desk.released("lane-1", "p1", 1, "decision")
    (opened,) = house.told(1)
    assert not opened.confirmed
    assert "Unit 1 does not answer" in opened.problem


def test_whoever_goes_through_without_a_release_is_an_alarm(house: House) -> None:
    house.start()
    house.desk.input_changed("io", "loop-out", active=False)
    house.desk.input_changed("io", "loop-out", active=True)
    wait_until("the alarm is raised", lambda: house.alarms == ["lane-1"])


def test_a_button_is_pressed_for_its_whole_time_also_at_the_stop_and_the_other_one_let_go(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", Signer("test/agent/gate-01/0011223344556677", KEY))
    buttons = TABLE.model_copy(update={"close": "down", "pulse": 0.3})
    (lane,) = gateways_of([buttons])
    clock, pressed = SystemClock(), list[tuple[str, bool, float]]()

    class Buttons:
        def write(self, output: str, *, active: bool) -> None:
            pressed.append((output, active, time.monotonic()))

    records = RecordMaker("site", clock)
    worker = GatewayWorker(lane, {"io": Buttons()}, journal, records, clock, lambda _lane: None)
    desk = ActuatorDesk([worker])
    desk.start({})
    desk.input_changed("io", "loop-out", active=False)
    wait_until("the barrier is told to close", lambda: ("down", False) in [each[:2] for each in pressed])
    pressed.clear()
    desk.stop()
    journal.close()
    assert {each[:2] for each in pressed} == {("up", False), ("down", True), ("down", False)}
    at = {each[:2]: each[2] for each in pressed}
    assert at["down", False] - at["down", True] >= 0.3


def test_while_the_disk_is_full_nobody_is_let_through_but_the_barrier_comes_down_behind_the_one_before(
    house: House,
) -> None:
    house.start()
    house.desk.input_changed("io", "loop-out", active=False)
    house.desk.released("lane-1", "p1", 1, "decision")
    house.desk.released("lane-1", "p2", 1, "decision")
    house.desk.input_changed("io", "loop-out", active=True)
    wait_until(
        "p1 is in the gateway and p2 waits", lambda: house.worker.state.occupied and bool(house.worker.state.waiting)
    )
    house.disk.full = True
    house.desk.input_changed("io", "loop-out", active=False)
    wait_until("the barrier is down", lambda: house.io.told[-1] == ("up", False) and not house.worker.state.occupied)
    assert house.io.told.count(("up", True)) == 1
    house.disk.full = False
    house.desk.released("lane-1", "p2", 1, "act x")
    wait_until("p2 is let through by a person", lambda: house.io.told.count(("up", True)) == 2)


def test_a_barrier_that_opens_when_in_trouble_does_so_with_a_full_disk_too(tmp_path: Path) -> None:
    house = House(tmp_path, TABLE.model_copy(update={"fail_safe": "open"}))
    house.start()
    wait_until("it is up after the start", lambda: house.io.told == [("up", True)])
    house.desk.input_changed("io", "loop-out", active=False)
    house.desk.released("lane-1", "p1", 1, "decision")
    house.desk.stopped("lane-1", "p1", 2)
    wait_until("it is down", lambda: house.io.told[-1] == ("up", False))
    house.disk.full = True
    house.desk.device("io", works=False)
    wait_until("it is up again", lambda: house.io.told[-1] == ("up", True))
    house.desk.stop()
    house.journal.close()
