"""An emulated weighing indicator: a pty that speaks an indicator's bytes at its rate, and can be made to fail."""

from __future__ import annotations

import os
import random
import select
import threading
import time
import tty
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Self

from edge_agent.errors import EdgeAgentError
from edge_agent.simulate.frames import IndicatorFrames, rounded

FASTEST_HERTZ = 50
MOTION_WINDOW_S = 0.25


class Voice(Enum):
    """What an indicator puts on its port."""

    TALKING = "talking"
    BABBLING = "babbling"
    SILENT = "silent"


class Indicator:
    """A weighing indicator on a pty, sending the current load without being asked.

    A symbolic link, like those under /dev/serial/by-id, always leads to the pty. As with a real cable, what is sent
    while nobody has the port open is lost, and so is what no longer fits while its reader is stuck: sending never
    blocks.

    Args:
        frames: how this kind of indicator writes a weight.
        link: where to keep the symbolic link; its directory must exist.
        load: kilograms on the platform now.
        rate_hertz: frames a second, at most 50.
    """

    def __init__(
        self, frames: IndicatorFrames, link: Path, load: Callable[[], Decimal], rate_hertz: float = 10.0
    ) -> None:
        if not 0 < rate_hertz <= FASTEST_HERTZ:
            raise EdgeAgentError(
                f"An indicator cannot send {rate_hertz} frames a second",
                cause=f"the fastest send {FASTEST_HERTZ}",
                fix=f"Set rate_hertz above 0 and up to {FASTEST_HERTZ}",
            )
        self.frames_heard = 0
        """Frames that went out whole to an open port."""
        self.frames_lost = 0
        """Frames that nobody listened to, or that did not fit any more."""
        self._frames, self._link, self._load = frames, link, load
        self._period_s = 1 / rate_hertz
        self._shown: deque[Decimal] = deque(maxlen=max(2, round(MOTION_WINDOW_S * rate_hertz)))
        self._voice = Voice.TALKING
        self._noise = random.Random(0)  # noqa: S311 - line noise must be the same in every run; nothing here is secret
        self._guard = (
            threading.Lock()
        )  # over the port and the voice: a fault has begun when the call that makes it returns
        self._master: int | None = None
        self._port: str | None = None
        self._last_port: str | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._send_for_ever, name=f"indicator {link.name}", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> str | None:
        """The pty behind the link, e.g. "/dev/pts/7"; None while unplugged."""
        return self._port

    def start(self) -> None:
        """Plug in and begin to send."""
        with self._guard:
            self._plug_in()
        self._thread.start()

    def stop(self) -> None:
        """Stop sending and take the port away; returns when that is done."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self.unplug()

    def talk(self) -> None:
        """End babbling or silence."""
        self._say(Voice.TALKING)

    def babble(self) -> None:
        """Send noise instead of frames, as a wrong baud rate or a broken cable does."""
        self._say(Voice.BABBLING)

    def silence(self) -> None:
        """Send nothing; the port stays."""
        self._say(Voice.SILENT)

    def unplug(self) -> None:
        """Take the port away under its reader, as pulling a USB adapter does."""
        with self._guard:
            if self._master is None:
                return
            self._link.unlink(missing_ok=True)
            os.close(self._master)
            self._master = self._port = None

    def replug(self) -> None:
        """Come back as another port under the same link, as USB adapters do."""
        with self._guard:
            if self._master is None:
                self._plug_in()

    def _say(self, voice: Voice) -> None:
        with self._guard:
            self._voice = voice

    def _plug_in(self) -> None:
        """Open a pty and point the link at it; its number differs from the one before."""
        master, port = _open_pty(not_as=self._last_port)
        os.set_blocking(master, False)
        fresh = self._link.with_name(f".{self._link.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(port)
        fresh.replace(self._link)  # atomic: whoever looks finds the old port or the new one
        self._master, self._port, self._last_port = master, port, port

    def _send_for_ever(self) -> None:
        due = time.monotonic()
        while not self._stopped.wait(max(0.0, due - time.monotonic())):
            self._send_one()
            # After a pause of the whole machine go on from now; an indicator does not catch up.
            due = max(due + self._period_s, time.monotonic())

    def _send_one(self) -> None:
        load = self._load()
        self._shown.append(rounded(load, self._frames.division_kilograms))
        frame = self._frames.encode(load, in_motion=len(set(self._shown)) > 1)
        with self._guard:
            if self._voice is Voice.BABBLING:
                frame = self._noise.randbytes(len(frame))
            if self._master is not None and self._voice is not Voice.SILENT:
                whole = _has_reader(self._master) and _write(self._master, frame) == len(frame)
                self.frames_heard += whole
                self.frames_lost += not whole


def _open_pty(not_as: str | None) -> tuple[int, str]:
    """A raw pty: its master and the path of its slave, which is left closed; not the path `not_as`."""
    master, slave = os.openpty()
    port = os.ttyname(slave)
    if port == not_as:  # the kernel gives out the lowest free number: hold this one and take the next
        try:
            return _open_pty(not_as=None)
        finally:
            os.close(slave)
            os.close(master)
    tty.setraw(slave)
    os.close(slave)  # so that the master can tell whether anybody else has it open
    return master, port


def _has_reader(master: int) -> bool:
    """Whether somebody has the pty's other end open (Linux says POLLHUP when nobody has)."""
    poll = select.poll()
    poll.register(master, 0)
    return not any(events & select.POLLHUP for _, events in poll.poll(0))


def _write(master: int, frame: bytes) -> int:
    """Bytes that went out; 0 when the buffer is full or the reader has just gone."""
    try:
        return os.write(master, frame)
    except OSError:  # EAGAIN: full. EIO: the other end went between the poll and here
        return 0
