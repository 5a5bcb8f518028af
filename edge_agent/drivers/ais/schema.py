"""What the profile of an AIS receiver says."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictInt

from edge_agent.drivers.layer import Layer
from edge_agent.drivers.schema import DeviceLayer
from edge_agent.drivers.stream import StreamLink


class AisKeep(Layer):
    """`[keep]`: which messages become records: a ship's first, a changed one, else one every `every_seconds`."""

    every_seconds: Annotated[StrictInt, Field(ge=1, le=86_400)]


class AisProfile(Layer):
    """`ais/*`: a receiver that sends AIVDM and AIVDO sentences."""

    name: str
    device: DeviceLayer
    link: StreamLink
    keep: AisKeep
