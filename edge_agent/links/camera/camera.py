"""One camera at work: a reader thread holds its newest frame, and opens it again whenever it is lost."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from edge_agent.errors import EdgeAgentError
from edge_agent.links.camera.frames import Frame, Newest, Picture
from edge_agent.links.camera.source import CameraError, Source
from edge_agent.links.camera.watch import FrameWatch
from edge_agent.links.http_causes import PullError
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""Between two attempts to open a camera, doubled up to the longest."""

STEADY_S = 10.0
"""A camera that stayed open so long and delivered is tried again at once the next time."""

TICK_S = 0.5
JOIN_S = 3.0
FINGERPRINT_EVERY_ROWS = 16
EARLY = 0.8
"""Of the interval between two wanted pictures: cameras do not keep time, and 10 of 25 a second must not become 8."""


@dataclass(frozen=True, slots=True)
class CameraRules:
    """How a camera is watched.

    Attributes:
        stale_after_s: no picture for so long is a fault; 0: never.
        frozen_after_s: the same picture, to the last bit, for so long is a fault; 0: never.
        most_per_s: pictures a second that are looked at; the others are not even decoded.
    """

    stale_after_s: float = 5.0
    frozen_after_s: float = 60.0
    most_per_s: float = 10.0


@dataclass(slots=True)
class CameraCounts:
    """Pictures since the start: `seen` of the camera, `kept` for a taker, `spoiled` and not decoded."""

    seen: int = 0
    kept: int = 0
    spoiled: int = 0


class Camera:
    """Reads one source until stopped. Any thread may call it; one thread takes its frames.

    Attributes:
        counts: of its pictures.
        ended: its source has come to its end: no frame comes any more.
    """

    def __init__(
        self,
        device_id: str,
        source: Source,
        rules: CameraRules,
        clock: Callable[[], Moment],
        on_event: Callable[[DeviceEvent], None],
    ) -> None:
        """`on_event` is called from the camera's threads, one call at a time, for each change of its state."""
        self.device_id, self.counts, self.ended = device_id, CameraCounts(), False
        self.stopping = threading.Event()
        self._source, self._rules, self._clock, self._on_event = source, rules, clock, on_event
        self._watch = FrameWatch(
            device_id,
            stale_after_s=rules.stale_after_s if source.live else 0.0,
            frozen_after_s=rules.frozen_after_s if source.changes else 0.0,
        )
        self._newest = Newest()
        self._lock = threading.Lock()
        self._kept_at: Moment | None = None
        self._opened_at: Moment | None = None
        self._delivered = False
        self._attempts = 0
        self._cut_off = False  # by us: what the source says to that is no fault of the camera
        self._threads = [
            threading.Thread(target=self._read, name=f"camera {device_id}", daemon=True),
            threading.Thread(target=self._tick, name=f"watch {device_id}", daemon=True),
        ]

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self._source.name

    @property
    def state(self) -> DeviceState:
        """What is known of the camera now."""
        return self._watch.state

    @property
    def text(self) -> str:
        """Why it is not well, and what to do; "" while it is."""
        return self._watch.text

    @property
    def dropped(self) -> int:
        """Frames that nobody took before a newer one came."""
        return self._newest.dropped

    def start(self) -> None:
        """Open it."""
        for thread in self._threads:
            thread.start()

    def halt(self) -> None:
        """Read no more."""
        self.stopping.set()
        self._source.abort()
        self._newest.close()

    def stop(self) -> None:
        """Halt, and wait until the camera is closed (a driver that hangs is left behind)."""
        self.halt()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(JOIN_S)

    def take(self, timeout_s: float) -> Frame | None:
        """The newest frame that was not taken yet; None when there is none within `timeout_s`."""
        return self._newest.take(timeout_s)

    # --- what the source delivers (Feed) ---------------------------------------------------------------------------

    def opened(self) -> None:
        """See Feed."""
        with self._lock:
            self._opened_at, self._delivered = self._clock(), False
            self._tell(self._watch.opened(self._opened_at, max(1, self._attempts)))

    def wants(self, at: Moment) -> bool:
        """See Feed."""
        return self._kept_at is None or at.seconds_since(self._kept_at) >= EARLY / self._rules.most_per_s

    def picture(self, image: Picture, at: Moment) -> None:
        """See Feed."""
        image.flags.writeable = False
        with self._lock:
            self.counts.seen += 1
            self.counts.kept += 1
            self._kept_at, self._delivered = at, True
            self._tell(self._watch.picture(fingerprint(image), self._clock()))
            frame = Frame(image, at, self.counts.kept)
        if self._source.live:
            self._newest.put(frame)
        else:
            self._newest.put_after(frame, self.stopping)

    def skipped(self, at: Moment) -> None:
        """See Feed."""
        del at
        with self._lock:
            self.counts.seen += 1
            self._watch.skipped(self._clock())

    def spoiled(self, reason: str, at: Moment) -> None:
        """See Feed."""
        del at
        with self._lock:
            self.counts.spoiled += 1
            self._tell(self._watch.spoiled(reason, self._clock()))

    # --- supervision -----------------------------------------------------------------------------------------------

    def _read(self) -> None:
        pause_s = SHORTEST_PAUSE_S
        while not self.stopping.is_set():
            asked_s = self._run_once()
            if self.ended:
                break
            with self._lock:
                if self._was_steady():
                    pause_s, self._attempts = SHORTEST_PAUSE_S, 0
                self._watch.closed()
                self._opened_at = None
            self.stopping.wait(max(pause_s, asked_s))
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        self._newest.close()

    def _run_once(self) -> float:
        """One life of the source; how long it asks to be left alone afterwards."""
        self._cut_off = False
        try:
            self._source.run(self)
        except EdgeAgentError as error:
            if self.stopping.is_set() or self._cut_off:
                return 0.0
            return self._failed(error)
        except Exception as error:  # noqa: BLE001 - a driver's own failure: whatever it was, it is told and tried again
            return self._failed(CameraError(f"Reading {self.name} failed", cause=f"{type(error).__name__}: {error}"))
        self.ended = not self._source.live and not self.stopping.is_set()
        return 0.0

    def _failed(self, error: EdgeAgentError) -> float:
        state, pause_s = DeviceState.UNPLUGGED, 0.0
        if isinstance(error, PullError):
            state, pause_s = error.state, error.pause_s
        with self._lock:
            self._attempts += 1
            self._tell(self._watch.failed(state, str(error), self._clock(), self._attempts))
        return pause_s

    def _was_steady(self) -> bool:
        return (
            self._delivered and self._opened_at is not None and self._clock().seconds_since(self._opened_at) >= STEADY_S
        )

    def _tick(self) -> None:
        while not self.stopping.wait(TICK_S):
            with self._lock:
                event, again = self._watch.tick(self._clock())
                self._tell(event)
            if again:
                self._cut_off = True
                self._source.abort()

    def _tell(self, event: DeviceEvent | None) -> None:
        if event is not None and not self.stopping.is_set():
            self._on_event(event)


def fingerprint(image: Picture) -> int:
    """Equal for equal pictures; of every 16th row, which the noise of any live sensor changes."""
    return zlib.crc32(image[::FINGERPRINT_EVERY_ROWS].tobytes())


__all__ = ["Camera", "CameraCounts", "CameraRules", "fingerprint"]
