"""One serial line with several devices that only answer: what comes is the answer of whoever was asked last."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge_agent.links.asking import Question, Rounds
from edge_agent.links.hello import ByteLink, OnBytes, OnEvent
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent

MakeLink = Callable[[Callable[[Moment], "bytes | None"]], ByteLink]
"""The line's link, given what is asked next."""


@dataclass(frozen=True, slots=True)
class _Listener:
    on_bytes: OnBytes
    on_event: OnEvent


class SharedPort:
    """Opened with the first device that runs on it, closed with the last. Each question waits for the answer before."""

    def __init__(self, make_link: MakeLink) -> None:
        self._make_link = make_link
        self._questions: list[Question] = []
        self._rounds = Rounds(())
        self._asked = ""
        self._listeners: dict[str, _Listener] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def device(self, device_id: str, questions: Sequence[Question]) -> DeviceOnLine:
        """One device's side of the line; all of them before the first runs."""
        self._questions += questions
        return DeviceOnLine(self, device_id)

    def answered(self, device_id: str) -> None:
        """A message of this device came whole; only from within its `on_bytes`."""
        self._rounds.answered(device_id)

    def enter(self, device_id: str, listener: _Listener) -> None:
        """A device begins to listen; the first opens the line."""
        with self._lock:
            self._listeners[device_id] = listener
            if self._thread is None:
                self._stop.clear()
                self._rounds = Rounds(self._questions)
                self._thread = threading.Thread(target=self._read, name="shared line", daemon=True)
                self._thread.start()

    def leave(self, device_id: str) -> None:
        """A device listens no more; the last closes the line."""
        with self._lock:
            self._listeners.pop(device_id, None)
            thread = None if self._listeners else self._thread
            if thread is not None:
                self._stop.set()
                self._thread = None
        if thread is not None:
            thread.join(timeout=3)

    def _read(self) -> None:
        self._make_link(self._next).run(self._on_bytes, self._on_event, self._stop)

    def _next(self, now: Moment) -> bytes | None:
        question = self._rounds.due_question(now)
        if question is None:
            return None
        self._asked = question.device_id
        return question.data

    def _on_bytes(self, chunk: bytes, now: Moment) -> None:
        if (listener := self._listeners.get(self._asked)) is not None:
            listener.on_bytes(chunk, now)

    def _on_event(self, event: DeviceEvent) -> None:
        for listener in list(self._listeners.values()):
            listener.on_event(event)


@dataclass(frozen=True, slots=True)
class DeviceOnLine:
    """A link of one of the devices on a line."""

    port: SharedPort
    device_id: str

    def run(self, on_bytes: OnBytes, on_event: OnEvent, stop: threading.Event) -> None:
        """Until `stop`, for this device."""

        def told(event: DeviceEvent) -> None:
            on_event(DeviceEvent(self.device_id, event.at, event.state, event.text, event.attempts))

        self.port.enter(self.device_id, _Listener(on_bytes, told))
        stop.wait()
        self.port.leave(self.device_id)

    def answered(self) -> None:
        """See SharedPort."""
        self.port.answered(self.device_id)
