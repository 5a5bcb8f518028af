"""OpenCV's VideoCapture, with bounds: opened with deadlines, quiet, and never more pixels than a picture may have."""

from __future__ import annotations

import os
import threading
from typing import Any

from edge_agent.errors import ConfigError
from edge_agent.links.camera.source import unreadable

MOST_PIXELS = 50_000_000
DECODER_THREADS = (
    1  # more would hold more frames back, and memory; one thread decodes 1080p many times faster than live
)

_ENVIRONMENT = {
    # Process-wide, as OpenCV has it. TCP: lost UDP packets are torn pictures.
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "rtsp_transport;tcp",
    # FFmpeg writes a line for each torn macroblock, for ever, and addresses into it. What matters is told as incident.
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
}
_loading = threading.Lock()


def opencv() -> Any:
    """The library; ConfigError says what to install where it is missing."""
    with _loading:
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        try:
            import cv2  # noqa: PLC0415 - an extra; and it takes a tenth of a second
        except ImportError as error:
            missing_system = ".so" in str(error) and not isinstance(error, ModuleNotFoundError)
            raise ConfigError(
                "Cameras and videos cannot be read here",
                cause=f"the library opencv-python is not {'complete' if missing_system else 'installed'} ({error})",
                fix="Install it with: apt-get install libgl1 libglib2.0-0"
                if missing_system
                else "Install it with: pip install 'tidegate[edge,vision]' (or the extra camera alone)",
            ) from error
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2


class Capture:
    """An open VideoCapture. Used by one thread."""

    def __init__(self, where: str, backend: str, properties: dict[str, float]) -> None:
        """Opens it; `ok` says whether that worked. `backend` and the properties are names of OpenCV without CAP_."""
        self._cv2 = opencv()
        pairs = [part for name, value in properties.items() for part in (self._property(name), round(value))]
        self._capture = self._cv2.VideoCapture(where, getattr(self._cv2, f"CAP_{backend}"), pairs)
        self.ok = bool(self._capture.isOpened())

    def _property(self, name: str) -> int:
        return int(getattr(self._cv2, f"CAP_PROP_{name}"))

    def get(self, name: str) -> float:
        """A property; 0 when it is not known."""
        return float(self._capture.get(self._property(name)))

    def set(self, name: str, value: float) -> None:
        """Ask for a property; the camera may do otherwise."""
        self._capture.set(self._property(name), value)

    def grab(self) -> bool:
        """Take the next picture off the stream, without handing it over; False: there is none."""
        return bool(self._capture.grab())

    def check_size(self, name: str) -> None:
        """Before pictures are taken: CameraError where they have too many pixels.

        FFmpeg has decoded its first picture by then, within its own limits: OpenCV hands it no other ones.
        """
        if self.get("FRAME_WIDTH") * self.get("FRAME_HEIGHT") > MOST_PIXELS:
            raise unreadable(f"Pictures of {name} have more than {MOST_PIXELS // 1_000_000} million dots")

    def retrieve(self, name: str) -> Any:
        """The picture that was grabbed, an array of its own; None when it could not be decoded.

        Raises:
            CameraError: it has too many pixels.
        """
        self.check_size(name)
        done, image = self._capture.retrieve()
        return image if done else None

    def close(self) -> None:
        """Free the camera."""
        self._capture.release()
