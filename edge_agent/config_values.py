"""Values of a site file: what each may be, and what whoever wrote something else is told. Pure."""

from __future__ import annotations

import ipaddress
import re
from decimal import Decimal
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from edge_agent.quantities import mass_kilograms, time_seconds

HIGHEST_PORT = 65_535


def like(pattern: str, what: str) -> AfterValidator:
    """Checks that a text has this form; `what` tells whoever wrote another one, with an example."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"{text!r} will not do: {what}")
        return text

    return AfterValidator(check)


Kilograms = Annotated[Decimal, BeforeValidator(mass_kilograms)]
SomeKilograms = Annotated[Kilograms, Field(gt=0)]
Seconds = Annotated[float, BeforeValidator(time_seconds)]
SomeSeconds = Annotated[Seconds, Field(gt=0)]
Name = Annotated[
    str,
    like(
        r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
        'write up to 63 lower-case letters (a-z), digits and hyphens, e.g. "haikou-xiuying"',
    ),
]
Baud = Annotated[int, Field(strict=True, ge=110, le=921_600)]
DataFormat = Annotated[str, like(r"[78][NEO][12]", 'write data bits, parity and stop bits, e.g. "8N1" or "7E1"')]
HexBytes = Annotated[
    str, like(r"[0-9a-fA-F]{2}( [0-9a-fA-F]{2}){0,63}", 'write bytes as hexadecimal pairs, e.g. "44 54 55"')
]
LaneName = Annotated[
    str,
    like(
        r"[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?",
        'write up to 32 letters (A-Z, a-z), digits and hyphens, e.g. "out-1"',
    ),
]


def network_text(value: str) -> str:
    """An address or network; ValueError shows how to write one."""
    try:
        ipaddress.ip_network(value)
    except ValueError as error:
        raise ValueError(f'{error}; write an address or network, e.g. "192.168.1.64" or "192.168.1.0/24"') from None
    return value


def listen_address(value: str) -> str:
    """host:port of this machine; ValueError shows how to write one."""
    host, _, port = value.rpartition(":")
    try:
        if host != "localhost":
            ipaddress.ip_address(host[1:-1] if host.startswith("[") and host.endswith("]") else host)
        known = ":" not in host or host.startswith("[")
    except ValueError:
        known = False
    if not (known and re.fullmatch("[0-9]{1,5}", port) and 0 < int(port) <= HIGHEST_PORT):
        raise ValueError(
            f'{value!r} is no address to listen on; write "host:port" with an address of this machine, e.g. '
            '"192.168.1.10:8080", or "0.0.0.0:8080" for all of them'
        )
    return value


def port_name(value: str) -> str:
    """A serial port's path or URL; ValueError shows how to write one."""
    if "://" not in value:
        if not value.startswith("/"):
            raise ValueError(f'{value!r} is no serial port; write its whole path, e.g. "/dev/serial/by-id/usb-…"')
        return value
    try:
        parts = urlsplit(value)
        known = parts.scheme in ("socket", "rfc2217") and parts.hostname and parts.port
    except ValueError:  # its TCP port is no number
        known = False
    if not known:
        raise ValueError(f"{value!r} is no port this agent opens; write socket://HOST:PORT or rfc2217://HOST:PORT")
    return value
