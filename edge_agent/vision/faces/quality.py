"""How good one face in one picture is for recognition: measured numbers, limits, and what to do about them.

Size, place, pose and light are measured. That something covers the eyes or the mouth is inferred: dark glasses and
masks are flat where eyes and lips are not, and the lower half of a face is as red as its cheeks unless a mask is before
it. It is marked as inferred and never by itself keeps a picture from being used. ISO/IEC 29794-5 names the properties;
the limits are our own, from docs/vision/faces.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.vision.extra import importing_vision
from edge_agent.vision.faces.advice import TABLE, Advice
from edge_agent.vision.faces.geometry import aligned_crop, eye_distance, inside_share, pose
from edge_agent.vision.image import Image

Floats = npt.NDArray[np.float32]

_SIZE = 112  # of the aligned crop that light and sharpness are measured in
_COMPARABLE = 0.5  # another face counts when its eyes are at least so far apart as this one's, times this
_COLOUR = 0.05  # redness of cheeks below which a picture is grey, or its light is not white
_WHITE = 250  # of 255: burnt out


@dataclass(frozen=True, slots=True)
class Limit:
    """Of one measure: its unit, the range that is good enough, and whether the measure is inferred."""

    unit: str
    low: float | None = None
    high: float | None = None
    inferred: bool = False


# In the order in which a traveller should be told.
LIMITS: dict[str, Limit] = {
    "in_frame": Limit("share of the face", low=0.9),
    "faces": Limit("faces of like size", high=1),
    "size": Limit("pixels between the eyes", low=40),
    "yaw": Limit("degrees", high=30),
    "pitch": Limit("degrees", low=-25, high=25),
    "roll": Limit("degrees", high=30),
    "brightness": Limit("mean of 0..255", low=40, high=220),
    "contrast": Limit("deviation of 0..255", low=12),
    "glare": Limit("share of the face", high=0.12),
    "sharpness": Limit("variance of the Laplacian over that of the face", low=0.008),
    "mouth": Limit("lesser of its contrast and its redness over the face's", low=0.2, inferred=True),
    "eyes": Limit("contrast of the eyes over that of the face", low=0.35, inferred=True),
}


@dataclass(frozen=True, slots=True)
class Measure:
    """One measured number; `ok` when it is within its limit. Angles for yaw and roll are without their sign."""

    name: str
    value: float
    limit: Limit

    @property
    def ok(self) -> bool:
        """Within the limit; no number never is."""
        low, high = self.limit.low, self.limit.high
        return (low is None or self.value >= low) and (high is None or self.value <= high)

    @property
    def fitness(self) -> float:
        """0..1, one half at the limit: what makes measures of different units comparable."""
        parts = []
        if self.limit.low is not None:
            parts.append(_fitness_above(self.value, self.limit.low))
        if self.limit.high is not None:
            parts.append(self.limit.high / (self.limit.high + max(0.0, self.value)))
        return min(parts)

    @property
    def advice(self) -> Advice | None:
        """What the traveller should do; None when it is good enough."""
        if self.ok:
            return None
        return TABLE[self.name, self.limit.low is not None and not self.value >= self.limit.low]


def _fitness_above(value: float, low: float) -> float:
    if low < 0:  # an angle: as far from zero as the limit is
        return low / (low + min(0.0, value))
    return max(0.0, value) / (max(0.0, value) + low)


@dataclass(frozen=True, slots=True)
class Quality:
    """Of one face in one picture."""

    measures: tuple[Measure, ...]

    @property
    def ok(self) -> bool:
        """Good enough to compare: every measure that is not inferred is within its limit."""
        return all(measure.ok for measure in self.measures if not measure.limit.inferred)

    @property
    def score(self) -> float:
        """0..1, for choosing the best of several frames: the geometric mean of the measures' fitness."""
        product = math.prod(max(measure.fitness, 1e-6) for measure in self.measures)
        return float(product ** (1 / len(self.measures)))

    @property
    def advice(self) -> Advice | None:
        """The first thing to tell the traveller; None when everything, inferred measures too, is good enough."""
        return next((measure.advice for measure in self.measures if measure.advice is not None), None)

    @property
    def wanting(self) -> tuple[str, ...]:
        """Names of the measures outside their limits."""
        return tuple(measure.name for measure in self.measures if not measure.ok)

    def as_json(self) -> dict[str, object]:
        """For `see face --json` and records: ok, score, every measure with its limit, and the advice."""
        advice = self.advice
        return {
            "ok": self.ok,
            "score": round(self.score, 3),
            "measures": {measure.name: _measure_json(measure) for measure in self.measures},
            "advice": None if advice is None else {"en": advice.en, "zh": advice.zh},
        }


def _measure_json(measure: Measure) -> dict[str, object]:
    shown: dict[str, object] = {"value": round(measure.value, 4), "unit": measure.limit.unit, "ok": measure.ok}
    shown |= {
        key: value for key, value in (("low", measure.limit.low), ("high", measure.limit.high)) if value is not None
    }
    return shown | ({"inferred": True} if measure.limit.inferred else {})


def judge(image: Image, landmarks: object, others: Sequence[object] = ()) -> Quality:
    """Measure one face.

    Args:
        image: blue green red.
        landmarks: of the face, five (x, y).
        others: the landmarks of the other faces in the picture.
    """
    height, width = image.shape[:2]
    eyes, turned = eye_distance(landmarks), pose(landmarks)
    like = sum(eye_distance(other) >= eyes * _COMPARABLE for other in others)
    values = {
        "in_frame": inside_share(landmarks, width, height),
        "faces": 1 + like,
        "size": eyes,
        "yaw": abs(turned.yaw),
        "pitch": turned.pitch,
        "roll": abs(turned.roll),
    }
    values |= light(aligned_crop(image, landmarks, _SIZE))
    return Quality(tuple(Measure(name, float(values[name]), limit) for name, limit in LIMITS.items()))


def luma(crop: Image) -> Floats:
    """Brightness 0..255 of blue green red, (height, width): ITU-R BT.601."""
    return np.asarray(crop @ np.array([0.114, 0.587, 0.299], np.float32), np.float32)


def light(crop: Image) -> dict[str, float]:
    """Brightness, contrast, glare, sharpness, and how far mouth and eyes stand out, of an aligned crop 112 x 112."""
    with importing_vision("Judging faces", "opencv-python"):
        import cv2  # noqa: PLC0415 - an extra; and it takes a tenth of a second
    grey = luma(crop)
    face = grey[20:110, 22:90]
    spread = max(float(face.std()), 1.0)
    # a little smoothing first: the noise of a dark sensor is not sharpness
    curved = np.asarray(cv2.Laplacian(cv2.GaussianBlur(grey, (0, 0), 0.8), cv2.CV_32F))[24:108, 24:88]
    # the line between the lips is the darkest of rows that differ most from their neighbours
    rows = np.diff(np.asarray(cv2.blur(grey, (9, 1)))[84:100, 40:72], axis=0)
    eyes = np.concatenate([grey[47:57, 30:47].ravel(), grey[47:57, 65:82].ravel()])
    return {
        "brightness": float(face.mean()),
        "contrast": float(face.std()),
        "glare": float((face >= _WHITE).mean()),
        "sharpness": float(curved.var()) / spread**2,
        "mouth": min(float(np.abs(rows).mean(axis=1).max()) / spread, lower_redness(crop)),
        "eyes": float(eyes.std()) / spread,
    }


def lower_redness(crop: Image) -> float:
    """Redness of mouth and chin over that of the cheeks; infinite in a picture without colour, which cannot tell.

    Redness is the logarithm of red over green: skin of every tone has it, and light of any strength leaves it as it is.
    """
    colours = crop.astype(np.float32) + 1
    redness = np.log(colours[:, :, 2] / colours[:, :, 1])
    cheeks = float(np.median(redness[58:68, 30:82]))
    return float(np.median(redness[80:108, 36:76])) / cheeks if cheeks > _COLOUR else math.inf
