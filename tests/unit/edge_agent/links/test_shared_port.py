"""Several devices on one line: each hears its own answers, and the line is open as long as anybody listens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from edge_agent.links.asking import Question
from edge_agent.links.hello import ByteLink
from edge_agent.links.shared_port import DeviceOnLine, SharedPort
from edge_agent.model.moment import Moment, MonoNs, WallNs
from edge_agent.model.readings import DeviceEvent, DeviceState

DEADLINE_S = 60.0


class Bus:
    """A line whose devices answer with their question, doubled; `opened` counts how often it was opened."""

    def __init__(self) -> None:
        self.opened = 0
        self.is_open = False

    def link(self, ask: Callable[[Moment], bytes | None]) -> ByteLink:
        self._ask = ask
        return self

    def run(
        self,
        on_bytes: Callable[[bytes, Moment], None],
        on_event: Callable[[DeviceEvent], None],
        stop: threading.Event,
    ) -> None:
        self.opened, self.is_open = self.opened + 1, True
        on_event(DeviceEvent("line", self._now(), DeviceState.STARTING, "open"))
        while not stop.wait(0.001):
            if (question := self._ask(self._now())) is not None:
                on_bytes(question * 2, self._now())
        self.is_open = False

    @staticmethod
    def _now() -> Moment:
        return Moment(WallNs(0), MonoNs(time.monotonic_ns()), bytes(16), synchronised=False)


class Listening:
    """A device's side of the line, in a thread."""

    def __init__(self, on_line: DeviceOnLine) -> None:
        self.heard: list[bytes] = []
        self.events: list[DeviceEvent] = []
        self._on_line, self._stop = on_line, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self._on_line.run(self._take, self.events.append, self._stop)

    def _take(self, chunk: bytes, _now: Moment) -> None:
        self.heard.append(chunk)
        self._on_line.answered()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_each_device_hears_its_own_answers_and_the_last_one_closes_the_line() -> None:
    bus = Bus()
    port = SharedPort(bus.link)
    sides = [port.device(name, [Question(name, name.encode(), 0.001, 1.0)]) for name in ("a", "b")]

    first, second = (Listening(side) for side in sides)
    until(lambda: min(len(first.heard), len(second.heard)) > 2)
    first.stop()
    still_open = bus.is_open
    second.stop()

    assert (set(first.heard), set(second.heard)) == ({b"aa"}, {b"bb"})
    assert still_open
    assert not bus.is_open
    assert bus.opened == 1
    assert [event.device_id for event in first.events][:1] == ["a"]
