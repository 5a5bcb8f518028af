"""A TCP proxy with the vices of real networks: slow, far, half-open, cut in the middle of a message."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Self, TypeVar

T = TypeVar("T")

CHUNK = 4096
QUEUED = 64
"""Chunks on the way in each direction: the buffer of a modest router."""

RESET = struct.pack("ii", 1, 0)


class NetworkProxy:
    """Stands before a collector, on an address of its own; a context manager. What is set holds for every connection.

    Attributes:
        delay_s: how long each way takes.
        bytes_s: what the line takes upward, all connections together; None is no bound.
        reset_after: bytes upward after which the next connection is reset; used up by it.
        accepted: connections so far.
    """

    def __init__(self, target: str) -> None:
        """`target` is host:port."""
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self.delay_s = 0.0
        self.bytes_s: float | None = None
        self.reset_after: int | None = None
        self.accepted = 0
        self._frozen = asyncio.Event()  # of the connections there are: those made later have another one
        self._line = asyncio.Lock()
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        # A small receive buffer: the sender feels the line's rate, not the proxy's memory.
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        self.port = int(self._listening.getsockname()[1])

    @property
    def address(self) -> str:
        """Where it listens, host:port."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(asyncio.start_server(self._serve, sock=self._listening))
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def freeze(self) -> None:
        """From now on the connections there are carry nothing and are not closed, as when a router forgot them."""

        async def freeze() -> None:
            self._frozen.set()
            self._frozen = asyncio.Event()

        self._do(freeze())

    def reset(self) -> None:
        """Reset all connections there are."""

        async def reset() -> None:
            for writer in list(self._open):
                _reset(writer)

        self._do(reset())

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _end(self) -> None:
        self._listening.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        frozen, (reset_after, self.reset_after) = self._frozen, (self.reset_after, None)
        self._open.add(writer)
        with suppress(OSError, asyncio.CancelledError):
            beyond_reader, beyond = await asyncio.open_connection(*self._target)
            self._open.add(beyond)
            up = asyncio.create_task(self._carry(reader, beyond, frozen, reset_after, upward=True))
            down = asyncio.create_task(self._carry(beyond_reader, writer, frozen, None, upward=False))
            try:
                await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
                if reset_after is not None and up.done():
                    _reset(writer)
                    _reset(beyond)
            finally:
                for task in (up, down):
                    task.cancel()
                await asyncio.gather(up, down, return_exceptions=True)
                beyond.close()
                self._open.discard(beyond)
        writer.close()
        self._open.discard(writer)

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        frozen: asyncio.Event,
        reset_after: int | None,
        *,
        upward: bool,
    ) -> None:
        """Carry one direction until it ends, or `reset_after` bytes were carried."""
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(QUEUED)
        delivering = asyncio.create_task(self._deliver(on_the_way, writer, frozen))
        carried = 0
        try:
            while data := await reader.read(CHUNK):
                if reset_after is not None and carried + len(data) >= reset_after:
                    data = data[: reset_after - carried]  # in the middle of whatever it is
                if upward and self.bytes_s is not None:
                    async with self._line:
                        await asyncio.sleep(len(data) / self.bytes_s)
                await on_the_way.put((self._loop.time() + self.delay_s, data))
                carried += len(data)
                if carried == reset_after:
                    break
            await on_the_way.join()
        finally:
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)

    async def _deliver(
        self, on_the_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter, frozen: asyncio.Event
    ) -> None:
        while True:
            due, data = await on_the_way.get()
            await asyncio.sleep(due - self._loop.time())
            if not frozen.is_set():
                writer.write(data)
                with suppress(OSError):
                    await writer.drain()
            on_the_way.task_done()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close it with a TCP reset."""
    with suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
