"""What the profile of a radiation portal says: which code stands for what in its lines."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictInt

from edge_agent.drivers.layer import Layer
from edge_agent.drivers.schema import DeviceLayer
from edge_agent.drivers.stream import StreamLink

CountsMean = Literal[
    "gamma",
    "gamma_alarm",
    "neutron",
    "neutron_alarm",
    "gamma_background",
    "neutron_background",
    "gamma_background_high",
    "gamma_background_low",
    "neutron_background_high",
    "tamper_set",
    "tamper_cleared",
]

Code = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{1,2}$")]


class SampleLayer(Layer):
    """`[sample]`: how many gamma samples make one second."""

    gamma_per_second: Annotated[StrictInt, Field(ge=1, le=100)]


class CodesLayer(Layer):
    """`[codes]`: the letters a line begins with. `counts`: a code and four counts, by what they mean."""

    counts: dict[Code, CountsMean]
    speed: Code
    end: Code
    setup_gamma: Code
    setup_gamma_end: Code
    setup_neutron: Code
    setup_other: tuple[Code, ...] = ()


class RadiationProfile(Layer):
    """`radiation/*`: a portal that sends comma-separated lines."""

    name: str
    device: DeviceLayer
    link: StreamLink
    sample: SampleLayer
    codes: CodesLayer
