"""Where dlib's face chip lies in a crop that was aligned the way ArcFace aligns: two fixed frames, one fixed mapping.

Both frames put the eyes at fixed places on one level, so the chip of every aligned crop is the same scaling and shift,
without rotation. The eyes alone decide it: noses and mouths of the two mean faces differ by some pixels. The chip
reaches below the crop, to the chin: what is not there is filled with the network's own mean colour, zero to it.

Sources: the eyes of ArcFace's five points for 112 x 112, insightface.utils.face_align.arcface_dst; of dlib's mean face,
the means of points 36..41 and 42..47 in get_face_chip_details, dlib/image_transforms/interpolation.h, with padding 0.25
and size 150, which are face_recognition_model_v1's.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

CROP_SIDE = 112
CHIP_SIDE = 150
PADDING = 0.25

# left and right eye as seen in the picture: x, y
ARCFACE_EYES = np.array([[38.2946, 51.6963], [73.5318, 51.5014]])
DLIB_EYES = np.array([[0.225495, 0.215991], [0.754760, 0.215991]])


def mapping() -> tuple[float, tuple[float, float]]:
    """Scale and shift (x, y) from a point of the crop to one of the chip, in pixels."""
    chip = (DLIB_EYES + PADDING) / (1 + 2 * PADDING) * CHIP_SIDE
    scale = float((chip[1, 0] - chip[0, 0]) / (ARCFACE_EYES[1, 0] - ARCFACE_EYES[0, 0]))
    shift = chip.mean(axis=0) - scale * ARCFACE_EYES.mean(axis=0)
    return scale, (float(shift[0]), float(shift[1]))


def sampling_matrices() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Bilinear sampling of the chip from the crop: chip = rows @ crop @ columns.T; each is 150 x 112, float32."""
    scale, (across, down) = mapping()
    return _weights(scale, down), _weights(scale, across)


def _weights(scale: float, shift: float) -> npt.NDArray[np.float32]:
    """How much each pixel of the crop gives to each of the chip, along one side; nothing where there is no crop."""
    places = (np.arange(CHIP_SIDE) - shift) / scale
    distance = np.abs(places[:, None] - np.arange(CROP_SIDE)[None, :])
    weights: npt.NDArray[np.float32] = np.maximum(0.0, 1.0 - distance).astype(np.float32)
    return weights
