"""The desk at work with a real journal, evidence store and socket: durable before it is told, and told once."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from edge_agent.app import desk as desk_module
from edge_agent.app.desk import DESK, FRESH_S
from edge_agent.app.desk_ports import DeskStores
from edge_agent.app.desk_station import DeskStation
from edge_agent.app.incidents import IncidentBook
from edge_agent.app.lane import LastDecision
from edge_agent.app.records import RecordMaker
from edge_agent.app.reference import Reporting
from edge_agent.config import load_site
from edge_agent.errors import JournalError
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.journal.journal import Journal
from edge_agent.model.handed_act import SPOOL, Handed, handed_bytes
from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.model.passage_wire import passage_of
from edge_agent.model.wire import stamp_of
from edge_agent.status.acts.handing import hand_over
from edge_agent.status.reading import Places
from gate_contract.v1 import act_pb2 as pb
from gate_contract.v1 import passage_pb2
from gate_contract.v1.decision_pb2 import ACTION_RELEASE
from gate_contract.v1.evidence_pb2 import Evidence
from gate_contract.v1.order_pb2 import Officer
from gate_contract.v1.record_pb2 import Incident, Record
from tests.unit.edge_agent.desk.desk_doubles import OFFICERS, SITE, act, decision, signed
from tests.unit.edge_agent.journal.journals import SIGNER

SITE_FILE = f"""\
site = "{SITE}"
[agent]
state_dir = "state"
runtime_dir = "run"
[[camera]]
id = "plate-1"
profile = "plate/hikvision-isapi-push"
listen = "127.0.0.1:18080"
allow = ["127.0.0.1"]
[[lane]]
id = "L1"
kind = "vehicle"
cameras = ["plate-1"]
"""
DEADLINE_S = 60.0


def eventually(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


class Flaky(Journal):
    """A journal whose disk can be full."""

    full = False

    def append(
        self, records: Sequence[bytes], *, consumed: Sequence[int] = (), in_flight: Mapping[str, bytes] | None = None
    ) -> int:
        if self.full:
            raise JournalError("the journal cannot be written", cause="disk full")
        return super().append(records, consumed=consumed, in_flight=in_flight)


@dataclass
class Room:
    """A desk and everything around it; may be killed and begun again."""

    directory: Path
    officers: dict[str, Officer] = field(default_factory=lambda: dict(OFFICERS))
    released: list[tuple[str, str, int, str]] = field(default_factory=list)
    stopped: list[tuple[str, str, int]] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    room_is_low: bool = False
    now: int = 1_000 * SECOND
    begun: int = field(default_factory=time.monotonic_ns)

    def begin(self) -> None:
        site_file = self.directory / "site.toml"
        site_file.write_text(SITE_FILE, encoding="utf-8")
        self.site = load_site(site_file)
        self.where = Places(self.site.agent.state_dir, self.site.agent.runtime_dir)
        self.where.state_dir.mkdir(exist_ok=True)
        self.journal = Flaky(self.where.state_dir / "journal", SIGNER)
        self.evidence = EvidenceStore(self.where.state_dir, lambda: self.room_is_low)
        self.records = RecordMaker(SITE, self.clock)
        stores = DeskStores(self.journal, self.evidence, self.records)
        reporting = Reporting(self.clock, IncidentBook(), self.incidents.extend)
        self.desk = DeskStation(self.site, stores, lambda: self.officers, reporting, lambda _first, _count: None)
        self.desk.connect(lambda *told: self.released.append(told), lambda *told: self.stopped.append(told))
        self.desk.start(self.journal.in_flight())

    def end(self) -> None:
        self.desk.stop()
        self.journal.close()
        self.evidence.close()

    def clock(self) -> Moment:
        """Goes on from `now` as time does."""
        at = self.now + time.monotonic_ns() - self.begun
        return Moment(WallNs(at), MonoNs(at), bytes(16), synchronised=True)

    def passage(self, passage_id: str, *codes: str, revision: int = 1, told: bool = True) -> None:
        """One is decided and recorded; `told` as long as the agent does not end just then."""
        stamp = stamp_of(self.clock())
        message = passage_pb2.Passage(
            passage_id=passage_id,
            revision=revision,
            lane_id="L1",
            lane_kind=passage_pb2.LANE_KIND_VEHICLE,
            opened=stamp,
            decided=stamp,
            opened_by=passage_pb2.PASSAGE_OPENING_PLATE,
            closed_by=passage_pb2.PASSAGE_CLOSING_COMPLETE,
            plates=[passage_pb2.PlateRead(device_id="plate-1", at=stamp, text="琼A12345")],
        )
        message.local_decision.CopyFrom(decision(*codes, at=self.now))
        self.journal.append([self.records.passage(message)])
        if told:
            self.desk.decided(LastDecision(passage_of(message), message.local_decision))

    def shown(self, passage_id: str) -> dict[str, Any] | None:
        return next((each for each in self.desk.shown if each["passage"] == passage_id), None)

    def hand(self, message: pb.OfficerAct, *photos: bytes, key: str = "") -> dict[str, Any]:
        return hand_over(self.where, Handed(signed(message, key), photos), message.act_id)

    def recorded(self, kind: str) -> list[Any]:
        found = [Record.FromString(self.journal.record(index) or b"") for index in range(self.journal.size)]
        return [getattr(each, kind) for each in found if each.HasField(kind)]  # type: ignore[arg-type]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path)
    room.begin()
    yield room
    room.journal.full = False
    room.end()


def test_a_held_vehicle_is_shown_and_lifted_and_released_once_also_after_a_restart(room: Room) -> None:
    room.passage("L1-1", "D02")
    eventually(lambda: room.stopped == [("L1", "L1-1", 1)])
    eventually(lambda: room.shown("L1-1") is not None)
    shown = room.shown("L1-1") or {}
    assert (shown["plates"], shown["action"], shown["holds"][0]["authority_zh"]) == (["琼A12345"], "hold", "海关")
    assert "申报" in shown["holds"][0]["zh"]
    room.end()
    room.begin()
    answer = room.hand(act("C-1", "L1-1", at=room.now + 1))
    assert (answer["outcome"], answer["passage"]["released"]) == ("done", True)
    assert room.released == [("L1", "L1-1", 1, "act a")]
    room.end()
    room.begin()
    assert room.hand(act("C-1", "L1-1", at=room.now + 1))["outcome"] == "known"
    assert len(room.released) == 1
    assert [each.act for each in room.recorded("act")] == [act("C-1", "L1-1", at=room.now + 1).SerializeToString()]


def test_when_the_agent_ends_while_it_tells_of_a_release_it_is_not_told_again_and_a_person_is_asked(
    room: Room, tmp_path: Path
) -> None:
    room.end()
    room.begin()
    copy = tmp_path / "as it was when the power went"

    def power_fails(*told: Any) -> None:
        shutil.copytree(room.where.state_dir, copy / "state")
        room.released.append(told)

    room.desk.connect(power_fails, lambda *_: None)
    room.passage("L1-1")
    eventually(lambda: len(room.released) == 1)
    after = Room(copy, now=room.now + SECOND)
    after.begin()
    try:
        eventually(lambda: (after.shown("L1-1") or {}).get("opening") == "unsure")
        override = act("C-1", "L1-1", at=after.now, override=pb.Override(action=ACTION_RELEASE))
        assert after.hand(override)["outcome"] == "done"
        assert after.released == [("L1", "L1-1", 1, "act a")]
    finally:
        after.end()


def test_a_decision_that_was_recorded_when_the_agent_was_killed_is_taken_in_at_the_next_start(room: Room) -> None:
    room.passage("L1-1")
    eventually(lambda: len(room.released) == 1)
    room.passage("L1-2", told=False)
    room.end()
    room.begin()
    eventually(lambda: len(room.released) == 2)
    assert room.released[1] == ("L1", "L1-2", 1, "decision")
    room.passage("L1-3", "D02", told=False)
    room.passage("L1-4", told=False)
    room.end()
    room.now += int(FRESH_S + 1) * SECOND
    room.begin()
    eventually(lambda: room.shown("L1-4") is not None)
    assert room.shown("L1-3") is not None
    assert len(room.released) == 2


def test_what_was_recorded_before_there_was_a_desk_opens_nothing(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.begin()
    room.end()
    with closing(Journal(room.where.state_dir / "journal", SIGNER)) as journal:
        journal.append([], in_flight={DESK: b""})  # as an agent without a desk leaves it
    room.journal = Flaky(room.where.state_dir / "journal", SIGNER)
    room.passage("L1-1", told=False)
    room.journal.close()
    room.begin()
    try:
        room.passage("L1-2")
        eventually(lambda: room.released == [("L1", "L1-2", 1, "decision")])
        assert room.shown("L1-1") is None
    finally:
        room.end()


def test_while_the_disk_takes_nothing_nobody_is_let_through_and_then_they_are(room: Room) -> None:
    room.passage("L1-1", "D02")
    eventually(lambda: room.shown("L1-1") is not None)
    room.passage("L1-2")
    eventually(lambda: len(room.released) == 1)
    room.journal.full = True
    answer = room.hand(act("C-1", "L1-1", at=room.now + 1))
    assert answer["outcome"] == "spooled"
    assert len(room.released) == 1
    room.journal.full = False
    eventually(lambda: (room.shown("L1-1") or {}).get("released") is True)
    assert len(room.recorded("act")) == 1
    eventually(lambda: not list((room.where.state_dir / SPOOL).glob("*.act")))


def test_a_picture_is_evidence_before_the_act_and_on_a_full_disk_the_act_counts_without_it(room: Room) -> None:
    room.passage("L1-1", "D02")
    photos = [b"\xff\xd8\xff first", b"\xff\xd8\xff second"]
    eventually(lambda: room.shown("L1-1") is not None)
    for number, photo in enumerate(photos):
        named = Evidence(sha256=sha256(photo).digest(), size=len(photo), media_type="image/jpeg", role="override")
        message = act(
            "C-1",
            "L1-1",
            f"a{number}",
            at=room.now + 1 + number,
            override=pb.Override(action=ACTION_RELEASE, photos=[named]),
        )
        room.room_is_low = number == 1
        answer = room.hand(message, photo)
        assert answer["outcome"] == "done"
        assert ("could not be kept" in answer["en"]) == (number == 1)
    assert [blob[0] for blob in room.evidence.waiting()] == [sha256(photos[0]).digest()]
    assert [loss.evidence.sha256 for loss in room.recorded("loss")] == [sha256(photos[1]).digest()]
    assert [cause for *_, cause in room.released] == ["act a0", "act a1"]


def test_an_act_of_an_officer_not_known_yet_is_recorded_and_counts_when_the_list_comes(room: Room) -> None:
    room.officers.clear()
    room.passage("L1-1", "D02")
    eventually(lambda: room.shown("L1-1") is not None)
    answer = room.hand(act("C-1", "L1-1", at=room.now + 1))
    assert (answer["outcome"], answer["passage"]["acts_waiting"]) == ("recorded", 1)
    assert len(room.recorded("act")) == 1
    assert room.released == []
    room.end()
    room.begin()
    room.officers.update(OFFICERS)
    eventually(lambda: room.released == [("L1", "L1-1", 1, "act a")])
    assert len(room.recorded("act")) == 1


def test_a_forged_act_is_refused_and_alarmed_and_not_recorded(room: Room) -> None:
    room.passage("L1-1", "D02")
    eventually(lambda: room.shown("L1-1") is not None)
    assert room.hand(act("C-1", "L1-1", at=room.now + 1), key="B-1")["outcome"] == "refused"
    assert [each.code for each in room.incidents] == ["act-refused"]
    assert room.recorded("act") == []


def test_acts_made_while_the_agent_did_not_run_are_taken_at_its_start(room: Room) -> None:
    room.passage("L1-1", "D02")
    eventually(lambda: room.shown("L1-1") is not None)
    room.end()
    message = act("C-1", "L1-1", at=room.now + 1)
    assert room.hand(message)["outcome"] == "spooled"
    spool = room.where.state_dir / SPOOL
    (spool / "forged.act").write_bytes(handed_bytes(Handed(signed(act("C-1", "L1-1", "b", at=room.now + 1), "B-1"))))
    room.begin()
    eventually(lambda: room.released == [("L1", "L1-1", 1, "act a")])
    eventually(lambda: {each.name for each in spool.iterdir()} == {"forged.refused", "forged.txt"})
    assert "signature" in (spool / "forged.txt").read_text()


def test_when_more_decisions_come_than_fit_the_rest_is_read_from_the_journal(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.end()
    monkeypatch.setattr(desk_module, "QUEUE_LENGTH", 1)
    room.begin()
    busy = threading.Event()

    def slow(*told: Any) -> None:
        busy.wait(DEADLINE_S)
        room.released.append(told)

    room.desk.connect(slow, lambda *_: None)
    for number in range(12):
        room.passage(f"L1-{number}")
    busy.set()
    eventually(lambda: len(room.released) == 12)
    assert [passage_id for _, passage_id, _, _ in room.released] == [f"L1-{number}" for number in range(12)]


def test_the_list_of_officers_lies_beside_the_status_for_gatectl(room: Room) -> None:
    listed = room.where.runtime_dir / "officers.json"
    eventually(lambda: listed.exists() and '"C-1": "customs"' in listed.read_text())


def test_a_passage_that_is_only_seen_is_not_stopped(room: Room) -> None:
    room.passage("L1-1", "D02")
    eventually(lambda: room.shown("L1-1") is not None)
    stamp = stamp_of(room.clock())
    seen = passage_pb2.Passage(
        passage_id="O-1", revision=1, lane_id="O", lane_kind=passage_pb2.LANE_KIND_OBSERVATION, opened=stamp
    )
    seen.local_decision.CopyFrom(decision("D02", at=room.now))
    room.journal.append([room.records.passage(seen)])
    room.end()
    room.begin()
    room.passage("L1-2", "D02")
    eventually(lambda: room.shown("L1-2") is not None)
    assert room.shown("O-1") is None
