"""A plate camera that is asked, at work: its stream stays open, or it is polled; what it says is kept before it counts.

A stream's events are kept while its bytes are read: while the disk takes nothing, the camera waits. A poll's cursor
moves on only after the events before it are kept, and lies in the journal: after a restart or a cut the gate asks for
what came after the last event it has. An answer that is read twice gives nothing twice (the events' ids).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import structlog

from edge_agent.app.camera_keep import CameraKeeper
from edge_agent.app.camera_pull_point import PullPoint
from edge_agent.app.camera_target import Request, order_of, request_of, target_of
from edge_agent.app.scale import GarbledBuffer
from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.plate.camera import Message
from edge_agent.drivers.plate.events import Unreadable, VehicleEvent
from edge_agent.errors import EdgeAgentError, JournalError
from edge_agent.journal.journal import Journal
from edge_agent.links.http_causes import PullError
from edge_agent.links.http_pull import HttpPull, PullLimits
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState

LOG = structlog.get_logger()

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""Between two attempts to reach a camera, doubled up to the longest."""

RETRY_S = 0.5
UNREADABLE_AFTER_S = 15.0
"""Bytes for so long and nothing understood: the profile does not fit."""

NO_CURSOR = "0"
"""Before everything a camera can name."""

MOST_ANSWERS = 1_000
"""Of a camera's history that are passed over at the very first start; each holds many plates."""


@dataclass(frozen=True, slots=True)
class PullOutputs:
    """Where findings go; see CameraOutputs."""

    garbled: Callable[[str, bytes, int, str, Moment], None]
    event: Callable[[DeviceEvent], None]


class CameraPuller:
    """Asks one camera until stopped."""

    def __init__(
        self, keeper: CameraKeeper, journal: Journal, clock: Callable[[], Moment], outputs: PullOutputs
    ) -> None:
        """ConfigError when the password or CA file cannot be used."""
        self._keeper, self._journal, self._clock, self._outputs = keeper, journal, clock, outputs
        self._table, self._link = keeper.table, keeper.profile.link
        self._silent_s = keeper.silent_after_s
        self._reader = keeper.reader()
        self._cursor = ""
        self._pause_s = SHORTEST_PAUSE_S
        self._attempts = 0
        self._garbled = GarbledBuffer()
        self._since: Moment | None = None  # of the connection, or of the last event in it
        self._bytes_at: Moment | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._pull = self._open()
        self._thread = threading.Thread(target=self._run, name=f"camera {self._table.id}", daemon=True)
        self.heard: Moment | None = None
        self.state, self.text = DeviceState.STARTING, "it has not answered yet"

    @property
    def device_id(self) -> str:
        """As in the site file."""
        return self._table.id

    def start(self, remembered: Mapping[str, bytes]) -> None:
        """Begin to ask, after the last event that was kept."""
        self._cursor = remembered.get(self._memory, b"").decode("utf-8", "replace")
        self._thread.start()

    def halt(self) -> None:
        """Ask no more."""
        self._stop.set()
        self._pull.close()

    def stop(self) -> None:
        """Halt, and wait for it."""
        self.halt()
        if self._thread.is_alive():
            self._thread.join(timeout=3)
        if not self._thread.is_alive():  # else it still holds the reader
            with self._lock:
                self._take(self._reader.settle())  # a vehicle that waited for its pictures
        self._flush_garbled(self._clock(), final=True)

    def tick(self, now: Moment) -> None:
        """Time has passed: pictures that will not come any more, bytes that mean nothing."""
        if not self._lock.acquire(blocking=False):
            return  # it is being read from, or waits for the disk; other cameras must not
        try:
            waited = self._bytes_at is not None and now.seconds_since(self._bytes_at) >= self._link.pictures_within_s
            if self._reader.waits and waited:
                self._take(self._reader.settle())
            self._flush_garbled(now)
            if self._is_unreadable(now):
                self._tell(DeviceState.UNREADABLE, self._not_understood(), now)
        finally:
            self._lock.release()

    @property
    def _memory(self) -> str:
        """Where the cursor lies, among the lanes' passages; no lane can have this name."""
        return f"/cursor/{self._table.id}"

    def _is_unreadable(self, now: Moment) -> bool:
        """Bytes came for long, and still come: a camera that pauses is not unreadable."""
        if self._since is None or self._bytes_at is None or self.state is DeviceState.UNREADABLE:
            return False
        came_for, paused_for = self._bytes_at.seconds_since(self._since), now.seconds_since(self._bytes_at)
        return came_for >= UNREADABLE_AFTER_S > paused_for

    def _not_understood(self) -> str:
        return (
            f"{self._table.url} sends bytes and no event. It is another camera, or other firmware, than "
            f"{self._table.profile} describes. Record what it sends and try `edge-agent decode` with other profiles"
        )

    def _flush_garbled(self, now: Moment, *, final: bool = False) -> None:
        if (gathered := self._garbled.due(now, final=final)) is None:
            return
        try:
            self._outputs.garbled(self._table.id, *gathered)
        except JournalError as error:
            LOG.warning("camera.garbled_not_kept", device=self._table.id, problem=str(error), bytes=gathered[1])

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._WAYS[self._link.mode](self)
            except EdgeAgentError as error:
                if not self._stop.is_set():
                    self._failed(error)
            except Exception as error:  # the camera's supervisor: whatever it was, it is told and tried again
                LOG.exception("camera.failed", device=self._table.id)
                self._failed(PullError(f"Reading {self._table.url} failed", cause=f"{type(error).__name__}: {error}"))

    def _failed(self, error: EdgeAgentError) -> None:
        self._attempts += 1
        now = self._clock()
        with self._lock:
            self._take(self._reader.flush())
            self._since = self.heard = None
            state = error.state if isinstance(error, PullError) else DeviceState.UNPLUGGED
            self._tell(state, str(error), now)
        pause = max(self._pause_s, error.pause_s if isinstance(error, PullError) else 0.0)
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        self._stop.wait(pause)

    def _stream(self) -> None:
        with closing(self._opened()) as pull:
            pull.stream(self._request().path, self._on_open, self._on_bytes)

    def _poll(self) -> None:
        with closing(self._opened()) as pull:
            if not self._cursor:
                self._pass_history(pull)
            while not self._stop.is_set():
                if not self._ask(pull):
                    self._stop.wait(self._link.interval_s)

    def _pull_point(self) -> None:
        with closing(self._opened()) as pull:
            point = PullPoint(pull, self._table, self._request().path, self._clock)
            point.subscribe()
            try:
                while not self._stop.is_set():
                    message = self._reader.push(point.messages())
                    with self._lock:
                        self._take([message])
            finally:
                if self._stop.is_set():
                    point.unsubscribe(target_of(self._table, self._link))

    _WAYS: ClassVar[Mapping[str, Callable[[CameraPuller], None]]] = {
        "stream": _stream,
        "poll": _poll,
        "pullpoint": _pull_point,
    }

    def _ask(self, pull: HttpPull) -> bool:
        """One question; whether there was news, so that more may follow at once."""
        message = self._news(self._reader.push(self._answer(pull)))
        with self._lock:
            self._take([message])
        if message.events and all(isinstance(event, Unreadable) for event in message.events):
            raise PullError(self._not_understood(), state=DeviceState.UNREADABLE)
        moved = self._move_on(message)
        if moved:
            self._remember_cursor()
        return moved

    def _news(self, message: Message) -> Message:
        """Without the vehicles up to the cursor: some firmware answers with its whole list."""
        known = order_of(self._cursor)
        events = tuple(
            event
            for event in message.events
            if not (isinstance(event, VehicleEvent) and event.cursor and order_of(event.cursor) <= known)
        )
        return message._replace(events=events)

    def _pass_history(self, pull: HttpPull) -> None:
        """At the very first start: what the camera saw before there was a gate is not the gate's."""
        self._cursor = NO_CURSOR
        try:
            for _ in range(MOST_ANSWERS):
                message = self._reader.push(self._answer(pull))
                if not self._move_on(message):
                    break
        except PullError:
            self._cursor = ""  # half a history passed over is none
            raise
        self._remember_cursor()  # also of a camera that has seen nothing yet

    def _move_on(self, message: Message) -> bool:
        """Put the cursor after the last of these events; whether it moved."""
        last = max([self._cursor, *(event.cursor for event in message.vehicles)], key=order_of)
        moved, self._cursor = last != self._cursor, last
        return moved

    def _remember_cursor(self) -> None:
        self._until_kept(lambda: self._journal.append([], in_flight={self._memory: self._cursor.encode()}))

    def _on_open(self) -> None:
        with self._lock:
            self._since = self._clock()
            if not self._silent_s:
                self._well(self._since)  # it speaks only when a vehicle comes

    def _on_bytes(self, chunk: bytes) -> None:
        with self._lock:
            self._bytes_at = self._clock()
            self._since = self._since or self._bytes_at
            self._take(self._reader.feed(chunk))

    def _take(self, messages: list[Message]) -> None:
        """Keep what was said; while the disk takes nothing, the camera waits."""
        for message in messages:
            now = self._clock()
            for event in message.events:
                if isinstance(event, Unreadable):
                    self._garbled.add(Garbled(0, event.raw, event.reason), now)
            if any(not isinstance(event, Unreadable) for event in message.events) or not message.events:
                self._well(now)
            self._until_kept(partial(self._keeper.keep, message, now))

    def _until_kept(self, keep: Callable[[], object]) -> None:
        while True:
            try:
                keep()
            except JournalError as error:
                LOG.warning("camera.not_kept", device=self._table.id, problem=str(error))
                if self._stop.wait(RETRY_S):
                    return
            else:
                return

    def _well(self, now: Moment) -> None:
        self._since = self.heard = now
        self._pause_s, self._attempts = SHORTEST_PAUSE_S, 0
        self._tell(DeviceState.OK, "the camera answers", now)

    def _tell(self, state: DeviceState, text: str, now: Moment) -> None:
        if state is DeviceState.OK and self.state is DeviceState.OK:
            return
        self.state, self.text = state, "" if state is DeviceState.OK else text
        self._outputs.event(DeviceEvent(self._table.id, now, state, text, max(1, self._attempts)))

    def _open(self) -> HttpPull:
        """A connection to be made, with the password as it is in its file now."""
        target = target_of(self._table, self._link)
        return HttpPull(target, PullLimits(silent_s=float(self._silent_s or 86_400)))

    def _opened(self) -> HttpPull:
        self._pull = self._open()
        if self._stop.is_set():
            self._pull.close()
        return self._pull

    def _request(self) -> Request:
        return request_of(self._table, self._link, self._cursor)

    def _answer(self, pull: HttpPull) -> bytes:
        asked = self._request()
        return pull.ask(asked.path, asked.body, asked.body_type)
