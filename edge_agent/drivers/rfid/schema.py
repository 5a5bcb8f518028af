"""What the profile of a radio tag reader says."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictInt

from edge_agent.drivers.layer import Layer
from edge_agent.drivers.schema import DeviceLayer


class LlrpLink(Layer):
    """`[link]`: the reader's TCP port, how often it shall show that it is there, and how long it may be silent."""

    tcp_port: Annotated[StrictInt, Field(ge=1, le=65_535)]
    keepalive_seconds: Annotated[StrictInt, Field(ge=1, le=3600)]
    silent_after: Annotated[StrictInt, Field(ge=1, le=86_400)]


class InventoryLayer(Layer):
    """`[inventory]`: the ROSpec that the gate adds: its id and the antennas (0: all)."""

    rospec_id: Annotated[StrictInt, Field(ge=1, le=0xFFFF_FFFF)]
    antennas: Annotated[tuple[Annotated[StrictInt, Field(ge=0, le=0xFFFF)], ...], Field(min_length=1, max_length=64)]


class TagKeep(Layer):
    """`[keep]`: a tag is one record for as long as it is seen again within `gone_after_seconds`."""

    gone_after_seconds: Annotated[StrictInt, Field(ge=1, le=86_400)]


class RfidProfile(Layer):
    """`rfid/*`: a reader that speaks LLRP."""

    name: str
    device: DeviceLayer
    link: LlrpLink
    inventory: InventoryLayer
    keep: TagKeep
