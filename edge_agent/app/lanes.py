"""The lanes of a site file: what each is told, and which reading is whose."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from edge_agent.app.lane import Lane, LaneWorker
from edge_agent.assemble.core import IsBooked, nobody_knows
from edge_agent.assemble.lane import GateLane
from edge_agent.assemble.observation_point import ObservationPoint
from edge_agent.assemble.state import LaneSettings
from edge_agent.config import LaneTable, SiteFile
from edge_agent.config_lanes import expected, givers
from edge_agent.drivers.io.schema import IoProfile
from edge_agent.errors import EdgeAgentError
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent
from edge_agent.model.wire import moment_of
from edge_agent.profiles import load_profile
from gate_contract.v1.reading_pb2 import Reading

NAMES = Callable[[Moment], str]


def lane_settings(table: LaneTable, site: SiteFile) -> LaneSettings:
    """One lane as assembly is told of it."""
    return LaneSettings(
        lane_id=table.id,
        direction=table.direction,
        scales=table.scales,
        cameras=table.cameras,
        open_kilograms=table.open_weight,
        clear_kilograms=table.clear_weight,
        grace_s=table.grace,
        settle_s=table.settle,
        approach_s=table.approach,
        late_s=table.late,
        stand_s=table.stand_s,
        kind=table.kind,
        expects=expected(table, site),
        givers=tuple((kind, device) for kind, device in givers(table, site) if kind not in ("weight", "plate")),
        loop_in=table.loop_in or "",
        loop_out=table.loop_out or "",
    )


def make_lane(settings: LaneSettings, new_passage_id: NAMES, is_booked: IsBooked = nobody_knows) -> Lane:
    """The steps of a lane of this kind."""
    if settings.kind == "observation":
        return ObservationPoint(settings, new_passage_id)
    return GateLane(settings, new_passage_id, is_booked)


class Routes:
    """Which reading is whose. A loop is the lane's that names it; everything else the lane's that its device names."""

    def __init__(self, tables: Sequence[LaneTable], lanes: Sequence[LaneWorker]) -> None:
        by_id = {lane.lane_id: lane for lane in lanes}
        self._by_id: Mapping[str, LaneWorker] = by_id
        self._loops = {loop: by_id[table.id] for table in tables for loop in table.loops}
        self._by_device: defaultdict[str, list[LaneWorker]] = defaultdict(list)
        for lane in lanes:
            for device in lane.devices:
                self._by_device[device].append(lane)

    def take(self, reading: Reading) -> bool:
        """Whether a lane has taken the reading, which is durable then. JournalError while the disk takes nothing.

        What no lane takes stands for itself: ships, places and tags, cameras' health, and inputs that are no loops.
        """
        match reading.WhichOneof("body"):
            case "input":
                name = f"{reading.device_id}/{reading.input.name}"
                for lane in self._by_device.get(reading.device_id, ()):
                    for hook in lane.on_input:
                        hook(name, reading.input.active, moment_of(reading.at))
                lane_of_loop = self._loops.get(name)
                return lane_of_loop is not None and lane_of_loop.offer(reading)
            case "distance":
                mine = self._loops.get(reading.device_id) or self._by_id.get(reading.lane_id)
            case _:
                mine = self._by_id.get(reading.lane_id)
        return mine is not None and mine.offer(reading)

    def tell(self, event: DeviceEvent) -> None:
        """A device changed its state: the lanes that wait for its readings know why they do not come."""
        for lane in self._by_device.get(event.device_id, ()):
            lane.tell(event)


def loop_problems(site: SiteFile) -> Iterator[str]:
    """Loops that no input is named for; profiles that cannot be read are told elsewhere."""
    devices = {device.id: device for device in site.device if device.kind == "io"}
    for lane in site.lane:
        for key, loop in (("loop_in", lane.loop_in), ("loop_out", lane.loop_out)):
            name, _, contact = (loop or "").partition("/")
            if (device := devices.get(name)) is None:
                continue
            try:
                profile = load_profile(device.profile, device.profile_dir, of=IoProfile)
            except EdgeAgentError:
                continue
            known = sorted({*profile.input, *device.inputs})
            if contact not in known:
                there = ", ".join(known) or "none"
                yield f'lane "{lane.id}", {key}: {name} has no input {contact!r}; it has: {there}'


def actuator_problems(site: SiteFile) -> Iterator[str]:
    """Outputs and inputs that actuators name on a device whose table names none: the profile's, or nobody's."""
    devices = {device.id: device for device in site.device if device.kind == "io"}
    for actuator in site.actuator:
        seen_device, _, contact = (actuator.seen_by or "").partition("/")
        asked = [(word, actuator.device, output) for word, output in actuator.named.items()]
        for word, name, point in [*asked, ("seen_by", seen_device, contact)]:
            device = devices.get(name)
            mine = device and (device.inputs if word == "seen_by" else device.outputs)
            if device is None or mine:
                continue  # told with the site file itself
            try:
                profile = load_profile(device.profile, device.profile_dir, of=IoProfile)
            except EdgeAgentError:
                continue
            known = profile.input if word == "seen_by" else profile.output
            if point not in known:
                kind = "input" if word == "seen_by" else "output"
                there = ", ".join(sorted(known)) or "none"
                yield f'actuator "{actuator.id}", {word}: {name} has no {kind} {point!r}; it has: {there}'
