"""[[lane]] of a site file: one physical way through the gate, what it reads, and what completes a passage there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edge_agent.config_devices import DeviceTable
from edge_agent.config_values import Kilograms, LaneName, Seconds, SomeKilograms, SomeSeconds
from edge_agent.config_video import VideoTable, plate_videos
from edge_agent.model.observation import ReadingKind
from edge_agent.model.passage import LaneKind

Expected = Literal["weight", "axles", "plate", "container", "scan", "radiation", "document", "face", "distance"]

GIVES: Mapping[str, ReadingKind] = {
    "document": "document",
    "radiation": "radiation",
    "ultrasonic": "distance",
    "xray": "scan",
}
"""What a [[device]] of this kind reads of a passage; the others read nothing, or inputs."""

VIDEO_GIVES: Mapping[str, ReadingKind] = {"container": "container", "face": "face"}
"""What a [[video]] reads beside plates."""

BY_DEFAULT: Mapping[LaneKind, tuple[ReadingKind, ...]] = {
    "vehicle": ("weight", "plate", "container", "scan", "radiation", "document", "face"),
    "empty-container": ("weight", "plate", "container", "scan", "distance"),
    "passenger": ("document", "face"),
    "observation": ("plate",),
}
"""What a lane of each kind expects, as far as its devices give it, where the site file does not say."""

STAND_S: Mapping[LaneKind, float] = {"passenger": 60.0}
STAND_DEFAULT_S = 300.0

LoopName = Annotated[str, Field(pattern=r"^[a-z0-9-]+(/[a-z0-9-]+)?$")]


class LaneTable(BaseModel):
    """[[lane]]: one physical way through the gate.

    Attributes:
        id: its name.
        kind: "vehicle", "empty-container", "passenger", or "observation" where nobody is stopped.
        direction: which way, seen from the island.
        goods: "regulated" where goods need a declaration to pass (second line), else "free".
        scales: device ids.
        cameras: device ids of plate cameras; a [[video]] that reads plates names its lane itself, and is added here.
        expects: what completes a passage; None takes what the lane's devices give.
        loop_in: DEVICE/INPUT of the loop or light curtain where one enters, or the id of a distance sensor there.
        loop_out: the same where one leaves.
        open_weight: a load from here on is a vehicle.
        clear_weight: a load down to here is none.
        grace: how long what is missing may come after the weight stood still, or the vehicle left.
        settle: how long a weight may take to stand still.
        approach: how long a passage waits that is not on a scale.
        late: how long after a vehicle has left a reading can still find its passage; at an observation point, within
            how long reads of one plate are one passage.
        stand: how long somebody who was decided is taken to stand between the loops without a sign; None takes 60 s
            for passengers and 300 s for vehicles.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: LaneName
    kind: LaneKind
    direction: Literal["inbound", "outbound"] | None = None
    goods: Literal["regulated", "free"] = "regulated"
    scales: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    expects: Annotated[tuple[Expected, ...], Field(min_length=1)] | None = None
    loop_in: LoopName | None = None
    loop_out: LoopName | None = None
    open_weight: SomeKilograms = Decimal(500)
    clear_weight: Kilograms = Decimal(200)
    grace: Seconds = 3.0
    settle: SomeSeconds = 20.0
    approach: SomeSeconds = 30.0
    late: Seconds = 60.0
    stand: SomeSeconds | None = None

    @property
    def loops(self) -> tuple[str, ...]:
        """Its triggers."""
        return tuple(loop for loop in (self.loop_in, self.loop_out) if loop is not None)

    @property
    def stand_s(self) -> float:
        """`stand`, or what its kind takes."""
        return self.stand or STAND_S.get(self.kind, STAND_DEFAULT_S)

    @model_validator(mode="after")
    def _fits(self) -> LaneTable:
        if self.clear_weight >= self.open_weight:
            raise ValueError(
                f"clear_weight ({self.clear_weight} kg) is not below open_weight ({self.open_weight} kg); a lane would "
                "never be empty again"
            )
        if self.loop_in is not None and self.loop_in == self.loop_out:
            raise ValueError(f"loop_in and loop_out are both {self.loop_in!r}; name two inputs, or one of the keys")
        if self.expects is not None and len(set(self.expects)) < len(self.expects):
            raise ValueError("expects names something twice; write each once")
        return self


class Equipment(Protocol):
    """What a site file says of devices."""

    @property
    def device(self) -> tuple[DeviceTable, ...]:
        """[[device]] tables."""

    @property
    def video(self) -> tuple[VideoTable, ...]:
        """[[video]] tables."""


def givers(lane: LaneTable, site: Equipment) -> Iterator[tuple[ReadingKind, str]]:
    """What the lane's devices give, and which: a weight and a plate as well as the rest."""
    yield from (("weight", scale) for scale in lane.scales)
    cameras = dict.fromkeys((*lane.cameras, *plate_videos(site.video, lane.id)))
    yield from (("plate", camera) for camera in cameras)
    for device in site.device:
        if device.lane == lane.id and device.kind in GIVES and device.id not in lane.loops:
            yield GIVES[device.kind], device.id
    for video in site.video:
        if video.lane == lane.id:
            yield from ((VIDEO_GIVES[kind], video.id) for kind in video.reads if kind in VIDEO_GIVES)


def expected(lane: LaneTable, site: Equipment) -> tuple[ReadingKind, ...]:
    """What completes a passage of the lane."""
    if lane.expects is not None:
        return lane.expects
    given = {kind for kind, _ in givers(lane, site)}
    return tuple(kind for kind in BY_DEFAULT[lane.kind] if kind in given)


def devices_of(lane: LaneTable, site: Equipment) -> tuple[str, ...]:
    """Everything that tells the lane something: what gives it readings, its loops, and other inputs in it."""
    here = [device.id for device in site.device if device.lane == lane.id]
    here += [video.id for video in site.video if video.lane == lane.id]
    loops = [loop.partition("/")[0] for loop in lane.loops]
    return tuple(dict.fromkeys((*(device for _, device in givers(lane, site)), *here, *loops)))


def lane_misfits(lanes: Sequence[LaneTable], site: Equipment) -> Iterator[str]:
    """What is right by itself and does not fit together."""
    users: dict[str, str] = {}
    for lane in lanes:
        key = f'lane "{lane.id}"'
        given = {kind for kind, _ in givers(lane, site)}
        if lane.scales and lane.kind in ("passenger", "observation"):
            yield f"{key}, scales: a lane of the kind {lane.kind} weighs nobody; remove them, or correct its kind"
        if lane.kind == "observation":
            yield from _observation_misfits(lane, key)
        if not expected(lane, site):
            known = ", ".join(BY_DEFAULT[lane.kind])
            yield (
                f"{key}: none of its devices reads what completes a passage of the kind {lane.kind} ({known}); name at "
                "least one device"
            )
        for kind in lane.expects or ():
            if kind not in given and not (kind == "axles" and lane.scales):
                hint = f"they give {', '.join(sorted(given))}" if given else "it has none"
                yield f"{key}, expects: {kind!r} is read by none of its devices: {hint}; add the device, or remove it"
        for name in ("loop_in", "loop_out"):
            if (loop := getattr(lane, name)) is not None:
                yield from _loop_misfits(f"{key}, {name}", loop, site.device)
                first = users.setdefault(loop, f"{key}, {name}")
                if first != f"{key}, {name}":
                    yield f"{key}, {name}: {loop!r} is used twice, first as {first}; a loop belongs to one lane"


def _observation_misfits(lane: LaneTable, key: str) -> Iterator[str]:
    if other := [kind for kind in lane.expects or () if kind != "plate"]:
        yield f"{key}, expects: an observation point takes plates only; remove {', '.join(other)}"
    if lane.loops:
        yield f"{key}: nobody is stopped at an observation point; remove loop_in and loop_out"


def _loop_misfits(key: str, loop: str, devices: Collection[DeviceTable]) -> Iterator[str]:
    """Inputs that a profile brings along are not known here: a name that the table lacks is looked up at the start."""
    by_id = {device.id: device for device in devices if device.kind in ("io", "ultrasonic")}
    name, _, contact = loop.partition("/")
    device = by_id.get(name)
    if device is None:
        other = next((device for device in devices if device.id == name), None)
        if other is not None:
            yield f"{key}: {name!r} is a {other.profile}; a loop is an input of an io/… device, or a distance sensor"
            return
        near = get_close_matches(name, sorted(by_id), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "add a [[device]] with a profile io/… and that id"
        yield f"{key}: there is no device with inputs {name!r}; {hint}"
    elif device.kind == "ultrasonic":
        if contact:
            yield f"{key}: {name!r} is a distance sensor, which is named by its id alone: {name!r}"
    elif not contact:
        yield f'{key}: name the input, too: "{name}/INPUT"'
