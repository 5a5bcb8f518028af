"""What the profile of an input/output device says: how it is asked, and what is wired where as delivered."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictInt

from edge_agent.drivers.layer import Layer
from edge_agent.drivers.schema import DeviceLayer
from edge_agent.model.points import point


def _point(text: str) -> str:
    point(text)
    return text


PointText = Annotated[str, AfterValidator(_point)]
PointName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]


class ModbusLayer(Layer):
    """`[link]` of a Modbus device. `unit`: its address on the bus, by TCP up to 255; baud and format are for RTU."""

    protocol: Literal["modbus"]
    unit: Annotated[StrictInt, Field(ge=0, le=255)]
    poll_milliseconds: Annotated[StrictInt, Field(ge=10, le=60_000)]
    timeout_milliseconds: Annotated[StrictInt, Field(ge=50, le=10_000)]
    baud: Annotated[StrictInt, Field(ge=110, le=921_600)]
    format: Annotated[str, Field(pattern=r"^[78][NEO][12]$")]


class GpioLayer(Layer):
    """`[link]` of lines of this machine."""

    protocol: Literal["gpio"]


class IoProfile(Layer):
    """`io/*`: inputs that are watched, outputs that are set on command. The site file adds to both tables."""

    name: str
    device: DeviceLayer
    link: Annotated[ModbusLayer | GpioLayer, Field(discriminator="protocol")]
    debounce_milliseconds: Annotated[StrictInt, Field(ge=0, le=10_000)]
    input: dict[PointName, PointText] = Field(default_factory=dict)
    output: dict[PointName, PointText] = Field(default_factory=dict)
