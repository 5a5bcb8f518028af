"""Asking a camera over HTTP: a stream that stays open, or one question after another. One thread at a time uses it.

Whatever goes wrong is one PullError with a cause that a technician can act on. Redirects are refused, answers are
bounded in size and time, and nothing is decompressed. Digest is answered wherever it is offered; the password itself is
sent (Basic) only where the profile allows it and the camera offers nothing better.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from edge_agent.errors import LinkError
from edge_agent.links.http_causes import PullError, refused, unreachable
from edge_agent.links.http_tls import tls_context

LOCKED_S = 300.0
"""Pause after a refused password: cameras lock the account after a few wrong ones, for some minutes."""


@dataclass(frozen=True, slots=True)
class PullTarget:
    """Which camera, and how to ask it.

    Attributes:
        url: the camera, e.g. "https://192.168.1.64".
        method: of the request.
        allow_basic: the password may be sent as it is, where the camera offers no Digest.
        ca_file: who signed the camera's certificate; None: the system's authorities.
        fingerprint: SHA-256 of the camera's own certificate, in hexadecimal; then nothing else about it is checked.
    """

    url: str
    method: str = "GET"
    user: str = ""
    password: str = field(default="", repr=False)
    allow_basic: bool = False
    ca_file: Path | None = None
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class PullLimits:
    """What a camera may cost.

    Attributes:
        connect_s: for the connection and the TLS handshake.
        head_s: from the question to the end of the answer's head, in whatever pieces it comes.
        silent_s: between two pieces of a stream.
        answer_s: for the whole answer to a question.
        answer_bytes: of it.
    """

    connect_s: float = 5.0
    head_s: float = 10.0
    silent_s: float = 60.0
    answer_s: float = 20.0
    answer_bytes: int = 4 * 1024 * 1024


class CameraAuth(httpx.Auth):
    """Digest; Basic only where that is allowed and all that is offered."""

    def __init__(self, user: str, password: str, *, allow_basic: bool) -> None:
        self._digest = httpx.DigestAuth(user, password)
        self._basic = httpx.BasicAuth(user, password)
        self._allow_basic = allow_basic

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """See httpx.Auth."""
        digest = self._digest.auth_flow(request)
        response = yield next(digest)
        offers = [each.lower() for each in response.headers.get_list("www-authenticate")]
        asked = response.status_code == HTTPStatus.UNAUTHORIZED
        if asked and self._allow_basic and offers and not any(each.startswith("digest") for each in offers):
            yield from self._basic.auth_flow(request)
            return
        with contextlib.suppress(StopIteration):
            response = yield digest.send(response)
            digest.send(response)


class HttpPull:
    """One camera's HTTP side."""

    def __init__(self, target: PullTarget, limits: PullLimits | None = None) -> None:
        """Raises ConfigError when the CA file cannot be used."""
        self._target, self._limits = target, limits or PullLimits()
        self._auth = CameraAuth(target.user, target.password, allow_basic=target.allow_basic) if target.user else None
        self._tls = tls_context(target.ca_file, target.fingerprint)
        self._client: httpx.Client | None = None
        self._lock, self._in_use = threading.Lock(), threading.Lock()
        self._socket: socket.socket | None = None
        self._too_slow = False
        self._read_s = 0.0
        self._closed = False

    def stream(self, path: str, on_open: Callable[[], None], on_bytes: Callable[[bytes], None]) -> None:
        """Open a stream and deliver what comes, until `close`.

        Raises:
            PullError: it cannot be opened, was closed, or said nothing for `silent_s`.
        """
        with self._translated(), self._answer(path, b"", "", self._limits.silent_s) as response:
            on_open()
            for chunk in response.iter_raw():
                if self._closed:
                    return
                on_bytes(chunk)
        if not self._closed:
            cause, fix = (
                "it restarts, or its session has run out",
                "It is asked again; if it comes often, see its power",
            )
            raise PullError(f"{self._where} ended the stream", cause=cause, fix=fix)

    def ask(self, path: str, body: bytes = b"", body_type: str = "") -> bytes:
        """The whole answer to a question.

        Raises:
            PullError: there is none, or it exceeds a bound.
        """
        give_up, answer = time.monotonic() + self._limits.answer_s, bytearray()
        with self._translated(), self._answer(path, body, body_type, self._limits.head_s) as response:
            for chunk in response.iter_raw():
                answer += chunk
                if len(answer) > self._limits.answer_bytes:
                    fix = "Compare profile and path with the camera's model and firmware"
                    raise PullError(f"{self._where} answers with more than {self._limits.answer_bytes} bytes", fix=fix)
                if time.monotonic() > give_up:
                    raise PullError(
                        f"{self._where} answers too slowly",
                        cause=f"{len(answer)} bytes in {self._limits.answer_s:g} s",
                        fix="Look at the camera's load and at the network in between",
                    )
        return bytes(answer)

    def close(self) -> None:
        """End whatever is under way, from any thread; it is not used afterwards."""
        self._closed = True
        self._abort()
        if self._in_use.acquire(blocking=False):  # else whoever uses it finds it closed
            self._drop_client()
            self._in_use.release()

    @property
    def _where(self) -> str:
        return f"The camera at {self._target.url}"

    @contextlib.contextmanager
    def _answer(self, path: str, body: bytes, body_type: str, read_s: float) -> Iterator[httpx.Response]:
        """The answer's head, received in time and with a good status; the connection is kept only if it was read."""
        headers = {"Accept-Encoding": "identity", "User-Agent": "tidegate"}
        if body_type:
            headers["Content-Type"] = body_type
        self._read_s = read_s
        timeout = httpx.Timeout(read_s, connect=self._limits.connect_s)
        client = self._open_client()
        self._too_slow = False
        watch = threading.Timer(self._limits.connect_s + self._limits.head_s, self._head_took_too_long)
        watch.daemon = True
        watch.start()
        try:
            request = client.build_request(
                self._target.method, self._target.url.rstrip("/") + path, content=body or None, headers=headers,
                timeout=timeout, extensions={"trace": self._trace},
            )  # fmt: skip
            response = client.send(request, auth=self._auth, stream=True, follow_redirects=False)
        finally:
            watch.cancel()
        try:
            if response.status_code != HTTPStatus.OK:
                raise refused(
                    self._where, response.status_code, response.headers, locked_s=LOCKED_S, user=self._target.user
                )
            yield response
        finally:
            response.close()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            with self._in_use:
                yield
            if self._closed:
                self._drop_client()
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError, KeyError, NotImplementedError) as error:
            # KeyError, NotImplementedError: a Digest challenge with an algorithm or qop that httpx does not know.
            self._drop_client()
            if self._closed:
                raise PullError(f"{self._where} is not asked any more") from error
            if self._too_slow:
                raise PullError(
                    f"{self._where} did not answer within {self._limits.head_s:g} s",
                    cause="it sends its answer byte by byte, or hangs",
                    fix="Restart the camera; if it stays so, look for another device at its address",
                ) from error
            raise unreachable(self._where, error, self._read_s) from error
        except LinkError:
            self._drop_client()
            raise

    def _open_client(self) -> httpx.Client:
        if self._client is None:
            # trust_env=False: a proxy or netrc of the machine has no business between a gate and its cameras.
            limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
            self._client = httpx.Client(verify=self._tls, limits=limits, trust_env=False)
        return self._client

    def _drop_client(self) -> None:
        client, self._client = self._client, None
        with self._lock:
            self._socket = None
        if client is not None:
            client.close()

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Remember the connection's socket, so that it can be ended from outside (an extension httpx documents)."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            with self._lock:
                self._socket = info["return_value"].get_extra_info("socket")
                # A stream without heartbeats would not notice otherwise that the camera's power was cut.
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if self._closed:
                self._abort()

    def _head_took_too_long(self) -> None:
        self._too_slow = True
        self._abort()

    def _abort(self) -> None:
        with self._lock, contextlib.suppress(OSError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)
