"""Whether a picture is good enough to read by: measured, with a limit each, hysteresis, and words for field staff."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.vision.exposure import (
    Condition,
    Exposure,
    ExposureHealth,
    ExposureRules,
    judge,
    measure,
    words,
)
from edge_agent.vision.image import Image
from tests.unit.edge_agent.links.camera.parts import at

RULES = ExposureRules()


def scene() -> Image:
    """Ground, a wall, a vehicle with edges and a plate."""
    image = np.full((360, 640, 3), 90, np.uint8)
    image[:120] = 160
    cv2.rectangle(image, (180, 100), (460, 320), (40, 60, 120), -1)
    cv2.putText(image, "A12345", (220, 260), cv2.FONT_HERSHEY_SIMPLEX, 2, (240, 240, 240), 5)
    noise = np.random.default_rng(1).integers(-4, 5, image.shape)
    return np.asarray(np.clip(image + noise, 0, 255), np.uint8)


def dark(image: Image) -> Image:
    return np.asarray(image * 0.06, np.uint8)


def glaring(image: Image) -> Image:
    return np.asarray(np.clip(image.astype(int) * 4 + 60, 0, 255), np.uint8)


def foggy(image: Image) -> Image:
    return np.asarray(image * 0.1 + 180, np.uint8)


def blurred(image: Image) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), image.shape[1] / 100), np.uint8)


SPOILERS: dict[Condition, Callable[[Image], Image]] = {
    Condition.DARK: dark, Condition.GLARE: glaring, Condition.FOG: foggy, Condition.BLUR: blurred,
}  # fmt: skip


def test_a_good_picture_has_no_condition() -> None:
    assert judge(measure(scene()), RULES) is None


@pytest.mark.parametrize("condition", Condition)
def test_a_spoiled_picture_is_judged_by_what_spoiled_it(condition: Condition) -> None:
    assert judge(measure(SPOILERS[condition](scene())), RULES) is condition


def test_real_pictures_of_lanes_are_good_and_spoiled_ones_are_not(shared: Callable[[str], Path]) -> None:
    for path in sorted(shared("plates").glob("ccpd_*.jpg")):
        image = np.asarray(cv2.imread(str(path)), np.uint8)
        assert judge(measure(image), RULES) is None
        for condition, spoil in SPOILERS.items():
            assert judge(measure(spoil(image)), RULES) is condition


def test_a_black_picture_is_dark_and_a_grey_one_pale() -> None:
    assert judge(measure(np.zeros((10, 10, 3), np.uint8)), RULES) is Condition.DARK
    assert judge(measure(np.full((10, 10, 3), 128, np.uint8)), RULES) is Condition.FOG


def test_a_condition_is_told_when_it_has_lasted_and_taken_back_so_too() -> None:
    health, good, bad = ExposureHealth(), measure(scene()), measure(dark(scene()))
    told = []
    for second in range(200):
        change = health.feed(bad if 20 <= second < 100 else good, at(second))
        if change is not None:
            told.append((second, change.condition))

    assert told == [(50, Condition.DARK), (130, None)]


def test_a_moment_of_glare_is_not_told() -> None:
    health, good, bad = ExposureHealth(), measure(scene()), measure(glaring(scene()))
    changes = [health.feed(bad if second % 40 < 25 else good, at(second)) for second in range(200)]

    assert not any(changes)


def test_between_both_limits_what_holds_goes_on_holding() -> None:
    between = Exposure(brightness=24, blown_out=0.0, contrast=100, sharpness=0.1)
    assert judge(between, RULES) is None
    assert judge(between, RULES, Condition.DARK) is Condition.DARK


@pytest.mark.parametrize("condition", Condition)
def test_field_staff_are_told_in_both_languages_what_to_do(condition: Condition) -> None:
    english, _, chinese = words(condition, measure(SPOILERS[condition](scene()))).partition(" / ")

    assert english.isascii()
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)
    assert ("as inferred" in english) == (condition in (Condition.FOG, Condition.BLUR)) == ("推断" in chinese)
