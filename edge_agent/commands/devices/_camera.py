"""Plate cameras: what they push while we listen in the agent's place, their stream, or their answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from edge_agent.app.camera_keep import camera_profile, password_of
from edge_agent.app.camera_pull_point import PullPoint
from edge_agent.app.camera_target import order_of, request_of, target_of
from edge_agent.clock import SystemClock
from edge_agent.commands.decoders.plate import PlateDecoder
from edge_agent.config_camera import CameraTable
from edge_agent.drivers.plate.camera import CameraReader
from edge_agent.drivers.plate.capture_time import CameraClock
from edge_agent.errors import EdgeAgentError
from edge_agent.links.http_causes import PullError
from edge_agent.links.http_pull import HttpPull, PullLimits
from edge_agent.links.http_push import Credentials, Push, PushListener, Route
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState

PAUSE_S = 2.0
"""Between two attempts to reach the camera."""

BEGINNING = "0"
"""The cursor before everything that a camera can name."""

OnBytes = Callable[[bytes, Moment], None]
OnEvent = Callable[[DeviceEvent], None]


@dataclass(frozen=True, slots=True)
class CameraSource:
    """See Source."""

    table: CameraTable

    @property
    def name(self) -> str:
        """As in the site file."""
        return self.table.id

    @property
    def profile(self) -> str:
        """As in the site file."""
        return self.table.profile

    @property
    def where(self) -> str:
        """What it pushes to, or where it is asked."""
        return self.table.url or f"http://{self.table.listen}{self.table.push_path}"

    @property
    def settings(self) -> dict[str, object]:
        """Nothing that a recording must not hold: no password."""
        return {"address": self.where}

    def decoder(self) -> PlateDecoder:
        """With the camera's zone, as the site file says."""
        zone = ZoneInfo(self.table.zone) if self.table.zone else None
        return PlateDecoder(camera_profile(self.table), CameraClock(zone, self.table.local_as_utc))

    def watched(self) -> None:
        """The link tells what is wrong."""

    def listen(self, on_bytes: OnBytes, on_event: OnEvent, stop: threading.Event) -> None:
        """Until `stop`. LinkError when its pushes cannot be listened for, as by now the agent does."""
        if self.table.listen:
            self._listen_for_pushes(on_bytes, on_event, stop)
        else:
            _Asker(self.table, on_bytes, on_event, stop).run()

    def _listen_for_pushes(self, on_bytes: OnBytes, on_event: OnEvent, stop: threading.Event) -> None:
        clock, one_at_a_time = SystemClock(), threading.Lock()

        def tell(state: DeviceState, text: str) -> None:
            on_event(DeviceEvent(self.name, clock(), state, text))

        def take(push: Push) -> None:
            with one_at_a_time:
                on_bytes(push.body + b"\n", clock())

        def refuse(reason: str, peer: str) -> None:
            tell(DeviceState.UNREADABLE, f"refused {reason} ({peer or 'nobody yet'})")

        user = self.table.user
        credentials = Credentials(user, password_of(self.table), self.table.auth) if user else None
        routes = {self.table.push_path: Route(self.name, self.table.networks, credentials)}
        host, port = self.table.address
        with PushListener(host, port, routes, take, refuse):
            tell(DeviceState.STARTING, f"listening on {self.where} for pushes from {', '.join(self.table.allow)}")
            stop.wait()


class _Asker:
    """Opens the camera's stream, or asks again and again, until stopped."""

    def __init__(self, table: CameraTable, on_bytes: OnBytes, on_event: OnEvent, stop: threading.Event) -> None:
        self._table, self._link = table, camera_profile(table).link
        self._reader = CameraReader(camera_profile(table))
        self._on_bytes, self._on_event, self._stop = on_bytes, on_event, stop
        self._clock = SystemClock()
        self._cursor, self._told = BEGINNING, ""
        self._pull = self._new_pull()

    def run(self) -> None:
        """In a thread of its own, so that a camera that says nothing does not keep us."""
        worker = threading.Thread(target=self._work, name=f"camera {self._table.id}", daemon=True)
        worker.start()
        self._stop.wait()
        self._pull.close()
        worker.join(timeout=3)

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                if self._link.mode == "poll":
                    self._ask()
                elif self._link.mode == "pullpoint":
                    self._pull_point()
                else:
                    self._pull.stream(request_of(self._table, self._link).path, self._opened, self._take)
            except EdgeAgentError as error:
                self._failed(error)

    def _ask(self) -> None:
        asked = request_of(self._table, self._link, self._cursor)
        answer = self._pull.ask(asked.path, asked.body, asked.body_type)
        self._opened()
        self._take(answer + b"\n")
        last = max((event.cursor for event in self._reader.push(answer).vehicles), key=order_of, default="")
        if order_of(last) <= order_of(self._cursor):
            self._stop.wait(self._link.interval_s)
        else:
            self._cursor = last

    def _pull_point(self) -> None:
        point = PullPoint(self._pull, self._table, request_of(self._table, self._link).path, self._clock)
        point.subscribe()
        self._opened()
        while not self._stop.is_set():
            self._take(point.messages() + b"\n")

    def _opened(self) -> None:
        self._tell(DeviceState.OK, "the camera answers")

    def _take(self, data: bytes) -> None:
        if not self._stop.is_set():
            self._on_bytes(data, self._clock())

    def _failed(self, error: EdgeAgentError) -> None:
        if self._stop.is_set():
            return
        self._tell(error.state if isinstance(error, PullError) else DeviceState.UNPLUGGED, str(error))
        self._pull.close()
        if not self._stop.wait(max(PAUSE_S, error.pause_s if isinstance(error, PullError) else 0.0)):
            self._pull = self._new_pull()

    def _new_pull(self) -> HttpPull:
        silent_s = float(self._table.silent_after or self._link.silent_after_s or 86_400)
        return HttpPull(target_of(self._table, self._link), PullLimits(silent_s=silent_s))

    def _tell(self, state: DeviceState, text: str) -> None:
        """Once, as long as it stays so."""
        if text == self._told:
            return
        self._told = text
        self._on_event(DeviceEvent(self._table.id, self._clock(), state, text))
