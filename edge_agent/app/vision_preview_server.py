"""A preview in a browser on this machine: the newest annotated picture, again and again. Nothing is kept."""

from __future__ import annotations

import ipaddress
import socket
import threading
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from edge_agent.errors import EdgeAgentError

MOST_PEERS = 4
PEER_S = 10.0
NEXT_S = 5.0
BOUNDARY = "picture"

PAGE = """<!doctype html><meta charset="utf-8"><title>{name}</title>
<style>body{{margin:0;background:#111;color:#eee;font:16px sans-serif}}img{{max-width:100%;max-height:92vh}}</style>
<img src="/stream" alt=""><p>{name}. Ctrl-C in the terminal ends it / 在终端按 Ctrl-C 结束</p>
"""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Handler(BaseHTTPRequestHandler):
    timeout = PEER_S
    server: _Server

    def do_GET(self) -> None:
        """The page, or the pictures."""
        if not self._asked_by_name():
            self.send_error(HTTPStatus.FORBIDDEN, "Ask by the address that the preview listens on")
        elif self.path == "/":
            self._send("text/html; charset=utf-8", PAGE.format(name=self.server.title).encode())
        elif self.path == "/stream":
            self._stream()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _asked_by_name(self) -> bool:
        """A page of the web that has its own name resolve to this machine must not see the pictures."""
        host = (self.headers.get("Host") or "").rpartition(":")[0].strip("[]") or self.headers.get("Host", "")
        return is_loopback(host) or host == self.server.host or not is_loopback(self.server.host)

    def _send(self, kind: str, body: bytes) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        number = 0
        while (found := self.server.next_picture(number)) is not None:
            number, jpeg = found
            head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Who looks is no news."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, port: int, title: str) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.host, self.title = host, title
        self._changed = threading.Condition()
        self._jpeg: bytes = b""
        self._number = 0
        self._over = False
        self._peers = threading.BoundedSemaphore(MOST_PEERS)
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """As the base class does, but without asking a name server for this machine's name: a gate may have none."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.host, int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Each in a thread, and a few at most; further ones are closed."""
        if self._peers.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """One request."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._peers.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that was closed is no news."""

    def show(self, jpeg: bytes) -> None:
        """The newest picture."""
        with self._changed:
            self._jpeg, self._number = jpeg, self._number + 1
            self._changed.notify_all()

    def next_picture(self, after: int) -> tuple[int, bytes] | None:
        """The newest one, once it is newer than `after`, or again after NEXT_S; None when it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._number > after, NEXT_S)
            while not self._over and not self._number:
                self._changed.wait(NEXT_S)
            return None if self._over else (self._number, self._jpeg)

    def end(self) -> None:
        """No more pictures."""
        with self._changed:
            self._over = True
            self._changed.notify_all()


class PreviewServer:
    """Serves one camera's preview on one address."""

    def __init__(self, host: str, port: int, title: str) -> None:
        """Listens at once; EdgeAgentError when the address cannot be had. Port 0 takes any."""
        try:
            self._server = _Server(host, port, title)
        except OSError as error:
            raise EdgeAgentError(
                f"The preview cannot be served on {host}:{port}",
                cause=error.strerror or str(error),
                fix="Choose another port with --listen",
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="preview", daemon=True)

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        host = f"[{self._server.host}]" if ":" in self._server.host else self._server.host
        return f"http://{host}:{self._server.server_port}/"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def show(self, jpeg: bytes) -> None:
        """The newest picture, as a JPEG file."""
        self._server.show(jpeg)

    def stop(self) -> None:
        """Answer no more."""
        self._server.end()
        with suppress(RuntimeError):
            self._server.shutdown()
        self._thread.join(timeout=3)
        self._server.server_close()
