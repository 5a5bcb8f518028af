"""Cameras and files that OpenCV reads: RTSP streams, V4L2 devices (USB cameras), video files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from edge_agent.links.camera.capture import DECODER_THREADS, Capture
from edge_agent.links.camera.pi_source import captured_at, later
from edge_agent.links.camera.rtsp_causes import rtsp_cause
from edge_agent.links.camera.source import CameraError, Feed, silent, unreadable
from edge_agent.model.moment import Moment

OPEN_S = 20.0
UNDECODED = "A picture of it could not be decoded: it came torn"
DEFAULT_PER_S = 25.0


class _CaptureSource:
    """What all have: pictures are grabbed one after another until `abort`."""

    live = True
    changes = True

    def __init__(self, name: str, clock: Callable[[], Moment]) -> None:
        self.name, self._clock = name, clock
        self._aborted = False

    def run(self, feed: Feed) -> None:
        """See Source."""
        self._aborted = False
        capture = self._open()
        try:
            capture.check_size(self.name)
            feed.opened()
            while not (self._aborted or feed.stopping.is_set()) and self._grab(capture, feed):
                at = self._captured_at(capture)
                if not feed.wants(at):
                    feed.skipped(at)
                elif (image := capture.retrieve(self.name)) is None:
                    feed.spoiled(UNDECODED, at)
                else:
                    feed.picture(image, at)
        finally:
            capture.close()

    def abort(self) -> None:
        """See Source: noticed between two pictures; OpenCV's own deadlines bound the wait for the next one."""
        self._aborted = True

    def _open(self) -> Capture:
        raise NotImplementedError

    def _grab(self, capture: Capture, feed: Feed) -> bool:
        """Whether there is a next picture; raises CameraError when there should be."""
        raise NotImplementedError

    def _captured_at(self, capture: Capture) -> Moment:
        """The moment of the picture that was just grabbed: when it came."""
        del capture
        return self._clock()


class RtspSource(_CaptureSource):
    """An RTSP stream (RFC 2326), over TCP, decoded by FFmpeg."""

    def __init__(self, url: str, user: str, password: str, silent_s: float, clock: Callable[[], Moment]) -> None:
        """`url` without user and password; `silent_s`: no picture for so long ends a connection."""
        super().__init__(url, clock)
        self._url, self._user, self._password, self._silent_s = url, user, password, silent_s

    def _open(self) -> Capture:
        deadlines = {
            "OPEN_TIMEOUT_MSEC": 1000 * OPEN_S,
            "READ_TIMEOUT_MSEC": 1000 * self._silent_s,
            "N_THREADS": DECODER_THREADS,
        }
        capture = Capture(self._with_user(), "FFMPEG", deadlines)
        if not capture.ok:
            capture.close()
            raise rtsp_cause(self._url, has_user=bool(self._user))
        return capture

    def _grab(self, capture: Capture, feed: Feed) -> bool:
        asked = self._clock()
        if capture.grab():
            return True
        if self._aborted or feed.stopping.is_set():
            return False
        waited = self._clock().seconds_since(asked)
        if waited >= self._silent_s:
            raise silent(
                f"{self.name} has sent no picture for {self._silent_s:g} s",
                cause="it hangs, or the network in between is cut",
                fix="Check its network cable; if it is there, restart the camera",
            )
        raise CameraError(
            f"{self.name} ended its stream",
            cause="it restarts, or serves as many streams as it can",
            fix="It is asked again; if it happens often, look at its power and network cable",
        )

    def _with_user(self) -> str:
        if not self._user:
            return self._url
        scheme, _, rest = self._url.partition("://")
        return f"{scheme}://{quote(self._user, safe='')}:{quote(self._password, safe='')}@{rest}"


class V4l2Source(_CaptureSource):
    """A camera of Video4Linux: USB, or any other driver's /dev/video."""

    def __init__(self, path: Path, size: tuple[int, int] | None, per_s: float, clock: Callable[[], Moment]) -> None:
        """`size` (width, height) in pixels, None: as the camera is set. `per_s`: pictures a second asked for."""
        super().__init__(str(path), clock)
        self._path, self._size, self._per_s = path, size, per_s

    def _open(self) -> Capture:
        capture = Capture(str(self._path), "V4L2", {})
        if not capture.ok:
            capture.close()
            raise v4l2_cause(self._path)
        # Motion JPEG first: uncompressed 1080p does not fit through USB 2. A driver that has none keeps its own.
        capture.set("FOURCC", sum(ord(letter) << 8 * place for place, letter in enumerate("MJPG")))
        if self._size is not None:
            capture.set("FRAME_WIDTH", self._size[0])
            capture.set("FRAME_HEIGHT", self._size[1])
        capture.set("FPS", self._per_s)
        capture.set("BUFFERSIZE", 1)  # else the newest picture is as old as the queue is long
        return capture

    def _grab(self, capture: Capture, feed: Feed) -> bool:
        if capture.grab():
            return True
        if self._aborted or feed.stopping.is_set():
            return False
        if not self._path.exists():
            raise v4l2_cause(self._path)
        raise silent(f"{self.name} sends no picture", cause="the camera or its driver hangs", fix="Plug it in again")

    def _captured_at(self, capture: Capture) -> Moment:
        """The driver's timestamp: CLOCK_MONOTONIC in milliseconds (V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC)."""
        now = self._clock()
        age_ns = time.monotonic_ns() - round(1e6 * capture.get("POS_MSEC"))
        return captured_at(now.mono - age_ns, now)


class VideoFileSource(_CaptureSource):
    """A video file, played once; its taker may be slow, and gets every picture that is wanted.

    A picture's moment is that of the opening plus its place in the file, however fast it is played.
    """

    live = False
    changes = False

    def __init__(self, path: Path, clock: Callable[[], Moment], *, paced: bool = True) -> None:
        """`paced`: at its own speed, else as fast as the pictures are taken."""
        super().__init__(str(path), clock)
        self._path, self._paced = path, paced
        self._began = clock()

    def _open(self) -> Capture:
        if not self._path.is_file():
            raise CameraError(f"{self._path} is no video file", cause="there is no such file", fix="Correct `source`")
        capture = Capture(str(self._path), "FFMPEG", {"N_THREADS": DECODER_THREADS})
        if not capture.ok:
            capture.close()
            raise unreadable(
                f"{self._path} is no video that can be read",
                cause="it is damaged, cut short, empty, too large, or of an unknown kind",
                fix="Give an MP4, MKV, AVI or MOV file with H.264, H.265, MPEG-4 or motion JPEG",
            )
        self._began = self._clock()
        return capture

    def _grab(self, capture: Capture, feed: Feed) -> bool:
        if not capture.grab():
            return False
        if self._paced:
            due = self._captured_at(capture).seconds_since(self._clock())
            feed.stopping.wait(max(0.0, due))
        return True

    def _captured_at(self, capture: Capture) -> Moment:
        return later(self._began, round(1e6 * capture.get("POS_MSEC")))


def v4l2_cause(path: Path) -> CameraError:
    """Why a Video4Linux device cannot be opened, for a technician."""
    if not path.exists():
        return CameraError(
            f"There is no camera at {path}",
            cause="it is unplugged, or has another number since the last start",
            fix="Plug it in; write its name under /dev/v4l/by-id in `source`, which does not change",
        )
    if not os.access(path, os.R_OK | os.W_OK):
        return CameraError(
            f"This user may not open {path}", fix="Add the agent's user to the group video: usermod -aG video USER"
        )
    return CameraError(
        f"{path} cannot be opened",
        cause="another program uses it, or it is no camera that gives pictures",
        fix="See: v4l2-ctl --list-devices, and fuser " + str(path),
    )
