"""ONVIF's pull point: the questions by which a camera hands out its events, and what its answers say. Pure.

ONVIF Core Specification, 9.2 (real-time pull-point notification): CreatePullPointSubscription gives an address that
PullMessages is asked at, again and again; Renew keeps it alive, Unsubscribe ends it. SOAP 1.2 over HTTP. Who asks is
told by a user name token with a digest of the password (OASIS WSS Username Token Profile 1.1.1, 3.1), which is only
good at the time of the camera's own clock.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from edge_agent.drivers.plate.paths import Path, Place
from edge_agent.drivers.plate.tree import TreeError, text_of
from edge_agent.drivers.plate.xml_tree import read_xml

MEDIA_TYPE = "application/soap+xml; charset=utf-8"
DEVICE_SERVICE = "/onvif/device_service"

_ADDRESSING = "http://www.w3.org/2005/08/addressing"
_ENVELOPE = (
    f'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="{_ADDRESSING}">'
    "<s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
)
_SECURITY = (
    '<w:Security xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd" '
    'xmlns:u="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd">'
    "<w:UsernameToken><w:Username>{user}</w:Username>"
    '<w:Password Type="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0'
    '#PasswordDigest">{digest}</w:Password>'
    '<w:Nonce EncodingType="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0'
    '#Base64Binary">{nonce}</w:Nonce><u:Created>{created}</u:Created></w:UsernameToken></w:Security>'
)
_EVENTS = "http://www.onvif.org/ver10/events/wsdl"
_NOTIFY = "http://docs.oasis-open.org/wsn/b-2"
_CREATE = (
    f'<e:CreatePullPointSubscription xmlns:e="{_EVENTS}">'
    "<e:InitialTerminationTime>PT{seconds}S</e:InitialTerminationTime></e:CreatePullPointSubscription>"
)
_PULL = (
    f'<e:PullMessages xmlns:e="{_EVENTS}"><e:Timeout>PT{{seconds}}S</e:Timeout>'
    "<e:MessageLimit>{limit}</e:MessageLimit></e:PullMessages>"
)
_RENEW = f'<n:Renew xmlns:n="{_NOTIFY}"><n:TerminationTime>PT{{seconds}}S</n:TerminationTime></n:Renew>'
_UNSUBSCRIBE = f'<n:Unsubscribe xmlns:n="{_NOTIFY}"/>'
_TIME = '<d:GetSystemDateAndTime xmlns:d="http://www.onvif.org/ver10/device/wsdl"/>'

_ADDRESS = Path("//SubscriptionReference/Address")
_UTC = Path("//UTCDateTime")


class NoPullPointError(ValueError):
    """The camera's answer gives no pull point; the text says why."""


@dataclass(frozen=True, slots=True)
class PullAddress:
    """Where a pull point is asked.

    Attributes:
        path: of its address; a camera behind a router may not know its own host.
        header: what names it in each question (WS-Addressing 1.0, SOAP binding, 3.4): the address as the camera writes
            it, and its reference parameters.
    """

    path: str
    header: str


@dataclass(frozen=True, slots=True)
class Login:
    """Who asks; `user` "" for nobody in particular."""

    user: str
    password: str

    def header(self, now: datetime, nonce: bytes) -> str:
        """The token, at a time of the camera's clock, with bytes that were never used before."""
        if not self.user:
            return ""
        created = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        # SHA-1 is what the profile prescribes; what is hidden is only as safe as the connection.
        digest = hashlib.sha1(nonce + created.encode() + self.password.encode(), usedforsecurity=False).digest()
        return _SECURITY.format(
            user=escape(self.user),
            digest=base64.b64encode(digest).decode(),
            nonce=base64.b64encode(nonce).decode(),
            created=created,
        )


def time_question() -> bytes:
    """What time it is by the camera; answered to anybody (ONVIF Core, 8.3.4)."""
    return _sealed("", _TIME)


def create_question(header: str, seconds: int) -> bytes:
    """A pull point that lives so long without being renewed."""
    return _sealed(header, _CREATE.format(seconds=seconds))


def pull_question(header: str, point: PullAddress, seconds: int, limit: int) -> bytes:
    """The next events, at most `limit`; answered at the latest after `seconds`, perhaps with none."""
    return _sealed(header + point.header, _PULL.format(seconds=seconds, limit=limit))


def renew_question(header: str, point: PullAddress, seconds: int) -> bytes:
    """Let it live so long from now on."""
    return _sealed(header + point.header, _RENEW.format(seconds=seconds))


def unsubscribe_question(header: str, point: PullAddress) -> bytes:
    """Forget it: nobody asks any more (OASIS WS-BaseNotification 1.3, 6.2)."""
    return _sealed(header + point.header, _UNSUBSCRIBE)


def camera_time(answer: bytes) -> datetime | None:
    """The camera's clock; None when the answer does not tell, or tells none."""
    try:
        found = next(iter(_UTC.values(Place(read_xml(answer)))), None)
    except TreeError:
        return None
    year, month, day = (_number(found, f"date/{name}") for name in ("year", "month", "day"))
    hour, minute, second = (_number(found, f"time/{name}") for name in ("hour", "minute", "second"))
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def pull_address(answer: bytes) -> PullAddress:
    """Where the events are.

    Raises:
        NoPullPointError: the camera refuses, or has no such service.
    """
    try:
        place = Place(read_xml(answer))
    except TreeError as error:
        raise NoPullPointError(f"the answer is no SOAP: {error}") from error
    address = text_of(_ADDRESS.first_text(place))
    parts = urlsplit(address)
    if not parts.path:
        reason = text_of(Path("//Reason/Text").first_text(place)) or "it names no address to ask at"
        raise NoPullPointError(f"it gives no pull point: {reason}")
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return PullAddress(path, f"<a:To>{escape(address)}</a:To>" + _parameters(answer))


def _parameters(answer: bytes) -> str:
    """What the camera wants to see in each question beside its address, as it wrote it."""
    try:
        root = ET.fromstring(answer)  # noqa: S314 - read_xml has refused what makes this dangerous, a DOCTYPE
    except ET.ParseError:
        return ""  # read_xml mends more than this library does; such a camera's parameters are lost
    told = ""
    for holder in root.iter(f"{{{_ADDRESSING}}}ReferenceParameters"):
        for parameter in holder:
            parameter.set(f"{{{_ADDRESSING}}}IsReferenceParameter", "true")
            told += ET.tostring(parameter, encoding="unicode").strip()
    return told


def _number(found: object, path: str) -> int:
    text = text_of(Path(path).first_text(Place(found))) if isinstance(found, dict) else ""
    return int(text) if text.isdecimal() else -1


def _sealed(header: str, body: str) -> bytes:
    return ('<?xml version="1.0" encoding="UTF-8"?>' + _ENVELOPE.format(header=header, body=body)).encode()
