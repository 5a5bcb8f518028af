"""Inputs and registers: each answer is a line, as `edge-agent decode` reads it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event

from edge_agent.app.point_links import PointLinks, measured
from edge_agent.app.stream_link import port_of
from edge_agent.clock import SystemClock
from edge_agent.commands.decoders import KindDecoder, open_decoder
from edge_agent.config_devices import DeviceTable
from edge_agent.drivers.io.schema import IoProfile
from edge_agent.drivers.ultrasonic.schema import UltrasonicProfile
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState


@dataclass(frozen=True, slots=True)
class PointsSource:
    """See Source. Outputs are never written here."""

    table: DeviceTable
    device: IoProfile | UltrasonicProfile

    @property
    def name(self) -> str:
        """As in the site file."""
        return self.table.id

    @property
    def profile(self) -> str:
        """As in the site file."""
        return self.table.profile

    @property
    def where(self) -> str:
        """As in the site file."""
        return port_of(self.table)

    @property
    def settings(self) -> dict[str, object]:
        """What is wired where, beside the profile."""
        return {"unit": self.table.unit, "inputs": dict(self.table.inputs)}

    def decoder(self) -> KindDecoder:
        """Of the lines that `listen` makes."""
        return open_decoder(self.profile, variant=None, profile_dir=self.table.profile_dir)

    def watched(self) -> None:
        """The link tells what is wrong."""

    def listen(
        self, on_bytes: Callable[[bytes, Moment], None], on_event: Callable[[DeviceEvent], None], stop: Event
    ) -> None:
        """Ask again and again; an interruption is a line, too."""
        clock = SystemClock()
        links, began = PointLinks(clock), clock()
        device = self.device
        if isinstance(device, IoProfile):
            link = links.of_io(self.table, device)
        else:
            link = links.of_distance(self.table, device)

        def line(now: Moment, key: str, value: object) -> None:
            at_ms = round(now.seconds_since(began) * 1000)
            on_bytes(json.dumps({"at_ms": at_ms, key: value}).encode() + b"\n", now)

        def take(values: Mapping[str, int], now: Moment) -> None:
            if isinstance(device, IoProfile):
                line(now, "states", {name: bool(value) for name, value in values.items()})
            else:
                line(now, "count", measured(device.measure, values))

        def told(event: DeviceEvent) -> None:
            if event.state is not DeviceState.OK:
                line(event.at, "states" if isinstance(device, IoProfile) else "count", None)
            on_event(event)

        link.run(take, told, stop)
