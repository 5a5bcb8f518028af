"""Which device a command is about: one of the site file, or a port and a profile; and its bytes as they come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from edge_agent.app.line import questions_of
from edge_agent.clock import SystemClock
from edge_agent.commands._common import config_option
from edge_agent.config import ScaleTable, load_site
from edge_agent.drivers.layer import Layer, closest
from edge_agent.drivers.stream import StreamLink
from edge_agent.errors import ConfigError
from edge_agent.links.asking import Question, Rounds
from edge_agent.links.serial_link import SerialLink
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent
from edge_agent.profiles import load_profile

ASKING_READ_S = 0.02


@dataclass(frozen=True, slots=True)
class Source:
    """A device whose bytes come over a serial or TCP port.

    Attributes:
        name: for people.
        questions: what it is asked; none when it sends by itself.
    """

    name: str
    profile: str
    port: str
    baud: int
    data_format: str
    variant: str | None = None
    questions: Sequence[Question] = ()

    def listen(
        self, on_bytes: Callable[[bytes, Moment], None], on_event: Callable[[DeviceEvent], None], stop: threading.Event
    ) -> None:
        """Deliver what comes until `stop`; see SerialLink. LinkError when the port can never work."""
        rounds = Rounds(self.questions)

        def take(chunk: bytes, now: Moment) -> None:
            rounds.answered(self.name)  # whatever it was: a person is watching, and asks no two devices
            on_bytes(chunk, now)

        link = SerialLink(
            self.name,
            self.port,
            self.baud,
            self.data_format,
            SystemClock(),
            read_timeout=ASKING_READ_S if self.questions else 0.1,
            ask=rounds.due if self.questions else None,
        )
        link.run(take, on_event, stop)


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """NAME of the site file, or --port and --profile."""
    for option in (
        click.option("--address", help="The device's address on a shared line."),
        click.option("--format", "data_format", help='"8N1", "7E1" …; default: the profile\'s.'),
        click.option("--baud", type=int, help="Default: the profile's."),
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
    port: str | None
    profile_name: str | None
    baud: int | None
    data_format: str | None
    address: str | None

    def source(self) -> Source:
        """The device meant. ConfigError or click.UsageError says what is missing."""
        if self.name is not None:
            return _of_site(self.name, self.config)
        if self.port is None or self.profile_name is None:
            raise click.UsageError("name a device of the site file, or give --port and --profile")
        if self.profile_name.startswith("scale/"):
            given = {"baud": self.baud, "data_format": self.data_format, "address": self.address}
            return _of_scale(_scale(self.port, self.profile_name, given))
        return _of_other(self.profile_name, self.profile_name, self.port, self.baud, self.data_format)


def _of_site(name: str, config: Path) -> Source:
    site = load_site(config)
    for scale in site.scale:
        if scale.id == name:
            return _of_scale(scale)
    for device in site.device:
        if device.id == name:
            if device.port is None or device.profile.startswith("io/"):
                raise ConfigError(f"{name} has no stream of bytes to look at", fix="see `gatectl devices`")
            return _of_other(name, device.profile, device.port, device.baud, device.data_format)
    for camera in site.camera:
        if camera.id == name:
            raise ConfigError(
                f"{name} is a camera, which the running agent listens to",
                fix="see `gatectl devices` and `gatectl records`, or save what it sends and use `edge-agent decode`",
            )
    known = [*(scale.id for scale in site.scale), *(device.id for device in site.device)]
    raise ConfigError(f"there is no device {name!r} in {config}", fix=closest(name, known) if known else "")


def _scale(port: str, profile: str, more: dict[str, int | str | None]) -> ScaleTable:
    load_profile(profile)  # says what there is, when there is no such profile
    given = {key: value for key, value in more.items() if value is not None}
    try:
        return ScaleTable.model_validate(
            {"id": "device", "profile": profile, "port": port, "division": "1 kg", **given}
        )
    except ValidationError as error:
        problems = "; ".join(f"{detail['loc'][0]}: {detail['msg']}" for detail in error.errors())
        raise ConfigError("these options cannot be used", cause=problems) from error


def _of_scale(table: ScaleTable) -> Source:
    link = load_profile(table.profile).link
    return Source(
        table.id,
        table.profile,
        table.port,
        table.baud or link.baud,
        table.data_format or link.format,
        table.variant,
        questions_of(table),
    )


def _of_other(name: str, profile: str, port: str, baud: int | None, data_format: str | None) -> Source:
    link = getattr(load_profile(profile, of=Layer), "link", None)
    if not isinstance(link, StreamLink):
        raise ConfigError(f"what {profile} sends is no stream that can be watched here", fix="see `gatectl devices`")
    return Source(name, profile, port, baud or link.baud, data_format or link.format)
