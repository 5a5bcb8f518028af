"""A TCP link both ways: what a device sends goes to a conversation, whose answers go back. Opens again by itself."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Event

from edge_agent.links.serial_causes import explain
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState

CONNECT_S = 3.0
READ_AT_MOST = 65_536
LONGEST_READ_S = 0.2
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
STEADY_S = 5.0
KEEPALIVE_S = 1
DEAD_PEER_MS = 3000
"""As the serial link's: a peer that acknowledges nothing for so long is given up (tcp(7), TCP_USER_TIMEOUT)."""


class TalkLink:
    """Connects to `host:port` and keeps the conversation going."""

    def __init__(self, device_id: str, host: str, port: int, clock: Callable[[], Moment]) -> None:
        self._device_id, self._address, self._clock = device_id, (host, port), clock
        self._failures = 0
        self._told = ""

    def run(
        self,
        on_bytes: Callable[[bytes, Moment], bytes],
        on_event: Callable[[DeviceEvent], None],
        stop: Event,
        goodbye: Callable[[], bytes],
    ) -> None:
        """Until `stop`. `on_bytes` gets what came and gives what to send; `goodbye` is sent before an orderly end.

        `on_event` as of SerialLink: STARTING for each new connection (begin a new conversation), UNPLUGGED while there
        is none, with the cause.
        """
        pause = SHORTEST_PAUSE_S
        while not stop.is_set():
            connection = self._connect(on_event)
            if connection is not None:
                opened = self._clock()
                with connection:
                    self._talk(connection, on_bytes, on_event, stop)
                    if stop.is_set():
                        with suppress(OSError):
                            connection.sendall(goodbye())
                if self._clock().seconds_since(opened) >= STEADY_S:
                    pause = SHORTEST_PAUSE_S
            stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    @property
    def url(self) -> str:
        """As in the site file."""
        host, port = self._address
        return f"socket://{host}:{port}"

    def _connect(self, on_event: Callable[[DeviceEvent], None]) -> socket.socket | None:
        try:
            connection = socket.create_connection(self._address, timeout=CONNECT_S)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_PEER_MS)
        except OSError as error:
            self._fail(error, on_event)
            return None
        attempts, self._failures, self._told = max(self._failures, 1), 0, ""
        text = f"{self.url} is open; waiting for the first bytes"
        on_event(DeviceEvent(self._device_id, self._clock(), DeviceState.STARTING, text, attempts))
        return connection

    def _talk(
        self,
        connection: socket.socket,
        on_bytes: Callable[[bytes, Moment], bytes],
        on_event: Callable[[DeviceEvent], None],
        stop: Event,
    ) -> None:
        """Returns when the connection was lost (that has been told) or `stop` came."""
        while not stop.is_set():
            try:
                if not select.select([connection], [], [], LONGEST_READ_S)[0]:
                    continue
                chunk = connection.recv(READ_AT_MOST)
                if not chunk:
                    raise ConnectionResetError("socket disconnected")
                if answer := on_bytes(chunk, self._clock()):
                    connection.sendall(answer)
            except OSError as error:
                self._fail(error, on_event)
                return

    def _fail(self, error: OSError, on_event: Callable[[DeviceEvent], None]) -> None:
        """Each cause once: attempts go on every second, perhaps for weeks."""
        self._failures += 1
        text = explain(self.url, "", error)
        if text != self._told:
            self._told = text
            on_event(DeviceEvent(self._device_id, self._clock(), DeviceState.UNPLUGGED, text, self._failures))
