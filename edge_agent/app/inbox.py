"""What devices were told is captured and no passage has taken yet, as bytes of the inbox (not part of the contract)."""

from __future__ import annotations

from edge_agent.model.observation import Observation
from edge_agent.model.observation_wire import observation_of
from edge_agent.model.readings import PlateSeen
from edge_agent.model.wire import plate_message, plate_of
from gate_contract.v1.passage_pb2 import PlateRead
from gate_contract.v1.reading_pb2 import Reading

_READING = b"\0"
"""In front of a Reading; no message begins with it, so that plates lie there as older agents wrote them."""


def body_of(reading: PlateSeen | Observation) -> bytes:
    """A reading as an inbox entry's body."""
    if isinstance(reading, PlateSeen):
        return plate_message(reading).SerializeToString()
    return _READING + reading.message


def reading_of(body: bytes) -> PlateSeen | Observation:
    """What `body_of` wrote; DecodeError or ValueError for anything else."""
    if not body.startswith(_READING):
        return plate_of(PlateRead.FromString(body))
    observation = observation_of(Reading.FromString(body[len(_READING) :]))
    if observation is None:
        raise ValueError("an inbox entry holds a reading that belongs to no passage")
    return observation
