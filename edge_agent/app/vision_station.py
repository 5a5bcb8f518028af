"""One [[video]] at work: its camera's newest frames, gated by motion, to its eyes; and how good its picture is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import structlog

from edge_agent.app.devices import DeviceOutputs, LastReading
from edge_agent.app.vision_eyes import Eye
from edge_agent.app.vision_keep import VideoKeeper
from edge_agent.config_video import VideoTable
from edge_agent.errors import EdgeAgentError
from edge_agent.links.camera.camera import Camera
from edge_agent.links.camera.frames import Frame, Newest, Picture
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState
from edge_agent.model.vision_readings import CameraHealth
from edge_agent.vision.exposure import Change, ExposureHealth, ExposureRules, measure
from edge_agent.vision.motion import MotionGate

LOG = structlog.get_logger()

TAKE_S = 0.5
HEALTH_EVERY_S = 1.0
RELOAD_S = 60.0
QUIET_S = 8.0
"""A live camera's eye is shown a picture at least every 5 s; so long without one, there is no camera."""

STILL_QUIET_S = 2.0
STOP_S = 5.0
STILLS = ("image", "folder")
WATCHED = ("picamera2", "v4l2", "rtsp", "http")


class _Gaze:
    """An eye in a thread of its own: the newest frame waits for it, so that a slow eye keeps no other one waiting."""

    def __init__(
        self, name: str, eye: Eye, quiet_s: float, clock: Callable[[], Moment], refused: Callable[[str], None]
    ) -> None:
        """`refused` is told why its models cannot be used, and "" when they can."""
        self.eye, self.newest = eye, Newest()
        self._quiet_s, self._clock, self._refused = quiet_s, clock, refused
        self._stop = threading.Event()
        self._over = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def looks(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        """No more frames: look at the last one, and tell what was under way."""
        self._over = True
        self.newest.close()

    def stop(self) -> None:
        self._stop.set()
        self.finish()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def halt(self) -> None:
        """Look at nothing more."""
        self._stop.set()
        self.finish()

    def _run(self) -> None:
        if not self._load():
            return
        looked: Moment | None = None
        while not self._stop.is_set():
            frame = self.newest.take(TAKE_S)
            now = self._clock()
            self._safely(partial(self.eye.tick, now))
            if frame is not None:
                looked = now
                self._safely(partial(self.eye.look, frame.image, frame.at))
            elif self._over:
                break
            elif looked is not None and now.seconds_since(looked) >= self._quiet_s:
                looked = None
                self._safely(partial(self.eye.quiet, now))
        self._safely(partial(self.eye.quiet, self._clock()))

    def _load(self) -> bool:
        while not self._stop.is_set():
            try:
                self.eye.load()
            except EdgeAgentError as error:
                self._refused(str(error))
                self._wait_for_models()
            else:
                self._refused("")
                return True
        return False

    def _wait_for_models(self) -> None:
        """Time passes for the eye all the same: what must be destroyed at its hour is."""
        again = self._clock()
        while not self._stop.is_set() and self._clock().seconds_since(again) < RELOAD_S:
            self._safely(partial(self.eye.tick, self._clock()))
            self._stop.wait(min(TAKE_S, RELOAD_S))

    def _safely(self, step: Callable[[], None]) -> None:
        try:
            step()
        except EdgeAgentError as error:
            LOG.warning("video.not_read", problem=str(error))
        except Exception:  # one picture that a library stumbles over must not end the reading of all others
            LOG.exception("video.failed")


class VideoStation:
    """Runs one [[video]] until stopped.

    Attributes:
        last: what was read last; None before.
        event: the last change of its state.
    """

    def __init__(
        self,
        table: VideoTable,
        make_camera: Callable[[Callable[[DeviceEvent], None]], Camera],
        eyes: Sequence[Eye],
        keeper: VideoKeeper,
        clock: Callable[[], Moment],
        outputs: DeviceOutputs,
        stop: threading.Event,
    ) -> None:
        """`make_camera` gets where the camera's events go; `stop` is the keeper's, too."""
        self.table = table
        self.last: LastReading | None = None
        self.event: DeviceEvent | None = None
        self._keeper, self._clock, self._outputs, self._stop = keeper, clock, outputs, stop
        self._camera = make_camera(self._on_camera)
        self._live = table.video_kind in WATCHED
        self._gate = None if table.video_kind in STILLS else MotionGate()
        self._exposure = ExposureHealth(ExposureRules())
        self._measured: Moment | None = None
        self._bad = ""
        self._lock = threading.Lock()
        quiet_s = STILL_QUIET_S if table.video_kind in STILLS else QUIET_S
        self._gazes = [
            _Gaze(f"eye {number} {table.id}", eye, quiet_s, clock, self._on_models) for number, eye in enumerate(eyes)
        ]
        self._thread = threading.Thread(target=self._watch, name=f"video {table.id}", daemon=True)

    @property
    def subjects(self) -> frozenset[str]:
        """What its incidents may be about."""
        return frozenset((self.table.id, self._models_subject))

    @property
    def state(self) -> DeviceState:
        """What is known of the camera now; UNREADABLE also while its picture is too bad to read by."""
        state = self._camera.state
        return DeviceState.UNREADABLE if state is DeviceState.OK and self._bad else state

    @property
    def camera(self) -> Camera:
        """Its camera, for counts."""
        return self._camera

    @property
    def finished(self) -> bool:
        """A file has been read to its end, and everything in it was told."""
        return self._camera.ended and not any(gaze.looks for gaze in self._gazes)

    def shown(self, text: str, at: Moment) -> None:
        """What was read, for the status."""
        self.last = LastReading(text, at)

    def start(self) -> None:
        """Open the camera, load the models."""
        self._camera.start()
        for gaze in self._gazes:
            gaze.start()
        self._thread.start()

    def halt(self) -> None:
        """Read no more; what was under way is told."""
        self._stop.set()
        self._camera.halt()
        for gaze in self._gazes:
            gaze.halt()

    def stop(self) -> None:
        """Halt, and wait until the camera is closed and the last reading kept."""
        self.halt()
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        for gaze in self._gazes:
            gaze.stop()
        self._camera.stop()

    @property
    def _models_subject(self) -> str:
        return f"{self.table.id} models"

    def _watch(self) -> None:
        while not self._stop.is_set():
            frame = self._camera.take(TAKE_S)
            if frame is not None:
                self._hand_on(frame)
            elif self._camera.ended:
                break
        for gaze in self._gazes:
            gaze.finish()

    def _hand_on(self, frame: Frame) -> None:
        """To the eyes: all that look at everything, and the gated ones while something moves."""
        image = self._part(frame.image)
        self._look_after(image, frame.at)
        moves = self._gate is None or self._gate.opens(image, frame.at)
        shown = Frame(image, frame.at, frame.number)
        for gaze in self._gazes:
            if not moves and gaze.eye.gated:
                continue
            if self._live:
                gaze.newest.put(shown)
            else:
                gaze.newest.put_after(shown, self._stop)

    def _part(self, image: Picture) -> Picture:
        """The region that is read; the picture itself, not a copy, where that is all of it."""
        if self.table.region is None:
            return image
        rows, columns = image.shape[:2]
        left, top, width, height = self.table.region
        part = image[
            round(top * rows) : max(round(top * rows) + 1, round((top + height) * rows)),
            round(left * columns) : max(round(left * columns) + 1, round((left + width) * columns)),
        ]
        return np.ascontiguousarray(part)

    # --- how the camera is -----------------------------------------------------------------------------------------

    def _look_after(self, image: Picture, at: Moment) -> None:
        """Measure the picture now and then; of cameras only, not of files."""
        if not self._live or (self._measured is not None and at.seconds_since(self._measured) < HEALTH_EVERY_S):
            return
        self._measured = at
        if (change := self._exposure.feed(measure(image), at)) is not None:
            self._tell_health(change, at)

    def _tell_health(self, change: Change, at: Moment) -> None:
        with self._lock:
            self._bad = change.text
            if self._camera.state is DeviceState.OK:
                state = DeviceState.UNREADABLE if self._bad else DeviceState.OK
                self._publish(DeviceEvent(self.table.id, at, state, self._bad))
        measured, counts = change.exposure, self._camera.counts
        health = CameraHealth(
            condition=change.condition.value if change.condition else "",
            brightness=round(measured.brightness, 1),
            blown_out=round(measured.blown_out, 4),
            contrast=round(measured.contrast, 1),
            sharpness=round(measured.sharpness, 5),
            seen=counts.seen,
            dropped=self._camera.dropped,
            spoiled=counts.spoiled,
        )
        self._keeper.reading(health, at)

    def _on_camera(self, event: DeviceEvent) -> None:
        with self._lock:
            if event.state is DeviceState.OK and self._bad:
                event = DeviceEvent(event.device_id, event.at, DeviceState.UNREADABLE, self._bad, event.attempts)
            self._publish(event)

    def _publish(self, event: DeviceEvent) -> None:
        self.event = event
        self._outputs.event(event)

    def _on_models(self, problem: str) -> None:
        """Models that cannot be used: nothing is read until they can, and everything else goes on."""
        now = self._clock()
        if problem:
            self._outputs.began(self._models_subject, "models-refused", problem, now, self.table.id)
        else:
            self._outputs.ended(self._models_subject, now)
