"""The actuators of one lane, as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from edge_agent.actuate.words import Word


class Kind(Enum):
    """What an actuator is."""

    BARRIER = "barrier"
    LAMP = "lamp"
    DISPLAY = "display"


@dataclass(frozen=True, slots=True)
class Actuator:
    """One barrier, lamp or display behind the outputs of an input/output device.

    Attributes:
        actuator_id: its name in the site file.
        device_id: the device whose outputs it is wired to.
        outputs: for each word that it understands, the outputs to set and to what. A word that is missing is not for
            this actuator.
        pulse_s: its outputs are taken back after so many seconds (a barrier with buttons for up and down); None: they
            stay (a relay that is on while the barrier is open).
        fail_safe: what it is told when nobody can be let through in order; None leaves it as it is.
    """

    actuator_id: str
    kind: Kind
    device_id: str
    outputs: Mapping[Word, Mapping[str, bool]]
    pulse_s: float | None
    fail_safe: Word | None


@dataclass(frozen=True, slots=True)
class LaneActuators:
    """What one lane has.

    Attributes:
        actuators: in the order in which they are told to stop: lamps and displays, then the barrier. They are let
            through in the other order.
        seen_device: device whose input shows that somebody is in the gateway; "" when the lane has none.
        seen_input: that input.
        pass_within_s: a release is used up after so long without anybody in the gateway; without such an input it is
            how long the barrier stays open.
    """

    lane_id: str
    actuators: tuple[Actuator, ...]
    seen_device: str
    seen_input: str
    pass_within_s: float

    @property
    def watches(self) -> bool:
        """Whether the lane sees who goes through."""
        return bool(self.seen_input)
