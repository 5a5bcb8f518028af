"""The GPIO link: lines of a chip of this machine, edges as the kernel saw them; outputs on command. libgpiod 2."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from threading import Event, Lock

import gpiod
from gpiod.line import Bias, Direction, Edge, Value

from edge_agent.errors import LinkError
from edge_agent.model.moment import Moment
from edge_agent.model.points import Point
from edge_agent.model.readings import DeviceEvent, DeviceState

LONGEST_WAIT_S = 0.2
"""`stop` is noticed between two waits."""

PAUSE_S = 1.0

_Lines = dict[Iterable[int | str] | int | str, gpiod.LineSettings | None]
_BIAS = {None: Bias.AS_IS, "pull-up": Bias.PULL_UP, "pull-down": Bias.PULL_DOWN}


class GpioLink:
    """Watches input lines; an output line is taken with its first command and kept.

    Args:
        chip: path of the chip, e.g. /dev/gpiochip0.
        debounce_s: the kernel drops pulses that are shorter.
    """

    def __init__(
        self,
        device_id: str,
        chip: str,
        inputs: Mapping[str, Point],
        outputs: Mapping[str, Point],
        debounce_s: float,
        clock: Callable[[], Moment],
    ) -> None:
        self._device_id, self._chip = device_id, chip
        self._inputs, self._outputs = dict(inputs), dict(outputs)
        self._debounce = timedelta(seconds=debounce_s)
        self._clock = clock
        self._held: dict[str, gpiod.LineRequest] = {}
        self._lock = Lock()
        self._told = ""
        self._failures = 0

    def run(
        self,
        on_values: Callable[[Mapping[str, int], Moment], None],
        on_event: Callable[[DeviceEvent], None],
        stop: Event,
    ) -> None:
        """Until `stop`: first the state of all inputs, then each edge. The chip is opened again when it was lost."""
        while not stop.is_set():
            try:
                self._watch(on_values, on_event, stop)
            except OSError as error:
                self._failures += 1
                self._tell(on_event, DeviceState.UNPLUGGED, self._explain(error))
                stop.wait(PAUSE_S)
        with self._lock:
            for held in self._held.values():
                held.release()
            self._held.clear()

    def write(self, name: str, *, active: bool) -> None:
        """Set one output. LinkError when there is none of that name, or the line cannot be had."""
        if name not in self._outputs:
            raise LinkError(
                f"{self._device_id} has no output '{name}'",
                fix=f"Known here: {', '.join(sorted(self._outputs)) or 'none; name outputs in the site file'}",
            )
        point, value = self._outputs[name], Value.ACTIVE if active else Value.INACTIVE
        try:
            with self._lock:
                if name in self._held:
                    self._held[name].set_value(point.address, value)
                    return
                settings = gpiod.LineSettings(direction=Direction.OUTPUT, active_low=point.inverted, output_value=value)
                self._held[name] = self._request({point.address: settings})
        except OSError as error:
            raise LinkError(self._explain(error)) from error

    def _watch(
        self,
        on_values: Callable[[Mapping[str, int], Moment], None],
        on_event: Callable[[DeviceEvent], None],
        stop: Event,
    ) -> None:
        names = {point.address: name for name, point in self._inputs.items()}
        if not names:
            self._tell(on_event, DeviceState.OK, "Outputs only")
            stop.wait()
            return
        config: _Lines = {point.address: self._settings(point) for point in self._inputs.values()}
        with self._request(config) as request:
            self._failures = 0
            self._tell(on_event, DeviceState.OK, "Readings come")
            offsets = list(names)
            values = request.get_values(offsets)
            first = {names[offset]: int(value is Value.ACTIVE) for offset, value in zip(offsets, values, strict=True)}
            on_values(first, self._clock())
            while not stop.is_set():
                if not request.wait_edge_events(LONGEST_WAIT_S):
                    continue
                for edge in request.read_edge_events():
                    rising = edge.event_type is edge.Type.RISING_EDGE
                    on_values({names[edge.line_offset]: int(rising)}, self._clock())

    def _request(self, lines: _Lines) -> gpiod.LineRequest:
        return gpiod.request_lines(self._chip, lines, consumer="tidegate")

    def _settings(self, point: Point) -> gpiod.LineSettings:
        return gpiod.LineSettings(
            direction=Direction.INPUT,
            edge_detection=Edge.BOTH,
            bias=_BIAS[point.pull],
            active_low=point.inverted,
            debounce_period=self._debounce,
        )

    def _explain(self, error: OSError) -> str:
        fix = "See which chips and lines there are with gpioinfo; the agent's user must be in the group gpio"
        return str(LinkError(f"{self._chip} cannot be used", cause=error.strerror or str(error), fix=fix))

    def _tell(self, on_event: Callable[[DeviceEvent], None], state: DeviceState, text: str) -> None:
        if text != self._told:
            self._told = text
            on_event(DeviceEvent(self._device_id, self._clock(), state, text, max(self._failures, 1)))
