"""Does anything move? A cheap gate before the costly readers: a small grey picture against the one before. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.model.moment import Moment
from edge_agent.vision.extra import importing_vision
from edge_agent.vision.image import Image

WIDTH = 160
"""Pixels that a picture is made small to: a vehicle covers hundreds of them, a sensor's noise averages out."""


@dataclass(frozen=True, slots=True)
class MotionRules:
    """When the gate opens.

    Attributes:
        levels: grey levels (of 255) that a small pixel must differ by; compression and noise stay below.
        share: of the small pixels that must differ so, 0..1.
        hold_s: it stays open so long after the last motion: who stops in the lane is still looked at.
        look_every_s: it opens for one picture at least so often, whatever moves; 0: it does not.
    """

    levels: float = 12.0
    share: float = 0.004
    hold_s: float = 2.0
    look_every_s: float = 5.0


class MotionGate:
    """Judges a camera's pictures one after another. Keeps one small picture. Not thread-safe.

    Attributes:
        share: of the small pixels that differed in the last picture, 0..1.
    """

    def __init__(self, rules: MotionRules | None = None) -> None:
        self._rules = rules or MotionRules()
        self._before: npt.NDArray[np.float32] | None = None
        self._moved_at: Moment | None = None
        self._opened_at: Moment | None = None
        self.share = 0.0

    def opens(self, image: Image, at: Moment) -> bool:
        """Whether this picture is worth reading. The first one always is: a vehicle may stand there already.

        A change of the whole picture's brightness (a cloud, the camera's own exposure) is no motion.
        """
        small = grey_small(image, WIDTH).astype(np.float32)
        before, self._before = self._before, small
        if before is None or before.shape != small.shape:
            self.share = 1.0
        else:
            difference = small - before
            self.share = float(np.mean(np.abs(difference - np.median(difference)) >= self._rules.levels))
        if self.share >= self._rules.share:
            self._moved_at = at
        opens = self._is_held(at) or self._is_due(at)
        if opens:
            self._opened_at = at
        return opens

    def _is_held(self, at: Moment) -> bool:
        return self._moved_at is not None and at.seconds_since(self._moved_at) <= self._rules.hold_s

    def _is_due(self, at: Moment) -> bool:
        if not self._rules.look_every_s or self._opened_at is None:
            return False
        return at.seconds_since(self._opened_at) >= self._rules.look_every_s


def grey_small(image: Image, width: int) -> npt.NDArray[np.uint8]:
    """The picture in grey, uint8 (height, width), at most `width` pixels wide; each is the mean of those it covers."""
    with importing_vision("Watching for motion", "opencv-python"):
        import cv2  # noqa: PLC0415 - an extra; and it takes a tenth of a second
    rows, columns = image.shape[:2]
    if columns > width:
        image = np.asarray(
            cv2.resize(image, (width, max(1, round(rows * width / columns))), interpolation=cv2.INTER_AREA), np.uint8
        )
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
