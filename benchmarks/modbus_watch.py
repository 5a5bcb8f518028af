"""What a Modbus device is told, and when: a station on the line before it that hands every byte on."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

PATIENCE_S = 30.0
POLLS = 3
"""Questions until an input is taken for changed: the agent waits 50 ms for it to settle, and asks every 100 ms."""


class Watch:
    """Stands before the box on its line, hands every byte on, and notes when its coils are told what."""

    def __init__(self, port: int, box_port: int) -> None:
        """`port` on this machine; nothing listens before it is entered. The box is on `box_port`."""
        self._port, self._box_port = port, box_port
        self._listener: socket.socket | None = None
        self._noted = threading.Condition()
        self._writes: list[tuple[int, bool, float]] = []
        self._polls = 0

    def __enter__(self) -> Self:
        """Listen."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        threading.Thread(target=self._serve, args=(self._listener,), name="watch", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Listen no more."""
        if self._listener is not None:
            self._listener.close()

    def written(self, coil: int, *, on: bool, after: float, within_s: float = PATIENCE_S) -> float | None:
        """When a coil was first told this after a moment, by the monotonic clock; waits for it. None: it was not."""

        def found() -> float | None:
            return next((at for each, state, at in self._writes if (each, state) == (coil, on) and at > after), None)

        with self._noted:
            return self._noted.wait_for(found, within_s)

    def polled(self) -> None:
        """Wait until the inputs as they are now have been read for long enough to count."""
        with self._noted:
            until = self._polls + POLLS
            if not self._noted.wait_for(lambda: self._polls >= until, PATIENCE_S):
                raise SystemExit(f"the inputs were not read within {PATIENCE_S:g} s")

    def _serve(self, listener: socket.socket) -> None:
        with suppress(OSError):  # closed: the benchmark is over
            while True:
                gate, _ = listener.accept()
                box = socket.create_connection(("127.0.0.1", self._box_port))
                for end in (gate, box):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for work in (self._requests, self._answers):
                    threading.Thread(target=work, args=(gate, box), name=work.__name__, daemon=True).start()

    def _requests(self, gate: socket.socket, box: socket.socket) -> None:
        """Modbus Messaging on TCP/IP 1.0b, 3.1.3: six bytes, the last two the length of what follows."""
        with suppress(OSError), gate, box:
            while len(head := gate.recv(6, socket.MSG_WAITALL)) == 6:
                body = gate.recv(int.from_bytes(head[4:]), socket.MSG_WAITALL)
                self._note(body[1:], time.monotonic())
                box.sendall(head + body)

    def _answers(self, gate: socket.socket, box: socket.socket) -> None:
        with suppress(OSError):
            while some := box.recv(4096):
                gate.sendall(some)

    def _note(self, request: bytes, now: float) -> None:
        """Modbus Application Protocol 1.1b3: 2 reads discrete inputs (6.2), 5 writes one coil (6.5)."""
        with self._noted:
            if request[0] == 2:
                self._polls += 1
            elif request[0] == 5:
                self._writes.append((int.from_bytes(request[1:3]), request[3:5] == b"\xff\x00", now))
            self._noted.notify_all()
