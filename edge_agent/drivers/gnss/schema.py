"""What the profile of a GNSS receiver says."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictInt

from edge_agent.drivers.layer import Layer
from edge_agent.drivers.schema import DeviceLayer
from edge_agent.drivers.stream import StreamLink


class GnssKeep(Layer):
    """`[keep]`: which positions become records: a changed fix, a move, else one every `every_seconds`."""

    every_seconds: Annotated[StrictInt, Field(ge=1, le=86_400)]
    moved_metres: Annotated[StrictInt, Field(ge=1, le=100_000)]


class GnssProfile(Layer):
    """`gnss/*`: a receiver that sends NMEA 0183 sentences."""

    name: str
    device: DeviceLayer
    link: StreamLink
    keep: GnssKeep
