"""The Modbus link of one device: polls its points for ever, and writes outputs on command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Event

from edge_agent.errors import LinkError
from edge_agent.links.modbus_bus import ModbusBus, ModbusError
from edge_agent.model.moment import Moment
from edge_agent.model.points import Point
from edge_agent.model.readings import DeviceEvent, DeviceState

LONGEST_PAUSE_S = 2.0
"""Between two attempts while the device does not answer."""

OnValues = Callable[[Mapping[str, int], Moment], None]


class ModbusLink:
    """Reads the inputs of one unit on a bus every `poll_s`.

    Args:
        inputs: points by name.
        outputs: points by name that `write` may set; they are never set otherwise.
    """

    def __init__(
        self,
        device_id: str,
        bus: ModbusBus,
        unit: int,
        inputs: Mapping[str, Point],
        outputs: Mapping[str, Point],
        poll_s: float,
        clock: Callable[[], Moment],
    ) -> None:
        self._device_id, self._bus, self._unit = device_id, bus, unit
        self._inputs, self._outputs = dict(inputs), dict(outputs)
        self._poll_s, self._clock = poll_s, clock
        self._failures = 0
        self._told: tuple[DeviceState, str] | None = None

    def run(self, on_values: OnValues, on_event: Callable[[DeviceEvent], None], stop: Event) -> None:
        """Poll until `stop`. `on_event`: OK with the first answer; UNPLUGGED, SILENT or UNREADABLE with a new cause."""
        pause = self._poll_s
        while not stop.is_set():
            began = self._clock()
            try:
                values = self._bus.read(self._unit, self._inputs.values())
            except ModbusError as error:
                self._failures += 1
                self._tell(on_event, error.state, str(error))
                pause = min(max(2 * pause, 0.1), LONGEST_PAUSE_S)
            else:
                self._failures = 0
                self._tell(on_event, DeviceState.OK, "Readings come")
                on_values({name: values[point] for name, point in self._inputs.items()}, self._clock())
                pause = self._poll_s
            stop.wait(max(0.0, pause - self._clock().seconds_since(began)))
        self._bus.close()  # a neighbour on the line that goes on opens it again

    def write(self, name: str, *, active: bool) -> None:
        """Set one output. LinkError when there is none of that name, or the device did not confirm it."""
        if name not in self._outputs:
            raise LinkError(
                f"{self._device_id} has no output '{name}'",
                fix=f"Known here: {', '.join(sorted(self._outputs)) or 'none; name outputs in the site file'}",
            )
        self._bus.write(self._unit, self._outputs[name], active)

    def _tell(self, on_event: Callable[[DeviceEvent], None], state: DeviceState, text: str) -> None:
        """Each cause once: attempts go on, perhaps for weeks."""
        if (state, text) != self._told:
            self._told = (state, text)
            on_event(DeviceEvent(self._device_id, self._clock(), state, text, max(self._failures, 1)))
