"""Emulated cameras that are asked: an HTTP server with Digest, an event stream, or a list of plates. Built from tables.

What goes over the wire is written here as the makers' documents have it; nothing of the agent's parsers is used. A
`Misbehaviour` makes the server what cameras sometimes are: lying, slow, silent, in another mood after a restart.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import queue
import re
import secrets
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

BOUNDARY = "boundary"
HEARTBEAT_S = 0.5
_END = b"\r\n\r\n"

Answer = Callable[[str, bytes], "bytes | None"]
"""Path and body of a request: the whole body of the answer; None: a stream begins."""


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """What is wrong with a server.

    Attributes:
        length: "short", "long": the Content-Length of an answer; "none": there is none and the connection closes.
        head: "slow": its head comes byte by byte; "never": not at all; "redirect": it sends the client elsewhere.
        status: of every answer, after the credentials.
    """

    length: Literal["right", "short", "long", "none"] = "right"
    head: Literal["right", "slow", "never", "redirect"] = "right"
    status: int = 200


@dataclass
class CameraServer:
    """One emulated camera. A context manager.

    Attributes:
        answer: what it answers.
        heartbeat: what it sends into every stream, every HEARTBEAT_S; b"" for a camera without.
        stream_type: Content-Type of its streams.
        user: whom it knows.
        password: of that user.
        scheme: how it asks.
        certificate: file with key and certificate for TLS; None for plain HTTP.
        fault: how it misbehaves; may be changed at any time.
    """

    answer: Answer
    heartbeat: bytes = b""
    stream_type: str = f"multipart/mixed; boundary={BOUNDARY}"
    user: str = "gate"
    password: str = "s3cret"  # noqa: S105 - the emulated camera's
    scheme: Literal["digest", "basic", "none"] = "digest"
    certificate: str | None = None
    fault: Misbehaviour = Misbehaviour()
    port: int = 0
    requests: list[tuple[str, bytes]] = field(default_factory=list)
    refused: int = 0
    _streams: list[queue.SimpleQueue[bytes | None]] = field(default_factory=list)
    _open: set[socket.socket] = field(default_factory=set)
    _listening: socket.socket | None = None
    _nonce: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http{'s' if self.certificate else ''}://127.0.0.1:{self.port}"

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    def start(self) -> None:
        """Listen, on the same port as before after a restart."""
        self._nonce = secrets.token_hex(16)
        listening = socket.create_server(("127.0.0.1", self.port))
        self.port = int(listening.getsockname()[1])
        self._listening = listening
        threading.Thread(target=self._accept, args=(listening,), name="camera server", daemon=True).start()

    def stop(self) -> None:
        """Be switched off: every connection breaks."""
        listening, self._listening = self._listening, None
        if listening is not None:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            listening.close()
        with self._lock:
            streams, self._streams = self._streams, []
            for each in streams:
                each.put(None)
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def send(self, data: bytes) -> None:
        """Put bytes into every open stream."""
        with self._lock:
            for each in self._streams:
                each.put(data)

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), name="camera connection", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), self._wrapped(connection) as wire:
            with self._lock:
                self._open.add(wire)
            try:
                while (request := _request(wire)) is not None and self._handle(wire, *request):
                    pass
            finally:
                with self._lock:
                    self._open.discard(wire)

    def _wrapped(self, connection: socket.socket) -> socket.socket:
        if self.certificate is None:
            return connection
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        return context.wrap_socket(connection, server_side=True)

    def _handle(self, wire: socket.socket, method: str, path: str, authorization: str, body: bytes) -> bool:
        if not self._knows(method, path, authorization):
            self.refused += bool(authorization)
            wire.sendall(_head(401, {"WWW-Authenticate": self._challenge(), "Content-Length": "0"}))
            return True
        self.requests.append((path, body))
        if self.fault.head != "right":
            return self._bad_head(wire)
        content = self.answer(path, body)
        if content is None:
            self._stream(wire)
            return False
        return self._send(wire, content)

    def _send(self, wire: socket.socket, content: bytes) -> bool:
        fields = {"Content-Type": "application/xml"}
        if self.fault.length != "none":
            shift = {"right": 0, "short": -len(content) // 2, "long": 100}[self.fault.length]
            fields["Content-Length"] = str(len(content) + shift)
        wire.sendall(_head(self.fault.status, fields) + content)
        return self.fault.length == "right"

    def _bad_head(self, wire: socket.socket) -> bool:
        if self.fault.head == "redirect":
            wire.sendall(_head(302, {"Location": "http://192.0.2.1/login", "Content-Length": "0"}))
            return True
        stopped = threading.Event()
        for number in range(10_000):
            if self.fault.head == "slow":
                wire.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: "[number : number + 1] or b"x")
            if self._listening is None or stopped.wait(0.1):
                break
        return False

    def _stream(self, wire: socket.socket) -> None:
        mine: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        wire.sendall(_head(200, {"Content-Type": self.stream_type, "Connection": "close"}))
        with self._lock:
            self._streams.append(mine)
        try:
            while True:
                try:
                    data = mine.get(timeout=HEARTBEAT_S)
                except queue.Empty:
                    data = self.heartbeat
                if data is None:
                    return
                wire.sendall(data)
        finally:
            with self._lock, contextlib.suppress(ValueError):
                self._streams.remove(mine)

    def _challenge(self) -> str:
        if self.scheme == "basic":
            return 'Basic realm="camera"'
        return f'Digest qop="auth", realm="camera", nonce="{self._nonce}", stale="FALSE"'

    def _knows(self, method: str, path: str, authorization: str) -> bool:
        if self.scheme == "none":
            return True
        if self.scheme == "basic":
            return authorization == "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        given = dict(re.findall(r'(\w+)="?([^",]+)"?', authorization))
        secret = _md5(f"{self.user}:camera:{self.password}")
        request = _md5(f"{method}:{path}")
        middle = f"{self._nonce}:{given.get('nc')}:{given.get('cnonce')}:auth"
        return given.get("nonce") == self._nonce and given.get("response") == _md5(f"{secret}:{middle}:{request}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()  # what the protocol prescribes


def _request(wire: socket.socket) -> tuple[str, str, str, bytes] | None:
    """Method, path, Authorization and body of the next request; None at the end."""
    received = b""
    while _END not in received:
        more = wire.recv(4096)
        if not more:
            return None
        received += more
    head, _, body = received.partition(_END)
    lines = head.decode("latin-1").split("\r\n")
    method, path, _ = lines[0].split(" ")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    while len(body) < int(fields.get("content-length", "0")):
        body += wire.recv(4096)
    return method, path, fields.get("authorization", ""), body


def _head(status: int, fields: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {'OK' if status == 200 else 'No'}", *(f"{k}: {v}" for k, v in fields.items())]  # noqa: PLR2004 - 200 is OK
    return "\r\n".join(lines).encode() + _END
