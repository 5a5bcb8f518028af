"""A link to a network namespace that is slow and loses packets; the kernel's own TCP on both ends.

Two TUN devices and a thread between them, because not every kernel has netem. Needs the right to make both.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import os
import select
import struct
import subprocess
import threading
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from random import Random
from typing import Self

import pytest

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
MTU = 1400
MOST_ON_THE_WAY = 1000
"""Packets; a router drops what comes beyond."""

numbers = count(os.getpid() % 200)


class LossyLink:
    """From here (`near` address) to a namespace of its own (`far` address); a context manager.

    Skips the test that uses it where namespaces or TUN devices are not permitted.
    """

    def __init__(self, delay_s: float, loss: float) -> None:
        """Each way takes `delay_s`, and this share of packets does not arrive."""
        number = next(numbers)
        self._delay_s, self._loss = delay_s, loss
        self.name = f"tidegate{number}"
        self.near, self.far = f"198.18.{number}.1", f"198.18.{number}.2"
        self.carried = self.dropped = 0
        self._random = Random(7)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._devices: list[int] = []

    @property
    def within(self) -> tuple[str, ...]:
        """Runs a command in the namespace."""
        return ("ip", "netns", "exec", self.name)

    def __enter__(self) -> Self:
        try:
            _run("ip", "netns", "add", self.name)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"network namespaces are not permitted here: {error}")
        try:
            self._devices = self._make_devices()
        except OSError as error:
            self.__exit__()
            pytest.skip(f"TUN devices are not permitted here: {error}")
        for prefix, address in (((), self.near), (("-n", self.name), self.far)):
            _run("ip", *prefix, "addr", "add", f"{address}/30", "dev", self.name)
            _run("ip", *prefix, "link", "set", self.name, "up", "mtu", str(MTU))
        _run("ip", "-n", self.name, "link", "set", "lo", "up")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(10)
        for device in self._devices:
            os.close(device)
        with suppress(subprocess.CalledProcessError):
            _run("ip", "netns", "del", self.name)

    def _make_devices(self) -> list[int]:
        """One here, one in the namespace: a thread that goes there makes it, and the device stays."""
        made: list[int] = []
        failed: list[OSError] = []

        def there() -> None:
            try:
                _enter(Path("/run/netns", self.name))
                made.append(_tun(self.name))
            except OSError as error:
                failed.append(error)

        made.append(_tun(self.name))
        thread = threading.Thread(target=there)
        thread.start()
        thread.join()
        if failed:
            os.close(made[0])
            raise failed[0]
        return made

    def _run(self) -> None:
        """Carry packets until the link is closed: each is due when its way is over, in the order they came."""
        on_the_way: list[tuple[float, int, int, bytes]] = []
        order = count()
        while not self._stop.is_set():
            pause_s = max(0.0, on_the_way[0][0] - time.monotonic()) if on_the_way else 0.1
            for device in select.select(self._devices, [], [], min(pause_s, 0.1))[0]:
                packet = os.read(device, 65_536)
                if self._random.random() < self._loss or len(on_the_way) >= MOST_ON_THE_WAY:
                    self.dropped += 1
                    continue
                other = self._devices[1 - self._devices.index(device)]
                heapq.heappush(on_the_way, (time.monotonic() + self._delay_s, next(order), other, packet))
            while on_the_way and on_the_way[0][0] <= time.monotonic():
                _, _, device, packet = heapq.heappop(on_the_way)
                os.write(device, packet)
                self.carried += 1


def _enter(namespace: Path) -> None:
    """Move this thread there."""
    with namespace.open("rb") as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns: {os.strerror(ctypes.get_errno())}")


def _tun(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR)
    try:
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    except OSError:
        os.close(device)
        raise
    return device


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
