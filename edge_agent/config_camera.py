"""[[camera]]: one plate camera that reads by itself, and pushes to this gate or is asked by it."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from edge_agent.config_values import Name, SomeSeconds, like, listen_address, network_text

HIGHEST_CHANNEL = 999
PULL_ONLY = ("channel", "ca_file", "fingerprint")
PUSH_ONLY = ("allow", "auth")


def camera_url(value: str) -> str:
    """http://HOST[:PORT] or https://…; ValueError shows how to write one."""
    try:
        parts = urlsplit(value)
        whole = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) > 0
    except ValueError:  # its port is no number
        whole, parts = False, urlsplit("")
    if "@" in parts.netloc:
        raise ValueError("a url holds no user and password here; write user and password_file beside it")
    if not whole or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(
            f'{value!r} is no camera; write its address, e.g. "https://192.168.1.64"; a path goes into path'
        )
    return value.rstrip("/")


def zone_name(value: str) -> str:
    """A time zone's name; ValueError shows how to write one."""
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError) as error:
        raise ValueError(f'{value!r} is no time zone known here; write e.g. "Asia/Shanghai"') from error
    return value


def fingerprint_hex(value: str) -> str:
    """A SHA-256 fingerprint as 64 hexadecimal digits; ValueError shows how to find it."""
    digits = value.replace(":", "").replace(" ", "").lower()
    if len(digits) != 64 or not set(digits) <= set("0123456789abcdef"):  # noqa: PLR2004 - digits of a SHA-256
        raise ValueError(
            f"{value!r} is no SHA-256 fingerprint; it has 64 hexadecimal digits: "
            "openssl s_client -connect CAMERA:443 </dev/null | openssl x509 -noout -fingerprint -sha256"
        )
    return digits


class CameraTable(BaseModel):
    """[[camera]]: one plate camera.

    Attributes:
        id: its name here.
        profile: its protocol, e.g. "plate/hikvision-isapi-push"; it says whether the camera pushes or is asked.
        profile_dir: directory with profiles of one's own, plate/MODEL.toml inside; they go before the shipped ones.
        listen: address this gate listens on for its pushes; cameras may share one. "" for a camera that is asked.
        url: the camera, for one that is asked, e.g. "https://192.168.1.64". "" for one that pushes.
        path: path it pushes to, /push/<id> when not given; for a camera that is asked, in place of the profile's.
        allow: addresses and networks it may push from; "0.0.0.0/0" is any that reaches `listen`.
        user: it must push with, or is asked with; "" for none.
        password_file: file whose first line is the password; relative to the site file.
        auth: what a camera that pushes must answer with: "digest", or "basic", which sends the password as it is.
        channel: of the camera or recorder that is asked.
        ca_file: PEM of who signed the camera's certificate; None takes the system's authorities.
        fingerprint: SHA-256 of the camera's own certificate, in place of an authority.
        silent_after: a camera that says nothing for so long is silent; None takes the profile's.
        zone: of the camera's clock, where its times have no offset; None: they stay without.
        local_as_utc: its clock counts local time as if that were UTC (some Dahua firmware).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Name
    profile: Annotated[
        str, like(r"plate/.+", 'a camera\'s profile is named "plate/…", e.g. "plate/hikvision-isapi-push"')
    ]
    profile_dir: Path | None = None
    listen: Annotated[str, AfterValidator(listen_address)] = ""
    url: Annotated[str, AfterValidator(camera_url)] = ""
    path: Annotated[str, like(r"/[^\s#]*", 'a path is like "/push/plate-in"')] | None = None
    allow: tuple[Annotated[str, AfterValidator(network_text)], ...] = ()
    user: str = ""
    password_file: Path | None = None
    auth: Literal["digest", "basic"] = "digest"
    channel: Annotated[int, Field(strict=True, ge=1, le=HIGHEST_CHANNEL)] = 1
    ca_file: Path | None = None
    fingerprint: Annotated[str, AfterValidator(fingerprint_hex)] = ""
    silent_after: SomeSeconds | None = None
    zone: Annotated[str, AfterValidator(zone_name)] | None = None
    local_as_utc: bool = False

    @model_validator(mode="after")
    def _fits(self) -> CameraTable:
        if bool(self.listen) == bool(self.url):
            raise ValueError("write listen for a camera that pushes, or url for one that is asked, and not both")
        if self.listen and not self.allow:
            raise ValueError('allow is missing; write the camera\'s address, e.g. allow = ["192.168.1.64"]')
        if foreign := self.model_fields_set & set(PULL_ONLY if self.listen else PUSH_ONLY):
            other = "is asked (url)" if self.listen else "pushes (listen)"
            raise ValueError(f"{', '.join(sorted(foreign))}: that is for a camera that {other}; remove it")
        if bool(self.user) != (self.password_file is not None):
            raise ValueError("user and password_file belong together; write both or none")
        if self.fingerprint and self.ca_file is not None:
            raise ValueError("ca_file and fingerprint exclude each other; a fingerprint needs no authority")
        if (self.fingerprint or self.ca_file) and not self.url.startswith("https://"):
            raise ValueError("ca_file and fingerprint are for https://; the url is not")
        return self

    @property
    def networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """The networks it may push from."""
        return tuple(ipaddress.ip_network(network) for network in self.allow)

    @property
    def push_path(self) -> str:
        """The path it pushes to; of a camera that is asked, where it is."""
        return f"{self.url}{self.path or ''}" if self.url else self.path or f"/push/{self.id}"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on; ("127.0.0.1", 0) for a camera that is asked."""
        host, _, port = (self.listen or "127.0.0.1:0").rpartition(":")
        return host.strip("[]"), int(port)
