"""Which device a command is about: one of the site file, or a port and a profile; and its bytes as they come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, Protocol, TypeVar

import click
from pydantic import BaseModel, ValidationError

from edge_agent.commands._common import config_option
from edge_agent.commands.decoders import KindDecoder
from edge_agent.commands.devices._camera import CameraSource
from edge_agent.commands.devices._points import PointsSource
from edge_agent.commands.devices._serial import SerialSource, of_scale, of_stream
from edge_agent.commands.devices._tags import TagSource
from edge_agent.config import ScaleTable, load_site
from edge_agent.config_devices import DeviceTable
from edge_agent.drivers.io.schema import IoProfile
from edge_agent.drivers.layer import Layer, closest
from edge_agent.drivers.rfid.schema import RfidProfile
from edge_agent.drivers.stream import StreamLink
from edge_agent.drivers.ultrasonic.schema import UltrasonicProfile
from edge_agent.errors import ConfigError
from edge_agent.links.watch import DeviceWatch
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent
from edge_agent.profiles import load_profile

_Table = TypeVar("_Table", bound=BaseModel)


class Source(Protocol):
    """A device whose bytes can be looked at."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    @property
    def profile(self) -> str:
        """As site files call it."""
        ...

    @property
    def where(self) -> str:
        """Its port or address."""
        ...

    @property
    def settings(self) -> dict[str, object]:
        """How it is reached, for the head of a recording."""
        ...

    def decoder(self) -> KindDecoder:
        """What makes lines of its bytes."""
        ...

    def watched(self) -> DeviceWatch | None:
        """What says that it is silent or babbles; None where the link itself does."""
        ...

    def listen(
        self, on_bytes: Callable[[bytes, Moment], None], on_event: Callable[[DeviceEvent], None], stop: Event
    ) -> None:
        """Deliver what comes until `stop`. LinkError when it can never work."""
        ...


def profile_dir_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """--profile-dir."""
    return click.option(
        "--profile-dir",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Directory with profiles of your own; they go before the shipped ones.",
    )(command)


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """NAME of the site file, or --port and --profile."""
    for option in (
        click.option("--address", help="The device's address on a shared line."),
        click.option("--format", "data_format", help='"8N1", "7E1" …; default: the profile\'s.'),
        click.option("--baud", type=int, help="Default: the profile's."),
        profile_dir_option,
        click.option("--profile", "profile_name", metavar="KIND/MODEL", help="Its profile."),
        click.option("--port", help="Device path, socket://HOST:PORT or rfc2217://HOST:PORT."),
        config_option,
        click.argument("name", required=False),
    ):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Asked:
    """The options, as given."""

    name: str | None
    config: Path
    port: str | None = None
    profile_name: str | None = None
    profile_dir: Path | None = None
    baud: int | None = None
    data_format: str | None = None
    address: str | None = None

    def source(self) -> Source:
        """The device meant. ConfigError or click.UsageError says what is missing."""
        if self.name is not None:
            return _of_site(self.name, self.config)
        if self.port is None or self.profile_name is None:
            raise click.UsageError("name a device of the site file, or give --port and --profile")
        kind = self.profile_name.partition("/")[0]
        if kind == "plate":
            fix = "write it into a site file, and give its name and --config FILE"
            raise ConfigError("a camera has more settings than a port", fix=fix)
        given: dict[str, object] = {"baud": self.baud, "data_format": self.data_format, "address": self.address}
        given |= {"id": "device", "profile": self.profile_name, "port": self.port, "profile_dir": self.profile_dir}
        options = {key: value for key, value in given.items() if value is not None}
        load_profile(self.profile_name, self.profile_dir, of=Layer)  # says what there is, when there is no such profile
        if kind == "scale":
            return of_scale(scale_table(options))
        return _of_device(_table(DeviceTable, options))


def scale_table(options: dict[str, Any]) -> ScaleTable:
    """A scale as a site file would describe it; ConfigError says what is wrong with an option."""
    return _table(ScaleTable, {"division": "1 kg"} | options)


def _table(of: type[_Table], options: dict[str, Any]) -> _Table:
    try:
        return of.model_validate(options)
    except ValidationError as error:
        said = ((".".join(map(str, detail["loc"])), detail["msg"]) for detail in error.errors())
        problems = "; ".join(f"{key}: {text.removeprefix('Value error, ')}".removeprefix(": ") for key, text in said)
        raise ConfigError("these options cannot be used", cause=problems, fix="see --help") from error


def _of_site(name: str, config: Path) -> Source:
    site = load_site(config)
    for scale in site.scale:
        if scale.id == name:
            return of_scale(scale)
    for device in site.device:
        if device.id == name:
            return _of_device(device)
    for camera in site.camera:
        if camera.id == name:
            return CameraSource(camera)
    known = [each.id for each in site.scale] + [each.id for each in site.device] + [each.id for each in site.camera]
    raise ConfigError(f"there is no device {name!r} in {config}", fix=closest(name, known) if known else "")


def _of_device(table: DeviceTable) -> Source:
    profile = load_profile(table.profile, table.profile_dir, of=Layer)
    if isinstance(profile, IoProfile | UltrasonicProfile):
        return PointsSource(table, profile)
    if isinstance(profile, RfidProfile):
        return TagSource(table, profile)
    link = getattr(profile, "link", None)
    if table.port is None or not isinstance(link, StreamLink):
        fix = "try the files with `edge-agent decode`, and see `gatectl devices`"
        raise ConfigError(f"{table.id} drops files into its folder and sends no bytes", fix=fix)
    return of_stream(table, link)


__all__ = ["Asked", "SerialSource", "Source", "profile_dir_option", "scale_table", "source_options"]
