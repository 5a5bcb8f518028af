"""Flat plates: taken straight from any angle, and two rows taken apart."""

import cv2
import numpy as np

from benchmarks.vision_plates_drawn import Drawn, draw_plate, place_plate, street
from edge_agent.vision.plates.rectify import (
    NARROWEST,
    ONE_ROW,
    TWO_ROWS,
    WIDEST,
    Margins,
    flatten,
    in_one_row,
    proportion,
    raised,
    rows_of,
)

PLATE = Drawn("琼B7K219", "blue")
TILTED = np.array([[400, 300], [690, 350], [680, 442], [392, 392]], np.float32)


def test_a_tilted_plate_becomes_the_plate_as_it_was_drawn() -> None:
    flat = flatten(cv2, place_plate(street(), PLATE, TILTED), TILTED)
    drawn = cv2.resize(draw_plate(PLATE), (flat.shape[1], flat.shape[0]), interpolation=cv2.INTER_AREA)
    assert abs(flat.shape[1] * ONE_ROW - flat.shape[0]) <= 1
    assert np.corrcoef(flat.ravel(), drawn.ravel())[0, 1] > 0.9


def test_its_size_is_bounded_however_large_or_small_it_is_seen() -> None:
    scene = street()
    for size in (1.0, 20.0, 5_000.0):
        corners = np.array([[0, 0], [size, 0], [size, size / 3], [0, size / 3]], np.float32)
        assert NARROWEST <= flatten(cv2, scene, corners).shape[1] <= WIDEST


def test_corners_outside_the_picture_and_on_one_point_give_a_crop_all_the_same() -> None:
    scene = street(200, 100)
    for corners in (TILTED + 5_000, TILTED - 5_000, np.zeros((4, 2), np.float32)):
        assert flatten(cv2, scene, corners.astype(np.float32)).ndim == 3


def test_margins_take_more_than_the_plate() -> None:
    scene = place_plate(street(), Drawn("沪C4827学", "yellow"), TILTED)
    wide = flatten(cv2, scene, TILTED, margins=Margins.even(0.2, 0.3))
    assert wide[2, wide.shape[1] // 2].max() < 120  # the road, not the plate
    assert flatten(cv2, scene, TILTED)[12, 150].max() > 120


def test_the_proportion_tells_one_row_from_two() -> None:
    assert round(proportion(np.array([[0, 0], [44, 0], [44, 14], [0, 14]], np.float32)), 2) == 3.14
    assert proportion(np.array([[0, 0], [44, 0], [44, 22], [0, 22]], np.float32)) == 2.0
    assert proportion(np.zeros((4, 2), np.float32)) == 0.0


def test_two_rows_are_joined_at_one_height() -> None:
    plate = draw_plate(Drawn("琼A26815", "yellow-double"))
    corners = np.array([[0, 0], [439, 0], [439, 219], [0, 219]], np.float32)
    upper, lower = rows_of(flatten(cv2, plate, corners, TWO_ROWS))
    joined = in_one_row(cv2, upper, lower)
    assert upper.shape[0] < lower.shape[0]
    assert joined.shape[0] == lower.shape[0]
    assert joined.shape[1] > lower.shape[1]


def test_the_lower_row_alone_is_raised_to_the_whole_plate() -> None:
    lower = np.array([[10, 80], [110, 80], [110, 110], [10, 110]], np.float32)
    assert raised(lower).tolist() == [[10, 60.5], [110, 60.5], [110, 110], [10, 110]]
