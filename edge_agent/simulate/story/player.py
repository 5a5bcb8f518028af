"""Plays one lane: each device sends, in its own protocol, what a story's passage says that it saw.

It waits for what the gate shows of itself, never for a time: a busy machine makes it slower and not wrong.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from edge_agent.simulate.anpr import PlateColour
from edge_agent.simulate.camera import Delivery
from edge_agent.simulate.io_box import BARRIER, LOOP_OUT
from edge_agent.simulate.machine import Machine
from edge_agent.simulate.programs import ProgramError, wait_until
from edge_agent.simulate.story.lanes import DIVISION_KILOGRAMS, LaneDevices
from gate_contract.v1.passage_pb2 import Passage
from gate_contract.v1.reading_pb2 import Reading, Scan

PATIENCE_S = 180.0
"""How long a gate may take to show what it must; on a quiet machine it takes a second."""

FAR_COUNT, NEAR_COUNT = 63_235, 6_898
"""What the analogue input counts with 5.8 m and with 0.9 m before the sensor: 16 bits, 4 to 20 mA for 0.3 to 6 m."""

FAR, NEAR = "5800 mm", "900 mm"
SETTLE_NS = 700_000_000
"""Longer than a weight (0.3 s) or a distance (0.5 s) must be the same to count, by the gate's own clock."""

FETCH_NS = 1_000_000_000
"""How long the gate, by its own clock, is given to fetch a picture that is there."""

LOADED_KILOGRAMS = 1000.0
LOOK_EVERY_S = 0.03

ECHO_REGISTER = 0
WORDS = {"clear": "PASS", "suspect": "CHECK", "alarm": "ALARM"}
"""Verdicts in the scanner's own words."""

COLOUR: PlateColour = "yellow"
"""Of tractors and trailers."""


def at_once() -> bool:
    """A vehicle that waits for nothing."""
    return True


@dataclass(frozen=True, slots=True)
class Visit:
    """One vehicle that comes; not before `when` is true."""

    passage: Passage
    when: Callable[[], bool] = at_once


@dataclass(frozen=True, slots=True)
class Crossed:
    """What the gate made of a visit.

    Attributes:
        passage_id: that the gate gave it.
        action: of the gate's own decision, e.g. "release".
        through: whether the barrier rose for it; None where there is none.
    """

    passage_id: str
    action: str
    through: bool | None


class LanePlayer:
    """One lane with its devices, which are switched on, at a gate whose agent runs."""

    def __init__(self, gate: Machine, lane_id: str, devices: LaneDevices) -> None:
        """Nothing is sent yet."""
        self._gate, self._lane_id, self._devices = gate, lane_id, devices
        self._before: str | None = None

    def play(self, visits: Sequence[Visit]) -> list[Crossed]:
        """All of them, one after the other; each passage's message gets the id that the gate gave it.

        Raises:
            ProgramError: the gate did not show in time what it must; names the lane and the vehicle's number here.
        """
        return [self._cross(visit, f"{self._lane_id}, vehicle {n}") for n, visit in enumerate(visits, 1)]

    def _cross(self, visit: Visit, name: str) -> Crossed:
        self._until(f"{name} may come", visit.when)
        self._until(f"the gate is free for {name}", self._is_free)
        readings = {str(each.WhichOneof("body")): each for each in visit.passage.readings}
        if "distance" in readings:
            # The sensor tells changes alone, and between two vehicles it sees what is not so of the next one.
            self._settle_echo(not readings["distance"].distance.occupied, name)
        self._come(visit.passage, readings, name)
        if "scan" in readings:
            self._scan(readings["scan"].scan, name)
        # The last thing that the lane expects: nothing of this vehicle comes after its decision.
        if self._devices.portal is not None:
            self._devices.portal.leave(gamma_alarm=readings["radiation"].radiation.gamma_alarm)
        if "distance" in readings:
            self._see(readings["distance"].distance.occupied)
        self._until(f"{name} is decided", lambda: self._last_id() not in (None, self._before))
        last = self._last()
        self._before = visit.passage.passage_id = last["passage"]
        return Crossed(last["passage"], last["action"], self._leave(last["action"], name))

    def _come(self, passage: Passage, readings: dict[str, Reading], name: str) -> None:
        """It drives in and is seen, until the gate knows that somebody is there."""
        # The wire has the front camera's plate first; a rear camera that read nothing has nothing to say.
        seen: list[Future[Delivery]] = [
            camera.see(plate.text, COLOUR) for camera, plate in zip(self._devices.cameras, passage.plates, strict=False)
        ]
        if self._devices.scale is None:
            return
        if not all(each.result(PATIENCE_S).accepted for each in seen):
            raise ProgramError(f"{name}: the gate did not take a camera's event")
        kilograms = Decimal(passage.weighings[0].kilograms)
        if "axles" in readings:
            self._roll_over_pads([int(each) for each in readings["axles"].axles.axle_kilograms], kilograms, name)
        else:
            self._devices.scale.drive_on(kilograms)
        self._until(f"the gate sees {name}", self._is_there)
        if self._devices.portal is not None:
            self._devices.portal.enter()

    def _roll_over_pads(self, axles: Sequence[int], kilograms: Decimal, name: str) -> None:
        """Weighed twice: the ticket first, for the last weight that stood still is the one that counts."""
        if self._devices.scale is None or self._devices.pads is None:
            raise ProgramError(f"{name} has axles weighed, and its lane has no pads")
        self._devices.scale.roll_on(kilograms)
        # The platform must be loaded: a ticket over an empty one is a truck that has left already.
        self._until(f"the gate weighs {name}", self._is_loaded)
        since = time.time_ns()
        self._devices.pads.weigh(axles)
        self._until(f"the gate has the axles of {name}", lambda: self._heard("pads") > since)
        self._devices.scale.stand()
        self._until(f"{name} stands", lambda: self._weighs(kilograms))
        first = self._told_at()
        self._until(f"{name} stays", lambda: self._weighs(kilograms) and self._told_at() > first + SETTLE_NS)

    def _leave(self, action: str, name: str) -> bool | None:
        """Under the barrier when it rises, else the way to the staffed lane."""
        box, scale = self._devices.box, self._devices.scale
        if box is None or scale is None:
            return None
        if action == "release":
            self._until(f"the barrier rises for {name}", lambda: box.coil(BARRIER))
        through = box.coil(BARRIER)
        since = time.time_ns()
        box.set_input(LOOP_OUT, active=through)
        time.sleep(scale.drive_off())
        if through:
            self._until(f"the loop sees {name}", lambda: self._heard("io") > since)
            box.set_input(LOOP_OUT, active=False)
            self._until(f"the barrier falls behind {name}", lambda: not box.coil(BARRIER))
        return through

    def _scan(self, scan: Scan, name: str) -> None:
        """The scanner's line and picture, until the gate has had time to fetch that."""
        if self._devices.scanner is None:
            raise ProgramError(f"{name} was scanned, and its lane has no scanner")
        since = time.time_ns()
        self._devices.scanner.scan(WORDS[scan.verdict], scan.object_class)
        self._until(
            f"the gate has the scan of {name}", lambda: since < self._heard("xray") < self._told_at() - FETCH_NS
        )

    def _see(self, occupied: bool) -> None:
        """Something near, or the far wall."""
        if self._devices.box is not None:
            self._devices.box.set_register(ECHO_REGISTER, NEAR_COUNT if occupied else FAR_COUNT)

    def _settle_echo(self, occupied: bool, name: str) -> None:
        """The same, until the gate has measured it for longer than it needs to believe it."""
        since = time.time_ns()
        self._see(occupied)
        shown = NEAR if occupied else FAR
        self._until(f"the distance before {name} is {shown}", lambda: self._measured(shown) > since)
        first = self._measured(shown)
        self._until(f"the distance before {name} stays {shown}", lambda: self._measured(shown) > first + SETTLE_NS)

    def _until(self, what: str, true: Callable[[], bool]) -> None:
        wait_until(what, true, PATIENCE_S, LOOK_EVERY_S)

    # --- what the gate shows ---------------------------------------------------------------------------------------

    def _lane(self) -> dict[str, Any]:
        lanes = (self._gate.snapshot() or {"lanes": []})["lanes"]
        return next((lane for lane in lanes if lane["id"] == self._lane_id), {})

    def _is_free(self) -> bool:
        return self._lane().get("passage", "unknown") is None

    def _is_there(self) -> bool:
        return self._lane().get("passage") not in (None, self._before)

    def _last(self) -> dict[str, Any]:
        return self._lane().get("last") or {}

    def _last_id(self) -> str | None:
        return self._last().get("passage")

    def _told_at(self) -> int:
        return int((self._gate.snapshot() or {"written_unix_ns": 0})["written_unix_ns"])

    def _device(self, name: str) -> dict[str, Any]:
        devices = (self._gate.snapshot() or {"devices": []})["devices"]
        return next((device for device in devices if device["id"] == f"{self._lane_id}-{name}"), {})

    def _heard(self, name: str) -> int:
        """When the gate last understood this device of the lane, Unix nanoseconds; 0 for never."""
        return int(self._device(name).get("last_reading_unix_ns") or 0)

    def _is_loaded(self) -> bool:
        return self._shown_kilograms() > LOADED_KILOGRAMS

    def _weighs(self, kilograms: Decimal) -> bool:
        return abs(self._shown_kilograms() - float(kilograms)) <= DIVISION_KILOGRAMS

    def _shown_kilograms(self) -> float:
        return float((self._device("scale").get("last_reading") or "0").split()[0])

    def _measured(self, shown: str) -> int:
        """When the gate last measured this distance; 0 while it is another."""
        device = self._device("echo")
        return int(device["last_reading_unix_ns"]) if device.get("last_reading") == shown else 0
