"""The links of devices that are asked for points: inputs and outputs, registers; over Modbus, or lines of a chip."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from edge_agent.app.stream_link import port_of
from edge_agent.config_devices import DeviceTable
from edge_agent.drivers.io.schema import GpioLayer, IoProfile, ModbusLayer
from edge_agent.drivers.ultrasonic.schema import MeasureLayer, UltrasonicProfile
from edge_agent.errors import ConfigError
from edge_agent.model.moment import Moment
from edge_agent.model.points import Point, point
from edge_agent.optional import importing

_DISTANCE = ("distance", "distance-next")
"""The names under which a distance sensor's registers are polled, one after the other."""


def measured(measure: MeasureLayer, values: Mapping[str, int]) -> int:
    """The bits of a distance sensor's count, as polled."""
    return measure.joined([values[name] for name in _DISTANCE[: measure.registers]])


@dataclass(frozen=True, slots=True)
class PointLinks:
    """Makes links; units on one Modbus line share it and take turns."""

    clock: Callable[[], Moment]
    _buses: dict[str, Any] = field(default_factory=dict)

    def of_io(self, table: DeviceTable, profile: IoProfile) -> Any:
        """Of an input/output device; ConfigError when nothing is wired, or port or library cannot work."""
        inputs, outputs = _points(profile.input | table.inputs), _points(profile.output | table.outputs)
        if not inputs and not outputs:
            fix = 'Say what is wired where, e.g. inputs = { loop-in = "discrete:0" }'
            raise ConfigError(f'device "{table.id}" has neither inputs nor outputs', fix=fix)
        if isinstance(profile.link, GpioLayer):
            with importing("GPIO lines", "gpiod"):
                gpio = importlib.import_module("edge_agent.links.gpio_link")
            debounce_s = profile.debounce_milliseconds / 1000
            return gpio.GpioLink(table.id, port_of(table), inputs, outputs, debounce_s, self.clock)
        return self._modbus(table, profile.link, inputs, outputs)

    def of_distance(self, table: DeviceTable, profile: UltrasonicProfile) -> Any:
        """Of a distance sensor's registers; ConfigError as above."""
        first, count = point(profile.measure.register_), profile.measure.registers
        points = {name: replace(first, address=first.address + at) for at, name in enumerate(_DISTANCE[:count])}
        return self._modbus(table, profile.link, points, {})

    def _modbus(
        self, table: DeviceTable, layer: ModbusLayer, inputs: Mapping[str, Point], outputs: Mapping[str, Point]
    ) -> Any:
        with importing("Modbus devices", "pymodbus"):
            bus = importlib.import_module("edge_agent.links.modbus_bus")
            link = importlib.import_module("edge_agent.links.modbus_link")
        port = port_of(table)
        if port not in self._buses:
            baud, data_format = table.baud or layer.baud, table.data_format or layer.format
            self._buses[port] = bus.ModbusBus(port, baud, data_format, layer.timeout_milliseconds / 1000)
        unit = layer.unit if table.unit is None else table.unit
        poll_s = layer.poll_milliseconds / 1000
        return link.ModbusLink(table.id, self._buses[port], unit, inputs, outputs, poll_s, self.clock)


def _points(texts: Mapping[str, str]) -> dict[str, Point]:
    return {name: point(text) for name, text in texts.items()}
