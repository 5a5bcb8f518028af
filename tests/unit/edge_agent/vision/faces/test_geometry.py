"""Alignment and pose."""

import math
import warnings

import numpy as np
import pytest

from edge_agent.vision.faces import geometry
from edge_agent.vision.faces.geometry import ARCFACE_POINTS, alignment, eye_distance, inside_share, pose


def turned(yaw: float, pitch: float) -> np.ndarray:
    """The general face, turned, seen from far away; degrees."""
    across, down = math.radians(yaw), math.radians(pitch)
    around_y = np.array([[math.cos(across), 0, -math.sin(across)], [0, 1, 0], [math.sin(across), 0, math.cos(across)]])
    around_x = np.array([[1, 0, 0], [0, math.cos(down), -math.sin(down)], [0, math.sin(down), math.cos(down)]])
    seen: np.ndarray = (geometry._SOLID @ around_x.T @ around_y.T)[:, :2] * 100 + 300
    return seen


def test_aligned_landmarks_lie_where_arcface_puts_them_however_the_face_was_turned_and_scaled() -> None:
    angle, scale = math.radians(25), 3.1
    turn = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    found = ARCFACE_POINTS @ turn.T + [400, 90]
    matrix = alignment(found, 112)
    assert np.allclose(found @ matrix[:, :2].T + matrix[:, 2], ARCFACE_POINTS, atol=1e-9)


def test_the_alignment_is_insightfaces_own() -> None:
    face_align = pytest.importorskip("insightface.utils.face_align")
    points = ARCFACE_POINTS * 1.7 + np.array([[3, 1], [-2, 4], [5, -3], [0, 2], [1, -6]])
    for size in (112, 128, 224):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # scikit-image 0.26 deprecates what insightface calls
            expected = face_align.estimate_norm(points.astype(np.float32), size)
        assert np.allclose(alignment(points, size), expected, atol=1e-3)


def test_a_crop_of_another_size_than_arcfaces_is_refused() -> None:
    with pytest.raises(ValueError, match="112 or 128"):
        alignment(ARCFACE_POINTS, 150)


@pytest.mark.parametrize("points", [np.zeros((5, 2)), np.full((5, 2), np.nan), np.zeros((4, 2))])
def test_landmarks_that_are_no_face_are_refused(points: np.ndarray) -> None:
    with pytest.raises(ValueError, match="landmarks"):
        alignment(points, 112)


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (30, 0), (-30, 0), (0, 20), (0, -20), (25, 10)])
def test_pose_says_how_the_head_is_turned(yaw: float, pitch: float) -> None:
    found = pose(turned(yaw, pitch))
    assert found.yaw == pytest.approx(yaw, abs=1.5)
    assert found.pitch == pytest.approx(pitch, abs=1.5)


def test_roll_is_the_tilt_of_the_eyes_line() -> None:
    angle = math.radians(20)
    tilt = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    assert pose(turned(0, 0) @ tilt.T).roll == pytest.approx(20, abs=0.5)


def test_a_face_that_is_only_a_line_is_seen_from_the_side() -> None:
    assert pose(np.array([[0, 0], [0, 0], [0, 10], [0, 20], [0, 20]])).yaw == 90


def test_a_face_half_out_of_the_picture_shows_half_of_itself() -> None:
    assert inside_share(ARCFACE_POINTS, 112, 112) == 1.0
    assert inside_share(ARCFACE_POINTS, 56, 112) == pytest.approx(0.5)
    assert eye_distance(ARCFACE_POINTS) == pytest.approx(35.24, abs=0.01)
