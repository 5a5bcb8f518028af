"""A lane and what its devices say, for the tests of passages."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from google.protobuf.message import Message

from edge_agent.app.memory import recall, remember
from edge_agent.assemble.lane import GateLane
from edge_agent.assemble.observation_point import ObservationPoint
from edge_agent.assemble.state import Advance, LaneSettings, LaneState, OrphanReading
from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.model.observation import LaneReading, Observation
from edge_agent.model.observation_wire import observation_of
from edge_agent.model.passage import ClosedBy, Passage
from edge_agent.model.readings import (
    DeviceEvent,
    DeviceState,
    PlateSeen,
    Stability,
    StableWeight,
    Weight,
    WeightSample,
)
from edge_agent.model.wire import stamp_of
from gate_contract.iso6346 import is_valid
from gate_contract.v1 import reading_pb2 as pb
from gate_contract.v1.reading_pb2 import Reading

BEGIN = 1_790_000_000 * SECOND


BOOT = bytes(16)


SETTINGS = LaneSettings(
    lane_id="L1",
    direction="outbound",
    scales=("scale-1",),
    cameras=("camera-1",),
    open_kilograms=Decimal(500),
    clear_kilograms=Decimal(200),
    grace_s=3,
    settle_s=20,
    approach_s=30,
    late_s=60,
)


TRUCKS = replace(
    SETTINGS,
    loop_in="io-1/loop-in",
    loop_out="io-1/loop-out",
    expects=("weight", "plate", "container", "scan", "radiation"),
    givers=(("container", "box-1"), ("scan", "xray-1"), ("radiation", "rpm-1"), ("face", "face-1")),
)
"""A truck lane with everything, between two loops."""

BARRIER = replace(SETTINGS, scales=(), loop_in="io-1/loop-in", loop_out="io-1/loop-out")
"""A car lane with a camera and two loops."""

EMPTIES = replace(
    SETTINGS,
    kind="empty-container",
    cameras=(),
    expects=("weight", "container", "distance"),
    givers=(("container", "box-1"), ("distance", "echo-1")),
)

PERSONS = replace(
    SETTINGS,
    kind="passenger",
    scales=(),
    cameras=(),
    stand_s=60.0,
    expects=("document", "face"),
    givers=(("document", "reader-1"), ("face", "face-1")),
)
"""A passenger gate without light curtains."""

CURTAINS = replace(PERSONS, loop_in="io-1/loop-in", loop_out="io-1/loop-out")

BOX, OTHER_BOX, THIRD_BOX = "CSQU3054383", "MSKU6011672", "TCNU7353290"

POINT = replace(SETTINGS, kind="observation", scales=(), expects=("plate",))


def at(seconds: float) -> Moment:
    offset = round(seconds * SECOND)
    return Moment(WallNs(BEGIN + offset), MonoNs(offset), BOOT, synchronised=True)


def weight(kilograms: int, seconds: float) -> WeightSample:
    return WeightSample("scale-1", at(seconds), Weight(Decimal(kilograms), "kg", None, None, None, b""))


def stable(kilograms: int, seconds: float) -> StableWeight:
    return StableWeight(
        device_id="scale-1",
        at=at(seconds),
        weight=Weight(Decimal(kilograms), "kg", None, None, None, b""),
        stability=Stability.INFERRED,
        samples=10,
        span_ms=1000,
        uncertainty_kilograms=Decimal(24),
        division_kilograms=Decimal(20),
    )


def plate(
    text: str, seconds: float, *, taken: float | None = None, camera: str = "camera-1", sure: float | None = 0.9
) -> PlateSeen:
    time = "" if taken is None else datetime.fromtimestamp(BEGIN / SECOND + taken, UTC).isoformat()
    return PlateSeen(camera, at(seconds), text, sure, "forward", "1", time, f"{text}-{seconds}")


def observed(seconds: float, device: str = "device-1", **body: Message) -> Observation:
    """A reading of another device; `body` is the one field of Reading that is set."""
    message = Reading(device_id=device, lane_id="L1", at=stamp_of(at(seconds)), **body)  # type: ignore[arg-type]
    observation = observation_of(message)
    assert observation is not None
    return observation


def loop(name: str, seconds: float, *, active: bool, initial: bool = False) -> Observation:
    return observed(seconds, "io-1", input=pb.InputChanged(name=name, active=active, initial=initial))


def entry(seconds: float, *, active: bool) -> Observation:
    return loop("loop-in", seconds, active=active)


def leaving(seconds: float, *, active: bool) -> Observation:
    return loop("loop-out", seconds, active=active)


def container(number: str, seconds: float) -> Observation:
    return observed(seconds, "box-1", container=pb.ContainerSeen(number=number, check_digit_ok=is_valid(number)))


def scan(scan_id: str, seconds: float, *, image: str = "") -> Observation:
    return observed(seconds, "xray-1", scan=pb.Scan(scan_id=scan_id, image_name=image))


def radiation(seconds: float, *, complete: bool = True) -> Observation:
    return observed(seconds, "rpm-1", radiation=pb.RadiationOccupancy(gamma_samples=5, complete=complete))


def document(person: str, seconds: float, kind: str = "TD3") -> Observation:
    return observed(seconds, "reader-1", document=pb.DocumentSeen(kind=kind, pseudonym=person.encode()))


def face(person: str, seconds: float, *, matched: bool = True) -> Observation:
    outcome = "matched" if matched else "staffed lane"
    return observed(seconds, "face-1", face=pb.FaceChecked(outcome=outcome, pseudonym=person))


def distance(seconds: float, *, occupied: bool) -> Observation:
    return observed(seconds, "echo-1", distance=pb.Distance(occupied=occupied))


def silent(device: str, seconds: float) -> DeviceEvent:
    return DeviceEvent(device, at(seconds), DeviceState.SILENT, "no bytes for 5 s")


def truck(begin: float, text: str = "粤B12345", box: str = BOX, scanned: str = "S1") -> list[LaneReading]:
    """All that is read of a truck up to its weight, which completes the passage 5 s after `begin`."""
    return [
        entry(begin, active=True),
        plate(text, begin + 0.5),
        container(box, begin + 1),
        radiation(begin + 2),
        scan(scanned, begin + 3),
        weight(20000, begin + 3.5),
        entry(begin + 4, active=False),
        stable(20000, begin + 5),
    ]


def gone(begin: float) -> list[LaneReading]:
    """It drives on: over the exit loop, off the scale, away."""
    return [leaving(begin, active=True), weight(0, begin + 1), leaving(begin + 2, active=False)]


class Lane:
    """Drives a lane and collects what it gives."""

    def __init__(self, settings: LaneSettings = SETTINGS, booked: Collection[str] = ()) -> None:
        numbers = itertools.count(1)
        self.settings = settings
        self.lane: GateLane | ObservationPoint = GateLane(
            settings, lambda _now: f"P{next(numbers)}", lambda text: text in booked
        )
        if settings.kind == "observation":
            self.lane = ObservationPoint(settings, lambda _now: f"P{next(numbers)}")
        self.state = LaneState()
        self.passages: list[Passage] = []
        self.orphans: list[OrphanReading] = []
        self.restarted = False
        self.stepped_s = 0.0
        """By how much the wall clock was set."""

    @property
    def orphaned_plates(self) -> list[PlateSeen]:
        return [orphan.reading for orphan in self.orphans if isinstance(orphan.reading, PlateSeen)]

    @property
    def ends(self) -> list[tuple[str, int, ClosedBy]]:
        """Each record: passage, revision, why it was closed."""
        return [(passage.passage_id, passage.revision, passage.closed_by) for passage in self.passages]

    def give(self, *readings: LaneReading) -> None:
        for reading in readings:
            self._keep(self.lane.advance(self.state, reading, reading.at))

    def tell(self, reading: LaneReading, seconds: float) -> None:
        """What was read earlier, and comes only now."""
        self._keep(self.lane.advance(self.state, reading, self._at(seconds)))

    def wait_until(self, seconds: float) -> None:
        self._keep(self.lane.advance(self.state, None, self._at(seconds)))

    def restart(self, seconds: float) -> None:
        """The agent is killed, and begins again then."""
        remembered = recall(remember(self.state))
        assert remembered is not None
        self.state, self.restarted = remembered.again_at(self._at(seconds)), True
        self.wait_until(seconds)

    def _at(self, seconds: float) -> Moment:
        moment = at(seconds)
        return replace(moment, wall=WallNs(moment.wall + round(self.stepped_s * SECOND)))

    def _keep(self, step: Advance) -> None:
        self.state = step.state
        self.passages += step.passages
        self.orphans += step.orphans
