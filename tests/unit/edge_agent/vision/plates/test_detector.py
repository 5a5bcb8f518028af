"""The detector: what the network's numbers mean, which finds stand, and pictures of any shape."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edge_agent.vision.models.tasks import Form
from edge_agent.vision.plates.detector import Found, PlateDetector, decode_boxes, decode_priors, priors, suppress


class Network:
    """A network of the form `boxes` that answers with the same finds whatever it is shown."""

    def __init__(self, rows: list[list[float]], shape: list[int | str]) -> None:
        self.rows, self.shape = rows, shape
        self.seen: list[np.ndarray] = []

    def model(self, _task: str) -> Any:
        contract = SimpleNamespace(
            name="image",
            shape=[1, 3, *self.shape],
            multiple=32,
            colour="RGB",
            mean=[1.0, 2.0, 3.0],
            scale=[0.5, 0.5, 0.5],
        )
        return SimpleNamespace(
            manifest=SimpleNamespace(
                threshold=0.2, input=contract, output=SimpleNamespace(form=Form.BOXES, names=["boxes"])
            )
        )

    def session(self, _task: str, threads: int = 1) -> Any:
        assert threads == 1
        return self

    def run(self, _names: list[str], feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        self.seen.append(feed["image"])
        return [np.array(self.rows, np.float32).reshape(-1, 6)]


def test_the_priors_lie_in_the_middle_of_their_cells_two_sides_each() -> None:
    grid = priors(64, 96)
    assert len(grid) == 2 * (8 * 12 + 4 * 6 + 2 * 3)
    assert grid[:3].tolist() == [[4, 4, 24], [4, 4, 48], [12, 4, 24]]
    assert grid[-1].tolist() == [80, 48, 768]


def test_a_find_without_offsets_is_its_prior_and_its_corners_start_top_left() -> None:
    count = len(priors(32, 32))
    places, chances = np.zeros((1, count, 4), np.float32), np.zeros((1, count, 2), np.float32)
    points = np.tile(np.array([5, 2, -5, 2, -5, -2, 5, -2], np.float32), (1, count, 1))
    chances[0, 0, 1] = 0.9
    scores, boxes, corners = decode_priors([places, chances, points], (32, 32), 0.3)
    assert scores.tolist() == pytest.approx([0.9])
    assert boxes.tolist() == [[-8, -8, 16, 16]]
    assert corners[0, 0].tolist() == pytest.approx([4 - 12, 4 - 4.8])
    assert corners[0, 2].tolist() == pytest.approx([4 + 12, 4 + 4.8])


def test_hostile_numbers_give_no_infinite_box() -> None:
    count = len(priors(32, 32))
    places = np.full((1, count, 4), 1e6, np.float32)
    _, boxes, _ = decode_priors(
        [places, np.ones((1, count, 2), np.float32), np.zeros((1, count, 8), np.float32)], (32, 32), 0.3
    )
    assert np.isfinite(boxes).all()


def test_of_overlapping_finds_the_likeliest_stands() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]], np.float32)
    assert suppress(np.array([0.6, 0.9, 0.7], np.float32), boxes) == [1, 2]
    assert suppress(np.zeros(0, np.float32), np.zeros((0, 4), np.float32)) == []


def test_unlikely_boxes_are_left_out() -> None:
    scores, boxes, corners = decode_boxes(np.array([[1, 2, 3, 4, 0.1, 0], [1, 2, 5, 4, 0.8, 0]], np.float32), 0.3)
    assert (len(scores), boxes.tolist()) == (1, [[1, 2, 5, 4]])
    assert corners.tolist() == [[[1, 2], [5, 2], [5, 4], [1, 4]]]


def test_a_box_stays_inside_the_picture_whatever_the_corners_say() -> None:
    corners = np.array([[-50, -5], [300, -5], [300, 20], [-50, 20]], np.float32)
    assert Found(0.9, corners).box(200, 100) == (0, 0, 200, 20)
    assert Found(0.9, corners + 1000).box(200, 100) == (199, 99, 1, 1)


def test_the_picture_is_made_small_and_padded_and_the_finds_grow_back() -> None:
    network = Network([[10, 20, 50, 30, 0.9, 0]], ["h", "w"])
    found = PlateDetector(network).find(np.full((300, 1000, 3), 7, np.uint8), side=500)  # type: ignore[arg-type] # a fake
    assert network.seen[0].shape == (1, 3, 160, 512)
    assert network.seen[0][0, :, 0, 0].tolist() == [3.0, 2.5, 2.0]
    assert network.seen[0][0, :, 159, 511].tolist() == [0, 0, 0]
    assert found[0].corners.tolist() == [[20, 40], [100, 40], [100, 60], [20, 60]]
    assert not found[0].exact


def test_a_network_of_a_fixed_size_is_shown_that_size() -> None:
    network = Network([], [64, 64])
    assert PlateDetector(network).find(np.zeros((300, 100, 3), np.uint8), side=500) == []  # type: ignore[arg-type] # a fake
    assert network.seen[0].shape == (1, 3, 64, 64)
