"""What tests of cameras share: a clock that is moved by hand, small pictures, a feed that keeps what it is given."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import cv2
import numpy as np

from edge_agent.errors import EdgeAgentError
from edge_agent.links.camera.frames import Picture
from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs

WITHIN_S = 60.0


def at(seconds: float) -> Moment:
    ns = round(seconds * SECOND)
    return Moment(WallNs(1_700_000_000 * SECOND + ns), MonoNs(ns), bytes(16), synchronised=True)


def real_clock() -> Moment:
    return Moment(WallNs(time.time_ns()), MonoNs(time.monotonic_ns()), bytes(16), synchronised=True)


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def picture(number: int = 0, *, rows: int = 64, columns: int = 96) -> Picture:
    """Noise of its own for each number."""
    return np.random.default_rng(number).integers(0, 255, (rows, columns, 3), np.uint8)


def jpeg(number: int = 0, *, rows: int = 64, columns: int = 96) -> bytes:
    return cv2.imencode(".jpg", picture(number, rows=rows, columns=columns))[1].tobytes()


def decode(data: bytes) -> Picture:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if image is None:
        raise EdgeAgentError("it is no picture")
    return np.asarray(image, np.uint8)


class FakeFeed:
    """Keeps everything; stops after `stop_after` pictures."""

    def __init__(self, *, stop_after: int = 1_000_000, wanted: bool = True) -> None:
        self.stopping = threading.Event()
        self.pictures: list[tuple[Picture, Moment]] = []
        self.spoils: list[str] = []
        self.skips = self.opens = 0
        self._stop_after, self._wanted = stop_after, wanted

    def opened(self) -> None:
        self.opens += 1

    def wants(self, at: Moment) -> bool:
        del at
        return self._wanted

    def picture(self, image: Picture, at: Moment) -> None:
        self.pictures.append((image, at))
        self._count()

    def skipped(self, at: Moment) -> None:
        del at
        self.skips += 1
        self._count()

    def spoiled(self, reason: str, at: Moment) -> None:
        del at
        self.spoils.append(reason)
        self._count()

    def _count(self) -> None:
        if len(self.pictures) + self.skips + len(self.spoils) >= self._stop_after:
            self.stopping.set()
