"""What a lane is told, what it remembers between readings, and what each step gives. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from edge_agent.model.moment import Moment
from edge_agent.model.observation import Observation, ReadingKind
from edge_agent.model.passage import Direction, LaneKind, Passage
from edge_agent.model.readings import DeviceEvent, DeviceState, PlateSeen

WELL = (DeviceState.OK, DeviceState.STARTING)


@dataclass(frozen=True, slots=True)
class LaneSettings:
    """One lane as the site file describes it.

    Attributes:
        scales: device ids; empty when the lane has none.
        cameras: device ids of what reads plates; empty when the lane has none.
        open_kilograms: a load from here on is a vehicle.
        clear_kilograms: a load down to here is none.
        grace_s: how long what is missing may come after the weight stood still, or after the vehicle left.
        settle_s: how long a weight may take to stand still.
        approach_s: how long a passage may wait that is not on a scale; and, after the scale was cleared, for the exit.
        late_s: how long after a vehicle has left a reading can still find its passage.
        stand_s: how long a decided vehicle is taken to stand between the loops without a sign of it.
        expects: what completes a passage; None takes a weight and a plate, as far as there are scales and cameras.
        givers: kinds of reading and the devices that give them, for the word on what is missing.
        loop_in: DEVICE/INPUT, or the device of a distance, that becomes active when somebody enters; "" for none.
        loop_out: the same where somebody leaves.
    """

    lane_id: str
    direction: Direction | None
    scales: tuple[str, ...]
    cameras: tuple[str, ...]
    open_kilograms: Decimal
    clear_kilograms: Decimal
    grace_s: float
    settle_s: float
    approach_s: float
    late_s: float
    stand_s: float = 300.0
    kind: LaneKind = "vehicle"
    expects: tuple[ReadingKind, ...] | None = None
    givers: tuple[tuple[ReadingKind, str], ...] = ()
    loop_in: str = ""
    loop_out: str = ""

    @property
    def needs(self) -> tuple[ReadingKind, ...]:
        """What completes a passage."""
        if self.expects is not None:
            return self.expects
        equipped: tuple[tuple[ReadingKind, tuple[str, ...]], ...] = (("weight", self.scales), ("plate", self.cameras))
        return tuple(kind for kind, devices in equipped if devices)

    @property
    def bound_s(self) -> float:
        """How long after its opening a passage is decided at the latest, whatever its devices do."""
        return max(self.approach_s, self.settle_s) + 2 * self.grace_s

    def devices_for(self, kind: ReadingKind) -> tuple[str, ...]:
        """Who gives this kind of reading."""
        named = {"weight": self.scales, "plate": self.cameras}.get(kind, ())
        return (*named, *(device for given, device in self.givers if given == kind))


@dataclass(frozen=True, slots=True)
class LaneState:
    """What a lane remembers between readings.

    Attributes:
        passage: the passage at the gate; None when the lane is empty. Its `closed_by` counts only once `recorded`.
        recorded: it has been recorded (and stands there still).
        on_scale: its vehicle has been on the scale.
        settled: when the weight first stood still.
        left: when the scale fell to the clearing weight, or without a scale the exit was free again.
        seen: last sign of the vehicle: the scale, or a loop.
        resumed: when the agent began again with this passage under way; not remembered.
        unwatched: the scale was not heard for a while with the vehicle on it: another one may stand there now.
        entered: the entry loop went for this passage.
        exited: the exit loop went for it.
        again: the entry loop went once more: somebody follows, or it goes back.
        turned: it was at the exit and is at the entry still: it goes back.
        behind: whoever it is followed another one closely.
        unrecorded: the passage holds readings of after the decision that no revision tells yet.
        in_active: the entry loop as it is now.
        out_active: the exit loop as it is now.
        before: the passage before, for readings that come late.
        before_left: when its vehicle left.
        queued: readings of the next vehicles, in order of arrival.
        recent: at an observation point: the last vehicles seen.
        faults: devices that are at fault, with the word for it.
    """

    passage: Passage | None = None
    recorded: bool = False
    on_scale: bool = False
    settled: Moment | None = None
    left: Moment | None = None
    seen: Moment | None = None
    resumed: Moment | None = None
    unwatched: bool = False
    before: Passage | None = None
    before_left: Moment | None = None
    queued: tuple[PlateSeen | Observation, ...] = ()
    entered: bool = False
    exited: bool = False
    again: bool = False
    turned: bool = False
    behind: bool = False
    unrecorded: bool = False
    in_active: bool = False
    out_active: bool = False
    recent: tuple[RecentVehicle, ...] = ()
    faults: tuple[tuple[str, str], ...] = ()

    def again_at(self, now: Moment) -> LaneState:
        """The state with which an agent that was stopped or killed goes on."""
        return replace(self, unwatched=self.on_scale, resumed=now if self.passage else None)

    def told_of(self, event: DeviceEvent) -> LaneState:
        """The state after a device changed its own."""
        known = {device: text for device, text in self.faults if device != event.device_id}
        if event.state not in WELL:
            known[event.device_id] = f"{event.device_id} is {event.state.value}: {event.text}"
        return replace(self, faults=tuple(sorted(known.items())))

    def fault_of(self, device_id: str) -> str:
        """What is wrong with a device; "" for nothing."""
        return next((text for device, text in self.faults if device == device_id), "")


@dataclass(frozen=True, slots=True)
class RecentVehicle:
    """A vehicle that an observation point saw: `last` when; `unrecorded`: with reads that no revision tells yet."""

    passage: Passage
    last: Moment
    unrecorded: bool = False


@dataclass(frozen=True, slots=True)
class OrphanReading:
    """A reading that belongs to no passage."""

    reading: PlateSeen | Observation
    reason: str


@dataclass(frozen=True, slots=True)
class Advance:
    """What one step gives: the new state, passages to record (in order), readings that found none."""

    state: LaneState
    passages: tuple[Passage, ...] = ()
    orphans: tuple[OrphanReading, ...] = ()

    def then(self, following: Advance) -> Advance:
        """Both steps; `following` began where this one ended."""
        return Advance(following.state, self.passages + following.passages, self.orphans + following.orphans)
