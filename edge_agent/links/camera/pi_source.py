"""A Raspberry Pi's own camera, by picamera2 (Raspberry Pi: "The Picamera2 Library", sections 6.1 and 6.4)."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from edge_agent.errors import ConfigError
from edge_agent.links.camera.source import CameraError, Feed, silent
from edge_agent.model.moment import Moment, MonoNs, WallNs

SILENT_S = 5.0
OLDEST_NS = 5_000_000_000
INSTALL = (
    "On Raspberry Pi OS: apt install python3-picamera2, and make the environment with python3 -m venv "
    "--system-site-packages; elsewhere use v4l2, RTSP or HTTP"
)


def pi_library() -> Any:
    """The library picamera2; ConfigError says what to install where it is not there."""
    try:
        return importlib.import_module("picamera2")
    except ImportError as error:
        raise ConfigError(
            "A camera of the Raspberry Pi cannot be read here",
            cause=f"the library picamera2, or libcamera under it, is not installed ({error})",
            fix=INSTALL,
        ) from error


def pi_camera(number: int) -> Any:
    """The camera of that number; ConfigError as of `pi_library`."""
    return pi_library().Picamera2(number)


class PiSource:
    """Reads a camera on the ribbon cable. Frames are stamped with the moment their first row was exposed."""

    live = True
    changes = True

    def __init__(
        self,
        number: int,
        size: tuple[int, int] | None,
        per_s: float,
        clock: Callable[[], Moment],
        open_camera: Callable[[int], Any] = pi_camera,
    ) -> None:
        """`size` (width, height) in pixels, None: 1920 x 1080. `per_s`: pictures a second that are asked for."""
        self.name = f"camera {number} of this Raspberry Pi"
        self._number, self._size, self._per_s, self._clock = number, size or (1920, 1080), per_s, clock
        self._open_camera = open_camera
        self._aborted = False

    def run(self, feed: Feed) -> None:
        """See Source."""
        self._aborted = False
        camera = self._opened()
        try:
            feed.opened()
            while not (self._aborted or feed.stopping.is_set()):
                self._next(camera, feed)
        finally:
            camera.stop()
            camera.close()

    def abort(self) -> None:
        """See Source."""
        self._aborted = True

    def _opened(self) -> Any:
        camera: Any = None
        try:
            camera = self._open_camera(self._number)
            # "RGB888" of picamera2 is blue, green, red in memory (its manual, appendix A).
            configuration = camera.create_video_configuration(
                main={"size": self._size, "format": "RGB888"}, controls={"FrameRate": self._per_s}
            )
            camera.configure(configuration)
            camera.start()
        except (RuntimeError, IndexError, OSError) as error:  # what libcamera raises for no camera, or a busy one
            if camera is not None:
                camera.close()
            raise CameraError(
                f"The {self.name} cannot be opened",
                cause=str(error) or type(error).__name__,
                fix="See rpicam-hello --list-cameras; look at the ribbon cable, and that no other program uses it",
            ) from error
        return camera

    def _next(self, camera: Any, feed: Feed) -> None:
        job = camera.capture_request(wait=False)
        try:
            request = job.get_result(timeout=SILENT_S)
        except TimeoutError as error:
            raise silent(
                f"The {self.name} sends nothing", cause=f"no picture for {SILENT_S:g} s", fix="Look at the ribbon cable"
            ) from error
        try:
            at = captured_at(request.get_metadata().get("SensorTimestamp"), self._clock())
            if feed.wants(at):
                feed.picture(request.make_array("main"), at)
            else:
                feed.skipped(at)
        finally:
            request.release()


def captured_at(boot_ns: int | None, now: Moment) -> Moment:
    """The moment of a sensor's timestamp, nanoseconds of CLOCK_BOOTTIME as libcamera gives it; `now` without one.

    A timestamp that is not of the last seconds is of another clock and is not believed.
    """
    age = now.mono - boot_ns if boot_ns is not None else 0
    if not 0 <= age <= OLDEST_NS:
        return now
    return later(now, -age)


def later(moment: Moment, ns: int) -> Moment:
    """The moment so many nanoseconds later, or earlier."""
    return replace(moment, wall=WallNs(moment.wall + ns), mono=MonoNs(moment.mono + ns))
