"""The desk's socket: acts come in over a Unix domain socket, one a connection, and are answered when they are durable.

Mode 0660: whoever is in the agent's group may hand an act over. Who an officer is says the signature, not the socket;
the peer's user id is logged.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from edge_agent.errors import EdgeAgentError
from edge_agent.model.handed_act import Handed, HandedError, frame, read_handed

LOG = structlog.get_logger()

BACKLOG = 8
"""Connections that wait in the kernel; of more the peer is told to try again, and puts its act into the spool."""

MOST_AT_ONCE = 2
"""Connections that are served at once, one thread each; each holds one act with its pictures."""

PEER_S = 30.0
"""How long a peer may take for each part of what it sends."""

_ACCEPT_S = 0.5
_MODE = 0o660

Answer = Callable[[Handed, int], bytes]
"""(what was handed over, the peer's user id) -> the answer's bytes."""


class DeskSocket:
    """Listens from `start` to `stop`."""

    def __init__(self, path: Path, answer: Answer, malformed: Callable[[str], bytes]) -> None:
        """`malformed` makes the answer to bytes that are no act; it is given the reason."""
        self._path, self._answer, self._malformed = path, answer, malformed
        self._listener: socket.socket | None = None
        self._stop = threading.Event()
        self._free = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._thread = threading.Thread(target=self._accept, name="desk socket", daemon=True)

    def start(self) -> None:
        """Begin to listen; EdgeAgentError when the socket cannot be made. One that an agent left behind is replaced."""
        try:
            self._listener = _listening(self._path)
        except OSError as error:
            raise EdgeAgentError(
                f"the desk's socket {self._path} cannot be made",
                cause=error.strerror or str(error),
                fix="check that runtime_dir in [agent] belongs to the agent's user; until then acts of officers wait "
                "in their spool",
            ) from error
        self._thread.start()

    def stop(self) -> None:
        """Listen no more. Who is being answered is answered."""
        self._stop.set()
        if self._listener is not None:
            self._thread.join(timeout=3)
            self._listener.close()
            self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        listener = self._listener
        while listener is not None and not self._stop.is_set():
            if not self._free.acquire(timeout=_ACCEPT_S):
                continue
            try:
                connection, _ = listener.accept()
            except OSError:  # a time-out, or a peer that went away at once
                self._free.release()
                continue
            threading.Thread(target=self._serve, args=(connection,), name="desk peer", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, contextlib.suppress(OSError):  # a peer that is gone has its act still, or spools it
                connection.settimeout(PEER_S)
                connection.sendall(frame(self._answered(connection)))
        finally:
            self._free.release()

    def _answered(self, connection: socket.socket) -> bytes:
        uid = peer_uid(connection)
        try:
            with connection.makefile("rb") as file:
                handed = read_handed(lambda size: file.read(size) or b"")
        except HandedError as error:
            LOG.warning("desk.malformed", uid=uid, problem=str(error))
            return self._malformed(str(error))
        return self._answer(handed, uid)


def peer_uid(connection: socket.socket) -> int:
    """User id of who is at the other end (unix(7), SO_PEERCRED).

    In a service with PrivateUsers= other users than its own and root come as 65534.
    """
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", raw)[1])


def _listening(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()  # an agent was killed: only one runs at a time, so nobody listens there
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # Through the directory's descriptor: a path of a socket may have 107 bytes at most (unix(7)).
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        listener.bind(f"/proc/self/fd/{directory}/{path.name}")
        path.chmod(_MODE)
        listener.listen(BACKLOG)
        listener.settimeout(_ACCEPT_S)
    except OSError:
        listener.close()
        raise
    finally:
        os.close(directory)
    return listener
