"""Where a face's five landmarks put it: the aligned crop a recogniser takes, and the pose of the head.

Landmarks are five (x, y) in pixels of the picture, in the order eye, eye, nose tip, mouth corner, mouth corner; the
first eye and the first corner are those at the left of the picture when the head is upright.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.vision.extra import importing_vision
from edge_agent.vision.image import Image

Floats = npt.NDArray[np.float64]

# Where ArcFace's alignment puts the landmarks in a crop of 112 x 112: `arcface_dst` of insightface.utils.face_align.
ARCFACE_POINTS: Floats = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
ARCFACE_EYES = float(ARCFACE_POINTS[1, 0] - ARCFACE_POINTS[0, 0])

# The same face in depth, in distances between the eyes, towards the camera negative: the tip of a nose is about 27 mm
# before the eyes, which are about 62 mm apart, and the corners of a mouth about 3 mm. Good for angles to a tenth or so.
_DEPTH = np.array([0.0, 0.0, -0.435, -0.05, -0.05])
_SOLID = np.column_stack([ARCFACE_POINTS / ARCFACE_EYES, _DEPTH])
# In frontal portraits CenterFace sets the tip of the nose lower than ArcFace's mean face has it, by so much.
_SOLID[2, 1] += 0.06
_CENTRED = _SOLID - _SOLID.mean(axis=0)
_FLAT = 1e-9  # a face that is a line
_SOLVE = np.linalg.pinv(_CENTRED)  # (3, 5): five projected points -> the two rows of a scaled rotation


@dataclass(frozen=True, slots=True)
class Pose:
    """How a head is turned, degrees, as five landmarks tell it (about 5 degrees at best).

    Attributes:
        yaw: positive when the face looks to the right of the picture.
        pitch: positive when it looks down.
        roll: positive when the head is tilted clockwise in the picture.
    """

    yaw: float
    pitch: float
    roll: float


def as_points(landmarks: object) -> Floats:
    """Five (x, y) as float64 (5, 2); ValueError when they are not five finite points that span something."""
    points = np.asarray(landmarks, dtype=np.float64)
    if points.shape != (5, 2) or not np.all(np.isfinite(points)):
        raise ValueError("a face has five landmarks (x, y)")
    if np.linalg.norm(points - points.mean(axis=0)) < 1.0:
        raise ValueError("the landmarks of this face lie on one another")
    return points


def eye_distance(landmarks: object) -> float:
    """Pixels between the eyes."""
    points = as_points(landmarks)
    return float(np.linalg.norm(points[1] - points[0]))


def target_points(size: int) -> Floats:
    """Where the landmarks belong in a crop of size x size; size is a multiple of 112 or of 128, as in insightface."""
    if size <= 0 or (size % 112 and size % 128):
        raise ValueError(f"faces are aligned to multiples of 112 or 128 pixels, not to {size}")
    if size % 112 == 0:
        return ARCFACE_POINTS * (size / 112)
    shifted: Floats = (ARCFACE_POINTS + np.array([8.0, 0.0])) * (size / 128)
    return shifted


def similarity(source: object, target: Floats) -> Floats:
    """The scaling, rotation and shift (2, 3) that takes five landmarks nearest to five points, least squares."""
    points = as_points(source)
    source_mean, target_mean = points.mean(axis=0), target.mean(axis=0)
    points, target = points - source_mean, target - target_mean
    spread = float((points**2).sum())
    along = float((points * target).sum()) / spread
    across = float((points[:, 0] * target[:, 1] - points[:, 1] * target[:, 0]).sum()) / spread
    turn = np.array([[along, -across], [across, along]])
    return np.column_stack([turn, target_mean - turn @ source_mean])


def alignment(landmarks: object, size: int) -> Floats:
    """Takes a picture's pixels to the aligned crop's, (2, 3).

    The same as insightface.utils.face_align.estimate_norm, whose way to it scikit-image 0.26 has given up.
    """
    return similarity(landmarks, target_points(size))


def aligned_crop(image: Image, landmarks: object, size: int) -> Image:
    """The face upright at its standard place, (size, size, 3); black where the picture ends."""
    return warped(image, alignment(landmarks, size), size)


def warped(image: Image, turn: Floats, size: int) -> Image:
    """The picture through a similarity (2, 3), (size, size, 3); black where the picture ends."""
    with importing_vision("Aligning faces", "opencv-python"):
        import cv2  # noqa: PLC0415 - an extra; and it takes a tenth of a second
    return np.asarray(cv2.warpAffine(image, turn, (size, size), borderValue=0.0), dtype=np.uint8)


def inside_share(landmarks: object, width: int, height: int) -> float:
    """How much of the aligned crop the picture shows, 0..1, from a grid of 16 x 16 points."""
    turn = alignment(landmarks, 112)
    grid = np.stack(np.meshgrid(np.arange(3.5, 112, 7), np.arange(3.5, 112, 7)), axis=-1).reshape(-1, 2)
    points = (grid - turn[:, 2]) @ np.linalg.inv(turn[:, :2]).T
    shown = (points >= 0).all(axis=1) & (points[:, 0] < width) & (points[:, 1] < height)
    return float(shown.mean())


def pose(landmarks: object) -> Pose:
    """Of the head, by a scaled orthographic fit of a general face to the five landmarks."""
    points = as_points(landmarks)
    rows = (_SOLVE @ (points - points.mean(axis=0))).T  # (2, 3)
    lengths = np.linalg.norm(rows, axis=1)
    if lengths.min() < _FLAT:
        return Pose(90.0, 90.0, 0.0)  # a face seen from the side: nothing of it is left to fit
    first, second = rows[0] / lengths[0], rows[1] / lengths[1]
    # the nearest rotation: two rows made perpendicular by equal shares, the third their product
    left, _, right = np.linalg.svd(np.stack([first, second]), full_matrices=False)
    turned = left @ right
    ahead = -np.cross(turned[0], turned[1])
    # the camera's view of the face's own direction (0, 0, -1): third column of the rotation, negated
    direction = np.array([-turned[0, 2], -turned[1, 2], ahead[2]])
    eyes = points[1] - points[0]
    return Pose(
        yaw=math.degrees(math.atan2(direction[0], -direction[2])),
        pitch=math.degrees(math.atan2(direction[1], math.hypot(direction[0], direction[2]))),
        roll=math.degrees(math.atan2(eyes[1], eyes[0])),
    )
