"""An input/output box on Modbus TCP, by pymodbus's own server: loops to drive over, a barrier, an analogue input."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from types import TracebackType
from typing import Any, Self

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

logging.getLogger("pymodbus").addHandler(logging.NullHandler())  # a gate that hangs up is none of the box's trouble

LOOP_OUT = 1
"""Discrete input: somebody is under the barrier."""

BARRIER, GREEN, RED = 0, 1, 2
"""Coils."""

_COILS, _INPUTS, _REGISTERS = 1, 2, 4  # function codes that read the tables
_POINTS = 64
_LOOK_S = 0.02
_START_S = 10.0


class IoBox:
    """One box, unit 1. What is written to its coils is noted with its time."""

    def __init__(self, port: int) -> None:
        """`port` on this machine; nothing listens before it is entered."""
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=f"io box {port}", daemon=True)
        self._ready = threading.Event()
        self._server: Any = None
        self._lock = threading.Lock()
        self._coils = [False] * _POINTS
        self._rises: list[tuple[int, float]] = []

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        if not self._ready.wait(_START_S):
            raise TimeoutError(f"the emulated input/output box does not listen on port {self._port}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Listen no more."""
        asyncio.run_coroutine_threadsafe(self._server.shutdown(), self._loop).result(_START_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_S)

    def set_input(self, address: int, *, active: bool) -> None:
        """A discrete input from now on."""
        self._set(_INPUTS, address, active)

    def set_register(self, address: int, value: int) -> None:
        """An input register from now on: what an analogue input counts, 0 to 65535."""
        self._set(_REGISTERS, address, value)

    def coil(self, address: int) -> bool:
        """Whether it was on at the last look."""
        with self._lock:
            return self._coils[address]

    def rises(self, address: int) -> list[float]:
        """When a coil was switched on, by the monotonic clock; a look every 20 ms."""
        with self._lock:
            return [at for each, at in self._rises if each == address]

    def _set(self, table: int, address: int, value: int) -> None:
        done = self._server.context.async_setValues(1, table, address, [value])
        asyncio.run_coroutine_threadsafe(done, self._loop).result(_START_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._ready.set()
        watching = self._loop.create_task(self._watch())
        self._loop.run_forever()
        watching.cancel()
        self._loop.run_until_complete(asyncio.gather(watching, return_exceptions=True))
        self._loop.close()

    async def _listen(self) -> None:
        bits = [SimData(0, values=[False] * _POINTS, datatype=DataType.BITS)]
        words = [SimData(0, count=16, values=0, datatype=DataType.REGISTERS)]
        device = SimDevice(1, simdata=(bits, bits, words, words))
        self._server = ModbusTcpServer([device], address=("127.0.0.1", self._port))
        await self._server.serve_forever(background=True)

    async def _watch(self) -> None:
        while True:
            found = await self._server.context.async_getValues(1, _COILS, 0, _POINTS)
            now = time.monotonic()
            with self._lock:
                new = [bool(each) for each in found[:_POINTS]]
                self._rises += [(at, now) for at, on in enumerate(new) if on and not self._coils[at]]
                self._coils = new
            await asyncio.sleep(_LOOK_S)
