"""`edge-agent` with two things in the place of its own, for a story: who is in a picture, and a tap on the uplink.

    python played_faces.py TAP run --config site.toml

Everything else is the real program. Who stands before the camera is written into the picture: the brightness of its
upper left corner. So the story runs everywhere, without models; what goes over the uplink is copied into the file TAP
as it is handed to gRPC, before it is encrypted.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import grpc
import numpy as np
import numpy.typing as npt

import edge_agent.cli
from edge_agent.app import vision, vision_faces
from edge_agent.vision.faces.quality import LIMITS, Measure, Quality
from edge_agent.vision.faces.reader import Face

MODEL, MODEL_SHA256 = "played", "5e" * 32
STEP = 16
"""Grey levels from one person to the next; 0 is nobody. A motion JPEG changes a level by one or two."""

BLURRED, STUMBLES = 14, 15
"""Persons whose picture is never good enough, and at whose picture a library fails."""

GOOD = {
    "in_frame": 1.0, "faces": 1.0, "size": 90.0, "yaw": 3.0, "pitch": 2.0, "roll": 1.0, "brightness": 130.0,
    "contrast": 40.0, "glare": 0.0, "sharpness": 0.05, "mouth": 0.8, "eyes": 0.9,
}  # fmt: skip


def template_of(person: int) -> npt.NDArray[np.float32]:
    """Of one person, always the same."""
    vector = np.random.default_rng(1000 + person).standard_normal(128)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def person_in(image: npt.NDArray[np.uint8]) -> int:
    return round(float(image[:16, :16].mean()) / STEP)


class PlayedReader:
    """In the place of FaceReader."""

    model_name, model_sha256, threshold = MODEL, MODEL_SHA256, 0.94

    def __init__(self, *_: object) -> None:
        """No model is loaded."""

    def find(self, image: npt.NDArray[np.uint8], *, thorough: bool = True) -> list[Face]:
        assert isinstance(thorough, bool)
        person = person_in(image)
        if person == 0:
            return []
        values = GOOD | ({"sharpness": 0.001} if person == BLURRED else {})
        quality = Quality(tuple(Measure(name, values[name], limit) for name, limit in LIMITS.items()))
        marks = ((50.0, 50.0), (110.0, 50.0), (80.0, 70.0), (60.0, 90.0), (100.0, 90.0))
        return [Face((40, 30, 80, 80), marks, 0.9, quality)]

    def template(self, image: npt.NDArray[np.uint8], face: Face) -> npt.NDArray[np.float32]:
        assert face.box[2] == face.box[3]
        person = person_in(image)
        template = template_of(person)
        if person == STUMBLES:
            raise RuntimeError("the network stumbled")
        return template


class TappedChannel:
    """A channel whose requests are copied when they have become bytes."""

    def __init__(self, channel: grpc.Channel, tap: Callable[[bytes], None]) -> None:
        self._channel, self._tap = channel, tap

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    def unary_unary(self, method: str, request_serializer: Any = None, **more: Any) -> Any:
        return self._channel.unary_unary(method, request_serializer=self._tapped(request_serializer), **more)

    def unary_stream(self, method: str, request_serializer: Any = None, **more: Any) -> Any:
        return self._channel.unary_stream(method, request_serializer=self._tapped(request_serializer), **more)

    def stream_unary(self, method: str, request_serializer: Any = None, **more: Any) -> Any:
        return self._channel.stream_unary(method, request_serializer=self._tapped(request_serializer), **more)

    def stream_stream(self, method: str, request_serializer: Any = None, **more: Any) -> Any:
        return self._channel.stream_stream(method, request_serializer=self._tapped(request_serializer), **more)

    def _tapped(self, serializer: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
        def serialized(message: Any) -> bytes:
            data = serializer(message)
            self._tap(data)
            return data

        return serialized


def main() -> None:
    tap_file = Path(sys.argv.pop(1))
    lock, open_channel = threading.Lock(), grpc.secure_channel

    def tap(data: bytes) -> None:
        with lock, tap_file.open("ab") as file:
            file.write(data)

    def tapped(*arguments: Any, **more: Any) -> TappedChannel:
        return TappedChannel(open_channel(*arguments, **more), tap)

    with (
        mock.patch.object(grpc, "secure_channel", tapped),
        mock.patch.object(vision_faces, "FaceReader", PlayedReader),
        mock.patch.object(vision, "video_problems", return_value=()),  # it would miss the models
    ):
        edge_agent.cli.main()


if __name__ == "__main__":
    main()
