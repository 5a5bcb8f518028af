"""Prometheus metrics over HTTP: one scrape at a time, in a thread of its own."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from socketserver import TCPServer
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app
from prometheus_client.registry import Collector

from edge_agent.errors import ConfigError

PEER_S = 10.0
"""A scraper that has not sent its request and taken its answer after so long is dropped."""

WAITING = 5
"""Connections that wait in the kernel while one is answered; further ones are refused by it."""


class _Handler(WSGIRequestHandler):
    timeout = PEER_S  # for each read and write; `handle` bounds them all together

    def handle(self) -> None:
        """One request, which a peer that drips its bytes cannot make last."""
        late = threading.Timer(PEER_S, self._drop)
        late.daemon = True
        late.start()
        try:
            super().handle()
        finally:
            late.cancel()

    def _drop(self) -> None:
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """A scrape every few seconds is no news."""


class _Server(WSGIServer):
    request_queue_size = WAITING

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """As the base class does, but without asking a name server for this machine's name: a gate may have none."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A scraper that went away or was dropped is no news either."""


class MetricsServer:
    """Answers scrapes on one address, one at a time, in a thread of its own."""

    def __init__(self, listen: str, collector: Collector) -> None:
        """Listens at once; ConfigError when the address `host:port` cannot be had."""
        registry = CollectorRegistry()
        registry.register(collector)
        ProcessCollector(registry=registry)
        host, _, port = listen.rpartition(":")
        try:
            self._server = _Server(host.strip("[]"), int(port))
        except OSError as error:
            raise ConfigError(
                f"metrics cannot be served on {listen}",
                cause=error.strerror or str(error),
                fix="correct listen in [metrics], or end the program that has the port",
            ) from error
        self._server.set_app(make_wsgi_app(registry))
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)

    @property
    def port(self) -> int:
        """The port listened on."""
        return self._server.server_port

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._thread.join(timeout=2)
        self._server.server_close()
