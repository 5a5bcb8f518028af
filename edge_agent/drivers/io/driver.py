"""The input driver: states as read in, debounced changes out. Pure; time is an argument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge_agent.model.lane_readings import InputChanged
from edge_agent.model.moment import Moment


@dataclass(slots=True)
class _Input:
    """`state`: shown so far, None before the first. `candidate` has been read without a break since `since`."""

    state: bool | None = None
    candidate: bool | None = None
    since: Moment | None = None


class InputDriver:
    """Watches the inputs of one device.

    An input has changed when it read the same for the whole debounce time. A pulse shorter than that is bounce, and one
    shorter than the poll interval is never seen.

    Args:
        debounce_s: 0 where the kernel debounces, or nothing bounces.
    """

    def __init__(self, debounce_s: float) -> None:
        self._debounce_s = debounce_s
        self._inputs: dict[str, _Input] = {}

    def feed(self, states: Mapping[str, bool], now: Moment) -> list[InputChanged]:
        """What changed, now that these states were read."""
        return [change for name, active in states.items() if (change := self._one(name, active, now=now))]

    def interrupt(self) -> None:
        """The device was away: what its inputs did meanwhile is not known, and the first state then is told anew."""
        self._inputs.clear()

    def _one(self, name: str, active: bool, *, now: Moment) -> InputChanged | None:
        known = self._inputs.setdefault(name, _Input())
        if active == known.state:
            known.candidate = known.since = None
            return None
        if active != known.candidate or known.since is None:
            known.candidate, known.since = active, now
        if now.seconds_since(known.since) < self._debounce_s:
            return None
        initial = known.state is None
        known.state, known.candidate, known.since = active, None, None
        return InputChanged(name, active, initial)
