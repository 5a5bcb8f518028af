"""[[scale]] of a site file: one weighing indicator."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from edge_agent.config_values import Baud, DataFormat, HexBytes, Name, SomeKilograms, SomeSeconds, like, port_name


class ScaleTable(BaseModel):
    """[[scale]]: one weighing indicator.

    Attributes:
        id: its name here.
        profile: its model, e.g. "scale/yaohua-xk3190-a9-tf0".
        profile_dir: directory with profiles of one's own, scale/MODEL.toml inside; they go before the shipped ones.
        port: device path, or socket://host:port, or rfc2217://host:port.
        baud: bits per second; None takes the profile's.
        data_format: "8N1", "7E1" …; None takes the profile's.
        hello: bytes that a converter in front of the device sends first on each connection, in hexadecimal; None takes
            the profile's.
        address: of a device that is asked, as in its menu; None takes the profile's first. With addresses, several
            scales may share a port.
        ask: commands of the profile that it is asked again and again; none takes those the profile repeats.
        ask_every: from one question to the next; None takes the profile's.
        unit: unit of the display where the protocol does not say; None takes the profile's.
        variant: pins one variant of the profile's frame; None accepts those the profile allows.
        division: verification division e.
        accuracy_class: OIML R 76 class of the scale.
        stable_window: how long a weight must stand still.
        stable_samples: how many frames at least.
        silent_after: no bytes for so long is a fault.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Name
    profile: Annotated[
        str, like(r"scale/.+", 'a scale\'s profile is named "scale/…", e.g. "scale/yaohua-xk3190-a9-tf0"')
    ]
    profile_dir: Path | None = None
    port: Annotated[str, AfterValidator(port_name)]
    baud: Baud | None = None
    data_format: DataFormat | None = None
    hello: HexBytes | None = None
    address: str | None = None
    ask: tuple[str, ...] = ()
    ask_every: SomeSeconds | None = None
    unit: Literal["kg", "g", "t", "lb"] | None = None
    variant: str | None = None
    division: SomeKilograms
    accuracy_class: Literal["I", "II", "III", "IIII"] = "III"
    stable_window: SomeSeconds = 1.0
    stable_samples: Annotated[int, Field(strict=True, ge=2, le=1000)] = 5
    silent_after: SomeSeconds = 3.0

    @property
    def place(self) -> str:
        """What no other scale may have: a port, or an address on one."""
        port = _same_port(self.port)
        return port if self.address is None else f"{port} address {self.address}"

    def beside(self, base: Path) -> ScaleTable:
        """With its directory, which is relative to the site file's, `base`."""
        return self if self.profile_dir is None else self.model_copy(update={"profile_dir": base / self.profile_dir})


def _same_port(port: str) -> str:
    """Equal for two ways to write one port."""
    if "://" not in port:
        return os.path.realpath(port)
    parts = urlsplit(port)
    return f"{parts.hostname}:{parts.port}"
