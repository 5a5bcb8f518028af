"""CenterFace's maps become boxes and landmarks."""

from typing import Any, TypeAlias

import numpy as np
import pytest

from edge_agent.vision.faces import detector
from edge_agent.vision.faces.detector import CenterFace, decode, suppress
from edge_agent.vision.models.directory import Node
from edge_agent.vision.models.manifest import Manifest

MANIFEST = Manifest.model_validate_json(
    """{"format": 1, "task": "face-detector", "name": "drawn", "origin": "operator", "model": "m.onnx",
    "files": {"m.onnx": "%s", "LICENSE": "%s"}, "licence": {"spdx": "MIT", "text": "LICENSE"},
    "source": {"statement": "drawn"},
    "input": {"name": "in", "shape": ["N", 3, "H", "W"], "multiple": 32, "colour": "RGB",
              "mean": [0.0, 0.0, 0.0], "scale": [1.0, 1.0, 1.0]},
    "output": {"form": "centerface", "names": ["a", "b", "c", "d"]},
    "threshold": 0.5, "threshold_source": "drawn"}""".replace("%s", "0" * 64)
)

Maps: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def maps(high: int = 30, wide: int = 40) -> Maps:
    heat, scale, offset, points = (np.zeros((1, channels, high, wide), np.float32) for channels in (1, 2, 2, 10))
    return heat, scale, offset, points


def put(found: Maps, row: int, column: int, score: float, size: tuple[float, float]) -> None:
    """One face of size (height, width) in strides, its landmarks at a quarter, a half and three quarters."""
    heat, scale, offset, points = found
    heat[0, 0, row, column] = score
    scale[0, :, row, column] = np.log(size)
    offset[0, :, row, column] = (0.25, -0.25)
    points[0, :, row, column] = [0.25, 0.25, 0.25, 0.75, 0.5, 0.5, 0.75, 0.25, 0.75, 0.75]


def test_a_peak_is_a_box_with_landmarks_in_it() -> None:
    found = maps()
    put(found, 10, 20, 0.9, (8, 6))
    boxes, landmarks = decode(*found, 0.5)
    assert np.allclose(boxes, [[69, 27, 93, 59, 0.9]])  # centre 4 * (20.25, 10.75), half sizes 12 and 16
    assert np.allclose(landmarks[0], [[75, 35], [87, 35], [81, 43], [75, 51], [87, 51]])


def test_nothing_above_the_threshold_is_no_face() -> None:
    boxes, landmarks = decode(*maps(), 0.5)
    assert boxes.shape == (0, 5)
    assert landmarks.shape == (0, 5, 2)


def test_of_peaks_of_one_face_only_the_surest_remains_and_other_faces_stay() -> None:
    found = maps()
    put(found, 10, 20, 0.7, (8, 8))
    put(found, 10, 21, 0.9, (8, 8))
    put(found, 25, 5, 0.6, (8, 8))
    boxes, _ = decode(*found, 0.5)
    assert boxes[:, 4].tolist() == pytest.approx([0.9, 0.6])


def test_a_broken_models_endless_box_stays_finite_and_a_crowd_stays_bounded() -> None:
    found = maps(64, 64)
    found[0][:] = 0.9
    found[1][:] = -3.0
    found[1][0, :, 0, 0] = 1e9
    boxes, _ = decode(*found, 0.5)
    assert np.all(np.isfinite(boxes))
    assert len(boxes) <= detector.MOST_FACES


def test_boxes_that_only_touch_are_both_kept() -> None:
    boxes = np.array([[0, 0, 10, 10, 0.9], [10, 0, 20, 10, 0.8], [1, 0, 11, 10, 0.7]], np.float32)
    assert suppress(boxes) == [0, 1]


class DrawnSession:
    """Finds a face wherever the middle of the blob is bright; remembers the blob."""

    def __init__(self) -> None:
        self.blob: np.ndarray = np.zeros((1, 3, 32, 32), np.float32)

    def run(self, output_names: list[str] | None, input_feed: dict[str, Any]) -> list[Any]:
        assert output_names == ["a", "b", "c", "d"]
        self.blob = input_feed["in"]
        found = maps(self.blob.shape[2] // 4, self.blob.shape[3] // 4)
        put(found, self.blob.shape[2] // 8, self.blob.shape[3] // 8, 0.9, (8, 8))
        return list(found)

    def get_inputs(self) -> list[Node]:
        return []

    def get_outputs(self) -> list[Node]:
        return []


def test_a_picture_is_shrunk_for_the_network_and_what_it_finds_is_in_the_pictures_pixels() -> None:
    session = DrawnSession()
    picture = np.zeros((960, 1920, 3), np.uint8)
    picture[:, :, 2] = 255  # red
    boxes, landmarks = CenterFace(session, MANIFEST, 480).detect(picture)
    assert session.blob.shape == (1, 3, 256, 480)  # sides are multiples of 32
    assert session.blob[0, 0].min() == 255  # the manifest says RGB: red first
    assert session.blob[0, 2].max() == 0
    assert boxes[0, :4].mean() == pytest.approx((960 + 480) / 2, rel=0.02)
    assert landmarks[0, 2] == pytest.approx([965, 482], abs=12)


def test_insightfaces_ways_to_say_the_size_and_the_number_are_kept() -> None:
    session = DrawnSession()
    finder = CenterFace(session, MANIFEST, 480)
    finder.prepare(0, input_size=(320, 320), det_thresh=0.5)
    boxes, _ = finder.detect(np.zeros((320, 320, 3), np.uint8), max_num=1)
    assert session.blob.shape == (1, 3, 320, 320)
    assert len(boxes) == 1
    finder.detect(np.zeros((320, 320, 3), np.uint8), input_size=(64, 64))
    assert session.blob.shape == (1, 3, 64, 64)
