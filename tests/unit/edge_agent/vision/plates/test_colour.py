"""The ground's colour: by day, at night, pale, and where there is none to be told."""

import cv2
import numpy as np
import pytest

from benchmarks.vision_plates_drawn import EXAMPLES, Drawn, draw_plate
from edge_agent.vision.plates.colour import ground_of, has_red_letters, is_grey


@pytest.mark.parametrize(
    "example", {example.kind: example for example in EXAMPLES}.values(), ids=lambda each: each.kind
)
def test_the_ground_of_every_kind_is_told(example: Drawn) -> None:
    assert ground_of(cv2, draw_plate(example)) == example.kind.split("-")[0]


@pytest.mark.parametrize(("kind", "text"), [("blue", "琼B7K219"), ("yellow", "湘F61J24"), ("green", "琼AD30518")])
@pytest.mark.parametrize("light", [0.4, 1.15])
def test_colours_hold_at_night_with_noise_and_in_glare(kind: str, text: str, light: float) -> None:
    plate = draw_plate(Drawn(text, kind))
    noisy = plate * light + np.random.default_rng(3).normal(0, 8, plate.shape)
    assert ground_of(cv2, np.clip(noisy, 0, 255).astype(np.uint8)) == kind


def test_a_dusty_blue_plate_is_still_blue() -> None:
    pale = (draw_plate(Drawn("琼B7K219", "blue")) * 0.28 + 150 * 0.72).astype(np.uint8)
    assert ground_of(cv2, pale) == "blue"


def test_noise_without_a_plate_has_no_colour() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (60, 200, 3)).astype(np.uint8)
    assert ground_of(cv2, noise) == "unknown"
    assert ground_of(cv2, np.full((60, 200, 3), 128, np.uint8)) == "unknown"


def test_an_infra_red_picture_is_grey() -> None:
    plate = draw_plate(Drawn("琼B7K219", "blue"))
    grey = cv2.cvtColor(cv2.cvtColor(plate, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    assert is_grey(cv2, np.asarray(grey, np.uint8))
    assert not is_grey(cv2, plate)


def test_only_red_letters_at_the_left_are_the_forces() -> None:
    plate = draw_plate(Drawn("鲁B6904警", "white"))  # its red character stands at the right
    assert not has_red_letters(cv2, plate)
    assert has_red_letters(cv2, np.ascontiguousarray(plate[:, ::-1]))
