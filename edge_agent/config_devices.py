"""[[device]] of a site file: what is neither scale nor plate camera. Which keys a device needs depends on its kind."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from edge_agent.config_values import Baud, DataFormat, HexBytes, Name, SomeSeconds, like, port_name
from edge_agent.model.points import point

KINDS = ("ais", "document", "gnss", "io", "radiation", "rfid", "ultrasonic", "xray")
ProfileName = Annotated[
    str,
    like(
        rf"({'|'.join(KINDS)})/.+",
        f'a device\'s profile is named "KIND/MODEL"; kinds: {", ".join(KINDS)}',
    ),
]
_MODBUS = ("io/modbus", "ultrasonic/")


def _point_text(text: str) -> str:
    point(text)
    return text


PointText = Annotated[str, AfterValidator(_point_text)]


class DeviceTable(BaseModel):
    """[[device]]: radiation portal, scanner, document or tag reader, AIS or GNSS receiver, inputs, distance sensor.

    Attributes:
        id: its name here.
        profile: its model, e.g. "radiation/tsa-rapiscan-rpm".
        profile_dir: directory with profiles of one's own, KIND/MODEL.toml inside; they go before the shipped ones.
        port: serial path, socket://host:port or rfc2217://host:port; of a Modbus device also tcp://host:port; of GPIO
            the chip (/dev/gpiochip0); None only for a scanner that drops files.
        lane: the lane it stands in; None for none (ships, time and place).
        baud: bits per second; None takes the profile's.
        data_format: "8N1", "7E1" …; None takes the profile's.
        silent_after: no bytes for so long is a fault; None takes the profile's.
        address: of one that is asked and has an address, as its menu shows it; None takes the profile's first.
        hello: bytes that the converter in front of the device sends first on each connection, in hexadecimal; None
            takes the profile's.
        unit: Modbus address, up to 247 on a line and 255 by TCP; None takes the profile's.
        inputs: points by name, added to the profile's.
        outputs: points by name, added to the profile's; written only on command.
        folder: where a scanner's pictures or files arrive.
        occupied_below_mm: of a distance sensor; None takes the profile's.
        empty_above_mm: of a distance sensor; None takes the profile's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Name
    profile: ProfileName
    profile_dir: Path | None = None
    port: str | None = None
    lane: str | None = None
    baud: Baud | None = None
    data_format: DataFormat | None = None
    silent_after: SomeSeconds | None = None
    address: Annotated[str, Field(max_length=4)] | None = None
    hello: HexBytes | None = None
    unit: Annotated[int, Field(strict=True, ge=0, le=255)] | None = None
    inputs: dict[Name, PointText] = Field(default_factory=dict)
    outputs: dict[Name, PointText] = Field(default_factory=dict)
    folder: Path | None = None
    occupied_below_mm: Annotated[int, Field(strict=True, ge=0)] | None = None
    empty_above_mm: Annotated[int, Field(strict=True, ge=0)] | None = None

    @property
    def kind(self) -> str:
        """The first half of its profile's name."""
        return self.profile.partition("/")[0]

    def beside(self, base: Path) -> DeviceTable:
        """With its directories, which are relative to the site file's, `base`."""
        named = {"folder": self.folder, "profile_dir": self.profile_dir}
        return self.model_copy(update={key: base / path for key, path in named.items() if path is not None})

    @model_validator(mode="after")
    def _fits(self) -> DeviceTable:
        if self.port is None:
            if self.folder is None:
                raise ValueError("port is missing; add it, or the folder that a scanner drops its files into")
        else:
            _check_port(self.port, self.profile)
        for name, text in (self.inputs | self.outputs).items():
            if (point(text).table == "line") != self.profile.startswith("io/gpio"):
                raise ValueError(f'{name} = "{text}" does not fit {self.profile}: GPIO has lines, Modbus has the rest')
        for name, text in self.outputs.items():
            if not point(text).writable:
                raise ValueError(
                    f'output {name} = "{text}" cannot be written: use a coil, a holding register or a line'
                )
        return self


def _check_port(port: str, profile: str) -> None:
    """ValueError shows how to write the port of this kind of device."""
    if port.startswith("tcp://"):
        if not profile.startswith(_MODBUS) or not _has_host(port):
            raise ValueError(f"{port!r} is for Modbus TCP devices: tcp://HOST or tcp://HOST:502")
        return
    if profile.startswith("rfid/") and not port.startswith("socket://"):
        raise ValueError(f"{port!r} is no port of a tag reader; write socket://HOST:5084")
    if profile.startswith(_MODBUS) and "://" not in port and not port.startswith("/"):
        raise ValueError(f"{port!r} is no port of a Modbus device; write tcp://HOST:502, or a serial port's whole path")
    port_name(port)


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # its port is no number
        return False


def device_misfits(devices: Sequence[DeviceTable], taken: Mapping[str, str], lanes: Collection[str]) -> Iterator[str]:
    """What is right by itself and does not fit together.

    Args:
        devices: all of them.
        taken: ports of scales, each as it is written, with what uses it.
        lanes: ids of lanes.
    """
    on_port: dict[str, DeviceTable] = {}
    for device in devices:
        key = f'device "{device.id}"'
        if device.lane is not None and device.lane not in lanes:
            yield f"{key}, lane: there is no lane {device.lane!r}; known here: {', '.join(sorted(lanes))}"
        if device.port is None or device.profile.startswith("io/gpio"):
            continue
        first = on_port.setdefault(device.port, device)
        shared = first is device or (_shares(first) and _shares(device))
        user = taken.get(device.port) or (None if shared else f'device "{first.id}"')
        if user is not None:
            yield f"{key}, port: {device.port!r} is used twice, first as {user}; correct one of them"


def _shares(device: DeviceTable) -> bool:
    """Whether it can have neighbours on its line: Modbus units, and devices that are asked by address."""
    return device.profile.startswith(_MODBUS) or device.address is not None
