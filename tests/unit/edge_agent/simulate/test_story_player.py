"""A lane's player sends what a passage says, in an order that no busy machine can turn round."""

from __future__ import annotations

import time
from concurrent.futures import Future
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from edge_agent.simulate.anpr import CameraDetails, plate_event
from edge_agent.simulate.camera import Delivery
from edge_agent.simulate.io_box import LOOP_OUT
from edge_agent.simulate.programs import ProgramError
from edge_agent.simulate.story import player as players
from edge_agent.simulate.story.lanes import LaneDevices
from edge_agent.simulate.story.player import LanePlayer, Visit
from edge_agent.simulate.story.telling import Teller
from edge_agent.simulate.story.vehicles import INJECTIONS, clean
from gate_contract.v1.passage_pb2 import Passage

NOW = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)


class Lane:
    """A lane's devices and its gate in one: what devices do is noted, and the gate shows what it would."""

    def __init__(self, *, last_device: str, action: str = "release", accepts: bool = True) -> None:
        self.did: list[str] = []
        self.last_device, self.action, self.accepts = last_device, action, accepts
        self.passage: str | None = None
        self.last: dict[str, Any] | None = None
        self.shown: dict[str, str] = {}
        self.barrier = False

    def note(self, word: str) -> None:
        self.did.append(word)
        if word == "drive on":
            self.passage = "lane-1-a"
        if word == self.last_device:
            self.last = {"passage": "lane-1-a", "action": self.action}
            self.barrier = self.action == "release"

    def see(self, text: str, _colour: str) -> Future[Delivery]:
        self.note(f"see {text}")
        seen: Future[Delivery] = Future()
        event = plate_event(CameraDetails("1"), 1, NOW, text, "yellow")
        seen.set_result(Delivery(event, 1, accepted=self.accepts, last_answer="200" if self.accepts else "503"))
        return seen

    def snapshot(self) -> dict[str, Any]:
        now = time.time_ns()
        names = ("scale", "pads", "xray", "io", "echo")
        devices = [
            {"id": f"lane-1-{name}", "last_reading": self.shown.get(name, "27000 kg"), "last_reading_unix_ns": now}
            for name in names
        ]
        lane = {"id": "lane-1", "passage": self.passage, "last": self.last}
        return {"written_unix_ns": now + 2 * players.FETCH_NS, "lanes": [lane], "devices": devices}

    def set_input(self, address: int, *, active: bool) -> None:
        assert address == LOOP_OUT
        self.note("on the loop" if active else "off the loop")
        if not active:
            self.barrier = False

    def set_register(self, _address: int, count: int) -> None:
        shown = players.NEAR if count == players.NEAR_COUNT else players.FAR
        self.shown["echo"] = shown
        self.note(f"echo {shown}")

    def drive_on(self, kilograms: Decimal) -> None:
        self.kilograms = kilograms
        self.note("drive on")

    def roll_on(self, kilograms: Decimal) -> None:
        self.drive_on(kilograms)
        self.shown["scale"] = "13000 kg"

    def stand(self) -> None:
        self.note("stand")
        self.shown["scale"] = f"{self.kilograms} kg"

    def drive_off(self) -> float:
        self.note("drive off")
        self.passage = None
        return 0.0

    @property
    def devices(self) -> LaneDevices:
        devices = LaneDevices({})
        mine: dict[str, Any] = {
            "cameras": [SimpleNamespace(see=self.see), SimpleNamespace(see=self.see)],
            "scale": SimpleNamespace(
                drive_on=self.drive_on, roll_on=self.roll_on, stand=self.stand, drive_off=self.drive_off
            ),
            "pads": SimpleNamespace(weigh=lambda axles: self.note(f"ticket of {len(axles)}")),
            "portal": SimpleNamespace(
                enter=lambda: self.note("enter portal"),
                leave=lambda *, gamma_alarm: self.note("alarm" if gamma_alarm else "leave portal"),
            ),
            "scanner": SimpleNamespace(scan=lambda verdict, what: self.note(f"scan {verdict} {what}")),
            "box": SimpleNamespace(
                coil=lambda _address: self.barrier, set_input=self.set_input, set_register=self.set_register
            ),
        }
        if self.last_device.startswith("echo"):
            mine["portal"] = None  # a lane for empty containers has none
        for name, device in mine.items():
            setattr(devices, name, device)
        return devices

    def play(self, passage: Passage) -> players.Crossed:
        (crossed,) = LanePlayer(cast("Any", self), "lane-1", self.devices).play([Visit(passage)])
        return crossed


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(players, "SETTLE_NS", 1_000_000)
    monkeypatch.setattr(players, "LOOK_EVERY_S", 0.001)


def a_passage(name: str) -> Passage:
    teller = Teller(7, NOW, "macun")
    if name in ("axles", "empties"):
        return clean(teller, name).passage  # type: ignore[arg-type]  # one of the two
    return next(each for each in INJECTIONS if each.name == name).tell(teller).passage


def test_the_portal_speaks_last_and_who_is_let_go_drives_under_the_barrier() -> None:
    lane = Lane(last_device="leave portal")
    passage = a_passage("other goods in the scan")
    front, rear = (f"see {plate.text}" for plate in passage.plates)
    crossed = lane.play(passage)
    assert lane.did == [
        front, rear, "drive on", "enter portal", "scan PASS tobacco", "leave portal",
        "on the loop", "drive off", "off the loop",
    ]  # fmt: skip
    assert (crossed.passage_id, crossed.action, crossed.through) == ("lane-1-a", "release", True)
    assert passage.passage_id == "lane-1-a"
    assert lane.kilograms == Decimal(passage.weighings[0].kilograms)


def test_who_is_stopped_stays_off_the_loop() -> None:
    lane = Lane(last_device="alarm", action="hold")
    crossed = lane.play(a_passage("radiation alarm"))
    assert "alarm" in lane.did
    assert "on the loop" not in lane.did
    assert crossed.through is False


def test_the_ticket_of_the_axles_comes_before_the_truck_stands_on_the_platform() -> None:
    lane = Lane(last_device="leave portal")
    lane.play(a_passage("axles"))
    assert lane.did[2:7] == ["drive on", "ticket of 5", "stand", "enter portal", "leave portal"]


def test_an_empty_containers_distance_is_a_change_that_is_seen_when_it_is_there() -> None:
    lane = Lane(last_device=f"echo {players.FAR}")
    lane.play(a_passage("empties"))
    assert [word for word in lane.did if word.startswith(("echo", "drive on"))] == [
        f"echo {players.NEAR}",
        "drive on",
        f"echo {players.FAR}",
    ]


def test_a_camera_that_the_gate_does_not_listen_to_ends_the_story() -> None:
    with pytest.raises(ProgramError, match="lane-1, vehicle 1: the gate did not take"):
        Lane(last_device="leave portal", accepts=False).play(a_passage("axles"))
