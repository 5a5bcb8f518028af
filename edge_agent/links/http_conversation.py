"""One connection of the push listener: requests read within their time, kept, and answered after they are kept."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from edge_agent.links.http_credentials import Challenger, Credentials
from edge_agent.links.http_limits import Budget, Hold, Limits
from edge_agent.links.http_request import (
    ChunkedBody,
    Head,
    RefusedRequestError,
    SizedBody,
    body_of,
    head_end,
    parse_head,
)

RECEIVE_BYTES = 64 * 1024
SEND_SECONDS = 5.0  # answers are short; a peer that does not take one is gone
LINGER_SECONDS = 1.0  # how long what a refused peer still sends is dropped, so that it can read the answer
LINGER_BYTES = 1024 * 1024
TLS_HELLO = b"\x16\x03"  # how every TLS connection begins (RFC 8446, 5.1): no HTTP request does
RETRY = {
    "Retry-After": "5"
}  # seconds; a disk may be full for longer, but the camera should find out soon that it is not

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Route:
    """Who may push to a path, and which device that is.

    Attributes:
        device_id: from the site file.
        allow: networks that may push; () admits nobody, 0.0.0.0/0 everybody who can reach the port.
        credentials: what it must know beside; None: not asked for.
    """

    device_id: str
    allow: tuple[IPv4Network | IPv6Network, ...]
    credentials: Credentials | None = None

    def admits(self, peer: Address) -> bool:
        """Whether the address may push here."""
        return any(peer in network for network in self.allow)


@dataclass(frozen=True, slots=True)
class Push:
    """One body that a device pushed, complete and as sent; `peer` is its address."""

    device_id: str
    content_type: str
    body: bytes
    peer: str


@dataclass(frozen=True, slots=True)
class Desk:
    """What all conversations of a listener share."""

    routes: Mapping[str, Route]
    on_push: Callable[[Push], None]
    on_refused: Callable[[str, str], None]
    limits: Limits
    bytes_in_flight: Budget
    stopping: threading.Event
    challenger: Challenger = field(default_factory=Challenger)


class Conversation:
    """One connection: requests one after another, until the peer closes, is refused, or the listener stops."""

    def __init__(self, desk: Desk, connection: socket.socket, peer: Address) -> None:
        self._desk, self._limits = desk, desk.limits
        self._connection, self._peer = connection, peer
        self._received = bytearray()  # not yet understood: at most a head and one receive

    def hold(self) -> None:
        """Serve the peer.

        Raises:
            OSError: the peer went away; nothing that was promised to it is lost.
        """
        wait = self._limits.head_seconds
        try:
            while (head := self._head(wait)) and self._handle(head):
                wait = self._limits.idle_seconds
        except RefusedRequestError as refusal:
            if not refusal.expected:
                self._desk.on_refused(f"{refusal.status.value}: {refusal}", str(self._peer))
            self._send(answer(refusal.status, refusal.what, refusal.fields))
            self._linger()

    def _handle(self, head: Head) -> bool:
        """Answer one request; whether another may follow."""
        if head.method == "GET" and head.path == "/":
            self._send(answer(HTTPStatus.OK, self._page()))
            return False
        route = self._route(head)
        body = body_of(head, self._limits.max_body_bytes)
        if head.expects_continue:
            self._send(b"HTTP/1.1 100 Continue\r\n\r\n")
        with Hold(self._desk.bytes_in_flight) as held:
            self._read(body, held)
            self._keep(Push(route.device_id, head.fields.get("content-type", ""), body.content(), str(self._peer)))
        keeps_alive = head.keeps_alive and not self._desk.stopping.is_set()
        self._send(answer(HTTPStatus.OK, "Kept", keeps_alive=keeps_alive))
        return keeps_alive

    def _route(self, head: Head) -> Route:
        route = self._desk.routes.get(head.path)
        if route is None:
            known = ", ".join(self._desk.routes)
            raise RefusedRequestError(HTTPStatus.NOT_FOUND, f"There is no {head.path[:200]} here, only {known}")
        if head.method != "POST":
            what = f"{head.path} takes POST, not {head.method}"
            raise RefusedRequestError(HTTPStatus.METHOD_NOT_ALLOWED, what, fields={"Allow": "POST"})
        if not route.admits(self._peer):
            raise RefusedRequestError(HTTPStatus.FORBIDDEN, f"{self._peer} may not push to {head.path}")
        if route.credentials is not None:
            self._know(route.credentials, head)
        return route

    def _know(self, credentials: Credentials, head: Head) -> None:
        """Refuse a peer that does not prove that it knows the password."""
        given, challenger = head.fields.get("authorization", ""), self._desk.challenger
        peer = str(self._peer)
        if challenger.admits(credentials, given, head.method, peer):
            return
        stale = given.lower().startswith("digest") and not challenger.is_fresh(given)
        expected = (not given or stale) and challenger.is_patient(peer)
        what = f"{head.path} asks for a user name and password"
        fields = {"WWW-Authenticate": challenger.challenge(credentials, stale=stale)}
        raise RefusedRequestError(HTTPStatus.UNAUTHORIZED, what, fields=fields, expected=expected)

    def _keep(self, push: Push) -> None:
        try:
            self._desk.on_push(push)
        except Exception as error:  # whatever it was: what is not kept is not acknowledged, and is reported
            what = f"The push for {push.device_id} could not be kept"
            cause = str(error) or type(error).__name__
            raise RefusedRequestError(HTTPStatus.SERVICE_UNAVAILABLE, what, cause=cause, fields=RETRY) from error

    def _head(self, wait: float) -> Head | None:
        """The next head, whose first byte may take `wait` seconds; None when the peer has nothing more to say."""
        give_up, begun, searched = time.monotonic() + wait, False, 0
        while True:
            self._received = self._received.lstrip(b"\r\n")  # some peers send an empty line after a body
            if self._received.startswith(TLS_HELLO):
                what = "This port speaks plain HTTP, and what came is TLS"
                cause = "the camera is set to push by https; set it to http"
                raise RefusedRequestError(HTTPStatus.BAD_REQUEST, what, cause=cause)
            if (end := head_end(self._received, searched)) is not None and end <= self._limits.max_head_bytes:
                return parse_head(self._take(end))
            if len(self._received) > self._limits.max_head_bytes:
                what = f"The request's head has more than {self._limits.max_head_bytes} bytes"
                raise RefusedRequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, what)
            searched = len(self._received)
            if self._received and not begun:
                give_up, begun = time.monotonic() + self._limits.head_seconds, True
            try:
                received = self._receive(give_up)
            except TimeoutError:
                if not self._received:
                    return None
                what = f"The request's head was not complete within {self._limits.head_seconds} s"
                raise RefusedRequestError(HTTPStatus.REQUEST_TIMEOUT, what) from None
            if not received:
                return None
            self._received += received

    def _read(self, body: SizedBody | ChunkedBody, held: Hold) -> None:
        """Receive the whole body; what it costs of the bytes in flight is `held`."""
        give_up = time.monotonic() + self._limits.body_seconds
        received = self._take(len(self._received))
        while (rest := self._feed(body, received, held)) is None:
            try:
                received = self._receive(give_up)
            except TimeoutError:
                received = b""
            if not received:
                raise self._cut_short(body)
        self._received += rest

    def _feed(self, body: SizedBody | ChunkedBody, received: bytes, held: Hold) -> bytes | None:
        if not held.take(len(received)):
            what = "Too much is being pushed at once"
            raise RefusedRequestError(HTTPStatus.SERVICE_UNAVAILABLE, what, fields=RETRY)
        return body.feed(received)

    def _cut_short(self, body: SizedBody | ChunkedBody) -> RefusedRequestError:
        if self._desk.stopping.is_set():
            return RefusedRequestError(HTTPStatus.SERVICE_UNAVAILABLE, "The gate is being stopped", fields=RETRY)
        of = f" of {body.length}" if isinstance(body, SizedBody) else ""
        return RefusedRequestError(
            HTTPStatus.BAD_REQUEST,
            f"The body ended after {body.size}{of} bytes",
            cause=f"the peer closed, or sent nothing more within {self._limits.body_seconds} s",
        )

    def _take(self, count: int) -> bytes:
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken

    def _receive(self, give_up: float) -> bytes:
        """What comes next, b"" at the end; TimeoutError once the clock passes `give_up`."""
        left = give_up - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv(RECEIVE_BYTES)

    def _send(self, message: bytes) -> None:
        self._connection.settimeout(SEND_SECONDS)
        self._connection.sendall(message)

    def _linger(self) -> None:
        """Drop what the peer still sends: closing over unread bytes resets the connection, and loses the answer."""
        self._connection.shutdown(socket.SHUT_WR)
        give_up, dropped = time.monotonic() + LINGER_SECONDS, 0
        while dropped < LINGER_BYTES and (received := self._receive(give_up)):
            dropped += len(received)

    def _page(self) -> str:
        """What an installer with a browser should see."""
        lines = [f"  POST {path}  ({route.device_id})" for path, route in self._desk.routes.items()]
        return "\n".join(["This is a gate. Devices push to it:", "", *lines, "", f"You are {self._peer}."])


def answer(
    status: HTTPStatus, text: str, fields: Mapping[str, str] | None = None, *, keeps_alive: bool = False
) -> bytes:
    """A whole HTTP answer with one text, as bytes."""
    body = f"{text}\n".encode()
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(body)}",
        f"Connection: {'keep-alive' if keeps_alive else 'close'}",
        *(f"{name}: {value}" for name, value in (fields or {}).items()),
    ]
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body
