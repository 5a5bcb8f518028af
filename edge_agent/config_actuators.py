"""[[actuator]] of a site file: barriers, lamps and displays behind the outputs of an input/output device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edge_agent.config_devices import DeviceTable
from edge_agent.config_lanes import LaneTable
from edge_agent.config_values import Name, SomeSeconds

WORDS: Mapping[str, tuple[str, ...]] = {
    "barrier": ("open", "close"),
    "lamp": ("green", "red"),
    "display": ("go", "stop"),
}
"""The keys that name outputs, by kind."""

SAFE: Mapping[str, Mapping[str, str | None]] = {
    "barrier": {"closed": "close", "open": "open", "as-is": None},
    "lamp": {"red": "red", "off": "off", "as-is": None},
    "display": {"stop": "stop", "off": "off", "as-is": None},
}
"""What `fail_safe` may say, by kind, and the word it stands for."""


class ActuatorTable(BaseModel):
    """[[actuator]]: one barrier, lamp or display of a lane.

    Attributes:
        id: its name here.
        kind: "barrier", "lamp" or "display".
        lane: the lane it belongs to.
        device: the io/… device whose outputs it is wired to.
        open: barrier: output that opens it.
        close: barrier: output that closes it; None: it closes when `open` is off.
        green: lamp: output of the green light.
        red: lamp: output of the red light.
        go: display: output that shows the preset text "drive on".
        stop: display: output that shows the preset text "stop".
        pulse: outputs are on for so many seconds only (a controller with buttons); None: they stay on.
        fail_safe: what it is told at the start, at the stop, and when the gate cannot let anybody through in order.
            A barrier has none by default: who may be shut in, and who must get out, is the site's to say.
        seen_by: DEVICE/INPUT that shows somebody in the gateway (a loop or light curtain behind the barrier).
        pass_within: a release is used up when nobody came for so long.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Name
    kind: Literal["barrier", "lamp", "display"]
    lane: str
    device: str
    open: Name | None = None
    close: Name | None = None
    green: Name | None = None
    red: Name | None = None
    go: Name | None = None
    stop: Name | None = None
    pulse: SomeSeconds | None = None
    fail_safe: str = ""
    seen_by: Annotated[str, Field(pattern=r"^[^/]+/[^/]+$")] | None = None
    pass_within: SomeSeconds = 30.0

    @property
    def named(self) -> dict[str, str]:
        """Outputs by the key that names them."""
        keys = dict.fromkeys(word for words in WORDS.values() for word in words)
        return {key: value for key in keys if (value := getattr(self, key)) is not None}

    @model_validator(mode="after")
    def _fits(self) -> ActuatorTable:
        mine = WORDS[self.kind]
        for key in self.named:
            if key not in mine:
                raise ValueError(f"{key} is not for a {self.kind}; a {self.kind} has {' and '.join(mine)}")
        first = mine[0]
        if self.kind == "barrier" and self.open is None:
            raise ValueError("open is missing; name the output that opens the barrier")
        if not self.named:
            raise ValueError(f"no output is named; add {first} or {mine[1]}")
        if self.pulse is not None and self.kind == "barrier" and self.close is None:
            raise ValueError("pulse needs close: with a pulse on `open` alone nothing would close the barrier again")
        known = SAFE[self.kind]
        if self.fail_safe not in known and not (self.fail_safe == "" and self.kind != "barrier"):
            said = f"is {self.fail_safe!r}" if self.fail_safe else "is missing"
            raise ValueError(
                f"fail_safe {said}; write one of {', '.join(map(repr, known))}"
                + (" (a barrier must say it: decide who may be shut in)" if self.kind == "barrier" else "")
            )
        if self.kind != "barrier" and (self.seen_by is not None or "pass_within" in self.model_fields_set):
            raise ValueError("seen_by and pass_within stand at the lane's barrier")
        return self


def actuator_misfits(
    actuators: Sequence[ActuatorTable], devices: Sequence[DeviceTable], lanes: Sequence[LaneTable]
) -> Iterator[str]:
    """What is right by itself and does not fit together; what profiles name is checked with the profiles."""
    by_id = {device.id: device for device in devices}
    ids: set[str] = set()
    barriers: dict[str, str] = {}
    for actuator in actuators:
        key = f'actuator "{actuator.id}"'
        if actuator.id in ids:
            yield f"{key}, id: {actuator.id!r} is used twice; give every actuator its own name"
        ids.add(actuator.id)
        yield from _lane_misfits(key, actuator, lanes)
        yield from _unknown_device(f"{key}, device", actuator.device, by_id)
        if actuator.seen_by is not None:
            yield from _seen_by_misfits(f"{key}, seen_by", actuator, by_id, lanes)
        if actuator.kind == "barrier":
            first_barrier = barriers.setdefault(actuator.lane, actuator.id)
            if first_barrier != actuator.id:
                yield f'{key}: lane {actuator.lane!r} has a barrier already, "{first_barrier}"; a lane has one'
    yield from _output_misfits(actuators, by_id)


def _lane_misfits(key: str, actuator: ActuatorTable, lanes: Sequence[LaneTable]) -> Iterator[str]:
    kinds = {lane.id: lane.kind for lane in lanes}
    if actuator.lane not in kinds:
        yield f"{key}, lane: there is no lane {actuator.lane!r}; known here: {', '.join(sorted(kinds))}"
    elif kinds[actuator.lane] == "observation":
        yield f"{key}, lane: nobody is stopped at the observation point {actuator.lane!r}; name another lane"


def _output_misfits(actuators: Sequence[ActuatorTable], by_id: Mapping[str, DeviceTable]) -> Iterator[str]:
    """One output, one user: also where it goes by two names, for a lamp must not raise a barrier."""
    users: dict[tuple[str, str], str] = {}
    names: dict[tuple[str, str], str] = {}
    for actuator in actuators:
        device = by_id.get(actuator.device)
        for word, output in actuator.named.items():
            key = f'actuator "{actuator.id}", {word}'
            first = users.setdefault((actuator.device, output), actuator.id)
            if first != actuator.id:
                yield f'{key}: {output!r} of {actuator.device} is used twice, first by actuator "{first}"'
            if device is None or not device.outputs:
                continue
            if output not in device.outputs:
                known = ", ".join(sorted(device.outputs))
                yield f"{key}: {actuator.device} has no output {output!r}; known here: {known}"
                continue
            point = device.outputs[output].partition(" ")[0]
            other = names.setdefault((actuator.device, point), output)
            if other != output:
                yield f"{key}: {output!r} of {actuator.device} is {point}, as its {other!r} is; correct one of them"


def _seen_by_misfits(
    key: str, actuator: ActuatorTable, by_id: Mapping[str, DeviceTable], lanes: Sequence[LaneTable]
) -> Iterator[str]:
    seen_by = actuator.seen_by or ""
    name, _, contact = seen_by.partition("/")
    yield from _unknown_device(key, name, by_id)
    watched = by_id.get(name)
    if watched is not None and watched.inputs and contact not in watched.inputs:
        yield f"{key}: {name} has no input {contact!r}; known here: {', '.join(sorted(watched.inputs))}"
    if other := next((lane.id for lane in lanes if seen_by in lane.loops and lane.id != actuator.lane), None):
        yield (
            f'{key}: {seen_by!r} is the loop of lane "{other}", which says nothing of who is under this barrier; name '
            "the loop behind it"
        )


def _unknown_device(key: str, name: str, devices: Mapping[str, DeviceTable]) -> Iterator[str]:
    device = devices.get(name)
    if device is None:
        known = ", ".join(sorted(each.id for each in devices.values() if each.kind == "io"))
        yield f"{key}: there is no device {name!r}; " + (
            f"io devices here: {known}" if known else "add an io/… [[device]]"
        )
    elif device.kind != "io":
        yield f"{key}: {name!r} is a {device.profile}; only io/… devices have inputs and outputs"
