"""The HTTP listener that devices push to: a push is kept first and answered after.

Rule: `on_push` makes a push durable, and 200 is sent only after it has returned. If it raises, the answer is 503 and
the device tries again. So nothing is acknowledged that could be lost; repetitions are possible, and whoever reads the
pushes must recognise them.

Every bound is in `Limits`, and holds for peers that lie, stall or flood. Standard library only; no TLS: cameras and
gate share a network segment of their own (see docs/cameras.md).
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
from types import TracebackType
from typing import Self

from edge_agent.errors import LinkError
from edge_agent.links.http_conversation import RETRY, Address, Conversation, Desk, Push, Route, answer
from edge_agent.links.http_credentials import Credentials
from edge_agent.links.http_limits import Budget, Limits

__all__ = ["Credentials", "Limits", "Push", "PushListener", "Route"]

BACKLOG = 32  # connections the kernel holds until they are accepted
ACCEPT_PAUSE_SECONDS = 0.5
STOP_SECONDS = 5.0


class PushListener:
    """Listens for pushes from `start` until `stop`; once.

    Args:
        bind: address to listen on, e.g. "0.0.0.0" or "::".
        port: 0 for a free one; see `port`.
        routes: by exact path, e.g. {"/push/camera-1": Route(...)}.
        on_push: makes a push durable before it returns. Called from several threads at once, up to
            `limits.max_connections`.
        on_refused: told of everything that is not answered with 200: the reason, with the status first, and the peer's
            address ("" when there is none yet). Called from several threads at once; must neither raise nor block.
        limits: what a peer may cost.
    """

    def __init__(
        self,
        bind: str,
        port: int,
        routes: Mapping[str, Route],
        on_push: Callable[[Push], None],
        on_refused: Callable[[str, str], None],
        limits: Limits | None = None,
    ) -> None:
        limits = limits or Limits()
        self._bind, self._wanted_port = bind, port
        self._stopping = threading.Event()
        self._desk = Desk(dict(routes), on_push, on_refused, limits, Budget(limits.max_bytes_in_flight), self._stopping)
        self._connections = Budget(limits.max_connections)
        self._strangers = Budget(limits.strangers)
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, tuple[socket.socket, Address]] = {}
        self._socket: socket.socket | None = None
        self._acceptor: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port listened on; the wanted one before `start`."""
        return int(self._socket.getsockname()[1]) if self._socket else self._wanted_port

    def start(self) -> None:
        """Listen; connections are accepted from here on.

        Raises:
            LinkError: the address cannot be bound.
        """
        family = socket.AF_INET6 if ":" in self._bind else socket.AF_INET
        try:
            listening = socket.create_server((self._bind, self._wanted_port), family=family, backlog=BACKLOG)
        except OSError as error:
            raise LinkError(
                f"Cannot listen for pushes on {self._bind} port {self._wanted_port}",
                cause=error.strerror or str(error),
                fix="Choose an address of this machine and a port that no other program uses",
            ) from error
        self._socket = listening
        self._acceptor = threading.Thread(
            target=self._accept_for_ever, args=(listening,), name="push-listener", daemon=True
        )
        self._acceptor.start()

    def stop(self) -> None:
        """Stop listening: a push that is being kept is answered, one that is being received is not and comes again."""
        self._stopping.set()
        listening, self._socket = self._socket, None  # whoever calls second, perhaps from another thread, finds nothing
        if listening is None or self._acceptor is None:
            return
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._acceptor.join()
        listening.close()
        with self._lock:
            still_open = dict(self._open)
            for connection, _ in still_open.values():
                with contextlib.suppress(OSError):  # the peer may be gone
                    connection.shutdown(socket.SHUT_RD)  # no more requests; the answer can still be sent
        give_up = time.monotonic() + STOP_SECONDS
        for thread in still_open:
            thread.join(max(0.0, give_up - time.monotonic()))

    def _accept_for_ever(self, listening: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                connection, address = listening.accept()
            except OSError as error:
                if not self._stopping.is_set():  # no file descriptors left, mostly: they come back
                    self._desk.on_refused(f"Cannot accept a connection: {error}", "")
                    self._stopping.wait(ACCEPT_PAUSE_SECONDS)
            else:
                self._admit(connection, _peer(str(address[0])))

    def _admit(self, connection: socket.socket, peer: Address) -> None:
        """Give the connection a thread, or refuse it at once."""
        needed = [self._connections]
        if not any(route.admits(peer) for route in self._desk.routes.values()):
            needed.append(self._strangers)
        with self._lock:
            alike = sum(each == peer for _, each in self._open.values())
        taken = [budget for budget in needed if budget.take(1)]
        if taken != needed or alike >= self._desk.limits.of_one_address:
            _give_back(taken)
            _turn_away(connection)
            self._desk.on_refused("503: too many connections at once", str(peer))
            return
        thread = threading.Thread(
            target=self._serve, args=(connection, peer, taken), name=f"push from {peer}", daemon=True
        )
        with self._lock:
            self._open[thread] = (connection, peer)
        try:
            thread.start()
        except RuntimeError as error:  # the machine has no more threads
            with self._lock:
                del self._open[thread]
            _give_back(taken)
            _turn_away(connection)
            self._desk.on_refused(f"503: cannot serve another connection: {error}", str(peer))

    def _serve(self, connection: socket.socket, peer: Address, taken: list[Budget]) -> None:
        try:
            with contextlib.suppress(OSError):  # the peer went away
                Conversation(self._desk, connection, peer).hold()
        finally:
            with self._lock:
                del self._open[threading.current_thread()]
                connection.close()  # under the lock, so that stop() touches no descriptor that is used anew
            _give_back(taken)


def _give_back(taken: list[Budget]) -> None:
    for budget in taken:
        budget.give_back(1)


def _turn_away(connection: socket.socket) -> None:
    """Answer without waiting for the request, and without ever blocking the one thread that accepts."""
    with connection, contextlib.suppress(OSError):
        connection.setblocking(False)
        connection.send(answer(HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections at once", RETRY))
        connection.shutdown(socket.SHUT_WR)


def _peer(text: str) -> Address:
    """A peer's address; an IPv4 peer of a dual-stack socket is an IPv4 address."""
    address = ip_address(text.partition("%")[0])
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
