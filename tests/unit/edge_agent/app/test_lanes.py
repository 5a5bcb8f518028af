"""Lanes at work over a real journal: readings are durable before they are acknowledged, and recorded in one place."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.app.lane import LaneWorker, LastDecision, new_passage_id
from edge_agent.app.lanes import Routes, make_lane
from edge_agent.app.records import RecordMaker
from edge_agent.assemble.state import LaneSettings
from edge_agent.config import LaneTable
from edge_agent.journal.journal import Journal
from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.model.readings import DeviceEvent, DeviceState
from edge_agent.model.wire import stamp_of
from gate_contract.checkpoint import Signer
from gate_contract.v1 import reading_pb2 as pb
from gate_contract.v1.decision_pb2 import ACTION_RELEASE, Decision
from gate_contract.v1.passage_pb2 import LANE_KIND_VEHICLE, Passage
from gate_contract.v1.record_pb2 import Record

SIGNER = Signer("test/agent/gate-01/0011223344556677", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
NOW = Moment(WallNs(1_790_000_000_000_000_000), MonoNs(5_000), b"b" * 16, synchronised=True)
WITHIN_S = 30.0

SETTINGS = LaneSettings(
    lane_id="out-1",
    direction="outbound",
    scales=(),
    cameras=(),
    open_kilograms=Decimal(500),
    clear_kilograms=Decimal(200),
    grace_s=3,
    settle_s=20,
    approach_s=30,
    late_s=60,
    expects=("scan", "radiation"),
    givers=(("scan", "xray-1"), ("radiation", "rpm-1")),
    loop_in="io-1/loop-in",
    loop_out="io-1/loop-out",
)
TABLE = LaneTable(id="out-1", kind="vehicle", loop_in="io-1/loop-in", loop_out="io-1/loop-out")
DEVICES = ("io-1", "xray-1", "rpm-1")


def released(passage: Passage, now: Moment) -> Decision:
    """The judge of a gate where everybody may pass."""
    del passage
    return Decision(action=ACTION_RELEASE, decided_unix_ns=now.wall)


class Room:
    """One lane over a journal; its clock stands still."""

    def __init__(self, directory: Path) -> None:
        self.journal = Journal(directory / "journal", SIGNER)
        self.now = NOW
        self.decided = threading.Event()
        self.lane = self.another()

    def another(self) -> LaneWorker:
        """A lane as after a restart."""
        lane = make_lane(SETTINGS, new_passage_id("out-1"))
        records = RecordMaker("xiuying", self.clock)
        worker = LaneWorker(TABLE, DEVICES, lane, released, self.journal, records, self.clock, lambda *_: None)
        worker.on_decided.append(lambda _: self.decided.set())
        self.lane, self.routes = worker, Routes([TABLE], [worker])
        return worker

    def clock(self) -> Moment:
        return self.now

    def records(self) -> list[Record]:
        return [Record.FromString(self.journal.record(index) or b"") for index in range(self.journal.size)]

    def start(self) -> None:
        self.lane.start(self.journal.in_flight().get("out-1", b""))

    def give(self, *readings: pb.Reading) -> None:
        """To the lane at work; waits until it has taken them."""
        for each in readings:
            assert self.routes.take(each)
        self.until(lambda: self.journal.spool.inbox() == [])

    def until(self, true: Callable[[], bool]) -> None:
        """A busy machine takes its time."""
        begun = time.monotonic()
        while not true():
            assert time.monotonic() - begun < WITHIN_S
            time.sleep(0.01)

    def stop_once_decided(self) -> None:
        assert self.decided.wait(WITHIN_S)
        self.lane.stop()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.lane.halt()
    made.journal.close()


def reading(device_id: str, **body: object) -> pb.Reading:
    return pb.Reading(device_id=device_id, lane_id="out-1", at=stamp_of(NOW), **body)  # type: ignore[arg-type]


SCAN = reading("xray-1", scan=pb.Scan(scan_id="S1", verdict="clear"))
PORTAL = reading("rpm-1", radiation=pb.RadiationOccupancy(gamma_samples=5, complete=True))


def loop(name: str, *, active: bool) -> pb.Reading:
    return pb.Reading(device_id="io-1", at=stamp_of(NOW), input=pb.InputChanged(name=name, active=active))


def test_what_a_lane_takes_is_in_its_passage_and_nowhere_else(room: Room) -> None:
    room.start()
    room.give(loop("loop-in", active=True), SCAN, PORTAL)
    room.stop_once_decided()
    (record,) = room.records()
    passage = record.passage
    assert passage.lane_kind == LANE_KIND_VEHICLE
    assert [each.WhichOneof("body") for each in passage.readings] == ["input", "scan", "radiation"]
    assert passage.readings[0].lane_id == "out-1", "a loop's device may be of no lane; its reading is"
    assert passage.local_decision.action == ACTION_RELEASE


def test_a_reading_is_durable_before_the_lane_has_seen_it(room: Room) -> None:
    assert room.routes.take(SCAN)
    assert room.routes.take(PORTAL)
    assert [entry.device_id for entry in room.journal.spool.inbox()] == ["xray-1", "rpm-1"]
    room.another()
    room.start()
    room.stop_once_decided()
    assert [each.WhichOneof("body") for each in room.records()[0].passage.readings] == ["scan", "radiation"]
    assert room.journal.spool.inbox() == []


def test_a_reading_that_is_kept_again_is_taken_once(room: Room) -> None:
    room.start()
    room.give(SCAN, SCAN, PORTAL)
    room.stop_once_decided()
    assert len(room.records()) == 1
    assert len(room.records()[0].passage.readings) == 2


def test_a_passage_under_way_is_gone_on_with_after_a_restart(room: Room) -> None:
    room.start()
    room.give(loop("loop-in", active=True), SCAN)
    room.lane.stop()
    room.another()
    room.start()
    room.give(PORTAL)
    room.stop_once_decided()
    assert [each.WhichOneof("body") for each in room.records()[0].passage.readings] == ["input", "scan", "radiation"]


def test_a_reading_of_nobody_is_recorded_as_an_orphan(room: Room) -> None:
    room.start()
    room.give(reading("desk-1", seal=pb.SealSeen(state="whole")))
    room.lane.stop()
    (record,) = room.records()
    assert record.orphan.reading.seal.state == "whole"
    assert record.orphan.reason == "nobody was known to be in the lane"


@pytest.mark.parametrize(
    "other",
    [
        reading("ais", vessel=pb.Vessel(mmsi=1)),
        reading("rfid", tag=pb.TagSeen(epc="e")),
        reading("cam", camera=pb.CameraHealth(condition="dark")),
        loop("barrier-is-open", active=True),
        pb.Reading(device_id="xray-2", at=stamp_of(NOW), scan=pb.Scan(scan_id="S9")),
    ],
)
def test_what_belongs_to_no_passage_by_its_nature_stands_for_itself(room: Room, other: pb.Reading) -> None:
    assert not room.routes.take(other)
    assert room.journal.spool.inbox() == []


def test_each_input_of_the_lanes_devices_is_told_at_once(room: Room) -> None:
    told: list[tuple[str, bool, Moment]] = []
    room.lane.on_input.append(lambda *what: told.append(what))
    room.routes.take(loop("loop-out", active=True))
    room.routes.take(loop("barrier-is-open", active=False))
    assert told == [("io-1/loop-out", True, NOW), ("io-1/barrier-is-open", False, NOW)]


def test_who_listens_for_decisions_hears_of_durable_ones(room: Room) -> None:
    heard: list[tuple[LastDecision, int]] = []
    room.lane.on_decided.insert(0, lambda each: heard.append((each, room.journal.size)))
    room.start()
    room.give(SCAN, PORTAL)
    room.stop_once_decided()
    ((last, size),) = heard
    assert (last.passage.revision, last.decision.action, size) == (1, ACTION_RELEASE, 1)


def test_a_device_at_fault_is_named_in_what_is_missing(room: Room) -> None:
    room.start()
    room.routes.tell(DeviceEvent("rpm-1", NOW, DeviceState.SILENT, "no bytes for 60 s"))
    room.give(SCAN)
    room.now = replace(NOW, mono=MonoNs(NOW.mono + 31 * SECOND))
    room.stop_once_decided()
    (missing,) = room.records()[0].passage.missing
    assert (missing.device_id, missing.kind) == ("rpm-1", "radiation")
    assert missing.reason.endswith("rpm-1 is silent: no bytes for 60 s")
