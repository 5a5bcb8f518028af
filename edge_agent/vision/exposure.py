"""Is a camera's picture good enough to read by? Dark, glare, fog, blur or a dirty lens: measured, judged, told. Pure.

Fog and a dirty lens are *inferred* from contrast and sharpness: the words say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from edge_agent.model.moment import Moment
from edge_agent.vision.extra import importing_vision
from edge_agent.vision.image import Image
from edge_agent.vision.motion import grey_small

WIDTH = 640
LEVELS = 256
BLOWN_OUT = 250
TWENTIETH = 0.05
LOWEST_VARIANCE = 1.0


class Condition(Enum):
    """What keeps a picture from being read, the worst first."""

    DARK = "dark"
    GLARE = "glare"
    FOG = "fog"
    BLUR = "blur"


@dataclass(frozen=True, slots=True)
class Exposure:
    """What was measured of one picture, made small to 640 pixels.

    Attributes:
        brightness: mean grey level, 0..255.
        blown_out: share of pixels that are white (250 and more of 255), 0..1.
        contrast: grey levels between the darkest and the brightest twentieth of the pixels, 0..255.
        sharpness: variance of the picture's Laplacian over its own variance; it does not depend on contrast. A sharp
            picture of a lane has 0.02 and more.
    """

    brightness: float
    blown_out: float
    contrast: float
    sharpness: float


@dataclass(frozen=True, slots=True)
class ExposureRules:
    """Limits: beyond the first of each pair a condition begins, beyond the second it ends (hysteresis).

    Attributes:
        dark_brightness: grey levels of 255, below.
        glare_blown_out: share of pixels, above.
        fog_contrast: grey levels of 255, below.
        blur_sharpness: see Exposure, below.
        after_s: so long in a row, before anything is told or taken back.
    """

    dark_brightness: tuple[float, float] = (20.0, 28.0)
    glare_blown_out: tuple[float, float] = (0.35, 0.25)
    fog_contrast: tuple[float, float] = (30.0, 40.0)
    blur_sharpness: tuple[float, float] = (0.0025, 0.004)
    after_s: float = 30.0


_ENGLISH = {
    Condition.DARK: "The picture is too dark to read by: brightness {brightness:.0f} of 255. Switch on the lane's "
    "light or the camera's infrared lamp; look whether the lens is covered",
    Condition.GLARE: "The picture is blinded: {blown_out:.0%} of it is white. Sun or headlights shine into the lens: "
    "turn the camera or shade it, and lower its exposure",
    Condition.FOG: "The picture is pale: contrast {contrast:.0f} of 255. Fog, rain or a misted window, as inferred. "
    "Wipe lens and window; in fog, read plates by eye",
    Condition.BLUR: "The picture is blurred: sharpness {sharpness:.4f}. Dirt, drops or a cobweb on the lens, or it is "
    "out of focus, as inferred. Clean the lens, then focus it with edge-agent camera watch",
}
_CHINESE = {
    Condition.DARK: "画面过暗，无法识别：亮度 {brightness:.0f}/255。请打开车道照明或摄像机红外灯，并检查镜头是否被遮挡",
    Condition.GLARE: "画面过曝：{blown_out:.0%} 的区域全白。阳光或车灯直射镜头：请调整摄像机角度或加遮光罩，并降低曝光",
    Condition.FOG: "画面发白、对比度低（{contrast:.0f}/255）：推断为雾、雨或玻璃起雾。"
    "请擦拭镜头和护罩玻璃；大雾时请人工核对车牌",
    Condition.BLUR: "画面模糊（清晰度 {sharpness:.4f}）：推断为镜头脏污、水滴、蛛网或失焦。"
    "请清洁镜头，再用 edge-agent camera watch 对焦",
}


@dataclass(frozen=True, slots=True)
class Change:
    """A condition began, or (None) the picture is good again; with what was measured last."""

    condition: Condition | None
    exposure: Exposure

    @property
    def text(self) -> str:
        """For field staff, in English and 简体中文; "" when the picture is good."""
        return "" if self.condition is None else words(self.condition, self.exposure)


def words(condition: Condition, exposure: Exposure) -> str:
    """What it is and what to do, in English and 简体中文."""
    measured = {name: getattr(exposure, name) for name in ("brightness", "blown_out", "contrast", "sharpness")}
    return " / ".join(language[condition].format(**measured) for language in (_ENGLISH, _CHINESE))


def measure(image: Image) -> Exposure:
    """Measure one picture."""
    with importing_vision("Watching a camera's exposure", "opencv-python"):
        import cv2  # noqa: PLC0415 - an extra; and it takes a tenth of a second
    grey = grey_small(image, WIDTH)
    counts = np.bincount(grey.ravel(), minlength=LEVELS)
    below = np.cumsum(counts) / grey.size
    darkest, brightest = np.searchsorted(below, (TWENTIETH, 1 - TWENTIETH))
    edges = cv2.Laplacian(grey, cv2.CV_32F)
    return Exposure(
        brightness=float(grey.mean()),
        blown_out=float(counts[BLOWN_OUT:].sum() / grey.size),
        contrast=float(brightest - darkest),
        sharpness=float(edges.var() / max(LOWEST_VARIANCE, float(grey.var()))),
    )


def judge(exposure: Exposure, rules: ExposureRules, current: Condition | None = None) -> Condition | None:
    """The worst condition that one picture shows; `current` holds until its second limit is passed."""
    beyond = {
        Condition.DARK: exposure.brightness < rules.dark_brightness[current is Condition.DARK],
        Condition.GLARE: exposure.blown_out > rules.glare_blown_out[current is Condition.GLARE],
        Condition.FOG: exposure.contrast < rules.fog_contrast[current is Condition.FOG],
        Condition.BLUR: exposure.sharpness < rules.blur_sharpness[current is Condition.BLUR],
    }
    return next((condition for condition in Condition if beyond[condition]), None)


class ExposureHealth:
    """Judges a camera's pictures one after another: a change is told when it has lasted. Not thread-safe.

    Attributes:
        condition: what holds now; None: the picture is good.
    """

    def __init__(self, rules: ExposureRules | None = None) -> None:
        self._rules = rules or ExposureRules()
        self.condition: Condition | None = None
        self._candidate: tuple[Condition | None, Moment] | None = None

    def feed(self, exposure: Exposure, at: Moment) -> Change | None:
        """One measured picture; what has changed, when that has lasted for `after_s`."""
        judged = judge(exposure, self._rules, self.condition)
        if judged is self.condition:
            self._candidate = None
            return None
        if self._candidate is None or self._candidate[0] is not judged:
            self._candidate = judged, at
        if at.seconds_since(self._candidate[1]) < self._rules.after_s:
            return None
        self.condition, self._candidate = judged, None
        return Change(judged, exposure)
