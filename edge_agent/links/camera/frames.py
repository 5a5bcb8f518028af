"""Frames, and the place where the newest one waits: one in flight, one newest, and a count of the dropped."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Condition, Event
from typing import TYPE_CHECKING, Any, TypeAlias

from edge_agent.model.moment import Moment

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Picture: TypeAlias = npt.NDArray[np.uint8]
else:
    Picture: TypeAlias = Any  # numpy belongs to the extra `vision`; a gate without cameras has none

STOP_NOTICED_S = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a camera.

    Attributes:
        image: uint8 (height, width, 3), blue green red, C-contiguous and read-only: everybody gets the same array.
        at: when it was captured, as exactly as the source knows (docs/vision/cameras.md).
        number: counts the frames of this camera that were handed on or dropped, from 1.
    """

    image: Picture
    at: Moment
    number: int


class Newest:
    """Holds one frame for one taker: a newer one takes its place. Safe to use from several threads.

    With the frame that the taker works on, at most two of a camera's frames are in memory, however slow the taker is.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._frame: Frame | None = None
        self._dropped = 0
        self._closed = False

    @property
    def dropped(self) -> int:
        """Frames that a newer one took the place of, since the start."""
        return self._dropped

    @property
    def waits(self) -> bool:
        """Whether a frame waits to be taken."""
        return self._frame is not None

    def put(self, frame: Frame) -> None:
        """Hold this frame in place of an older one."""
        with self._changed:
            self._dropped += self._frame is not None
            self._frame = frame
            self._changed.notify_all()

    def put_after(self, frame: Frame, stop: Event) -> None:
        """Hold this frame once the one before was taken: nothing is dropped, unless `stop` is set meanwhile."""
        with self._changed:
            while self._frame is not None and not stop.is_set():
                self._changed.wait(STOP_NOTICED_S)
            if self._frame is None:
                self._frame = frame
                self._changed.notify_all()

    def take(self, timeout_s: float) -> Frame | None:
        """The newest frame, once; None when none came within `timeout_s`, or nothing more will."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._closed, timeout_s)
            frame, self._frame = self._frame, None
            self._changed.notify_all()
            return frame

    def close(self) -> None:
        """No frame comes any more: whoever waits for one need not."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
