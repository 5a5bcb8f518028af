"""What the profile of a document reader says."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictInt

from edge_agent.drivers.asking import HexBytes
from edge_agent.drivers.layer import Layer
from edge_agent.drivers.schema import DeviceLayer
from edge_agent.drivers.stream import StreamLink


class ZoneLayer(Layer):
    """`[zone]`: how the lines of a machine-readable zone come.

    Attributes:
        dropped: bytes that may stand anywhere around the lines and mean nothing (STX, ETX), in hexadecimal.
    """

    dropped: HexBytes | None = None


class DocumentKeep(Layer):
    """`[keep]`: the same document becomes another record only `again_after_seconds` after it was sent last."""

    again_after_seconds: Annotated[StrictInt, Field(ge=1, le=3600)]


class DocumentProfile(Layer):
    """`document/*`: a reader that sends the lines of a machine-readable zone as text."""

    name: str
    device: DeviceLayer
    link: StreamLink
    zone: ZoneLayer = ZoneLayer()
    keep: DocumentKeep
