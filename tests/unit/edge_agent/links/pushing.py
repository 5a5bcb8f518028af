"""A push listener and its peers, for the tests of it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_network

from edge_agent.links.http_push import Credentials, Limits, Push, PushListener, Route

HERE = (ip_network("127.0.0.1/32"),)


ELSEWHERE = (ip_network("192.0.2.0/24"),)


ROUTES = {
    "/push/camera-1": Route("camera-1", HERE),
    "/push/far": Route("far", ELSEWHERE),
    "/push/secret": Route("secret", HERE, Credentials("gate", "s3cret", "basic")),
    "/push/digest": Route("digest", HERE, Credentials("gate", "s3cret")),
}


LIMITS = Limits(
    max_body_bytes=100_000,
    max_bytes_in_flight=400_000,
    max_head_bytes=4_000,
    max_connections=8,
    head_seconds=5.0,
    body_seconds=5.0,
    idle_seconds=5.0,
)


PATIENCE = 60.0


class Gate:
    """A listener, and what it was told."""

    def __init__(self, on_push: Callable[[Push], None] | None = None, limits: Limits = LIMITS) -> None:
        self.pushes: list[Push] = []
        self.refusals: list[tuple[str, str]] = []
        self.listener = PushListener(
            "127.0.0.1",
            0,
            ROUTES,
            on_push or self.pushes.append,
            lambda reason, peer: self.refusals.append((reason, peer)),
            limits,
        )

    @contextmanager
    def peer(self) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.listener.port), timeout=PATIENCE) as connection:
            yield connection

    def exchange(self, wire: bytes) -> bytes:
        """Send, and receive until the gate closes."""
        with self.peer() as connection:
            connection.sendall(wire)
            return until_closed(connection)


@contextmanager
def gate(on_push: Callable[[Push], None] | None = None, **limits: float) -> Iterator[Gate]:
    made = Gate(on_push, replace(LIMITS, **limits))  # type: ignore[arg-type]  # the counts are given as whole numbers
    with made.listener:
        yield made


def until_closed(connection: socket.socket) -> bytes:
    received = b""
    while piece := connection.recv(65536):
        received += piece
    return received


def one_answer(connection: socket.socket) -> bytes:
    """One answer of a connection that stays open."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(1)
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]) if b"Content-Length" in head else 0
    while len(body) < length:
        body += connection.recv(length - len(body))
    return head + b"\r\n\r\n" + body


def post(body: bytes = b"<a/>", path: str = "/push/camera-1", *fields: str, close: bool = True) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: gate", "Content-Type: application/xml", f"Content-Length: {len(body)}"]
    lines += [*fields, *(["Connection: close"] if close else [])]
    return "\r\n".join([*lines, "", ""]).encode() + body


def status(answer: bytes) -> int:
    return int(answer.split(b" ")[1])


def eventually(condition: Callable[[], bool]) -> bool:
    give_up = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.005)
    return True
