"""What is wrong with a picture of a face, and what the traveller is told."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from edge_agent.vision.faces.advice import TABLE
from edge_agent.vision.faces.quality import LIMITS, Quality, judge

Draw = Callable[..., tuple[np.ndarray, np.ndarray]]


def values(quality: Quality) -> dict[str, float]:
    return {measure.name: measure.value for measure in quality.measures}


def test_a_good_picture_has_nothing_wanting_and_no_advice(draw: Draw) -> None:
    picture, points = draw()
    quality = judge(picture, points)
    assert quality.wanting == ()
    assert quality.ok
    assert quality.advice is None
    assert values(quality)["size"] == pytest.approx(80, abs=0.5)


def test_a_small_face_is_asked_to_come_closer_in_both_languages(draw: Draw) -> None:
    quality = judge(*draw(eyes=30))
    assert "size" in quality.wanting
    assert quality.advice is TABLE["size", True]
    assert (quality.advice.en, quality.advice.zh) == ("Come closer to the camera", "请靠近摄像头")


def test_a_blurred_picture_asks_to_hold_still(draw: Draw) -> None:
    picture, points = draw()
    quality = judge(np.asarray(cv2.GaussianBlur(picture, (0, 0), 6), np.uint8), points)
    assert "sharpness" in quality.wanting
    assert not quality.ok
    assert {measure.name: measure.advice for measure in quality.measures}["sharpness"] is TABLE["sharpness", True]


@pytest.mark.parametrize(
    ("change", "name", "low"),
    [
        (lambda p: (p * 0.15).astype(np.uint8), "brightness", True),
        (lambda p: np.clip(p.astype(int) + 110, 0, 255).astype(np.uint8), "brightness", False),
        (lambda p: (p * 0.15 + 100).astype(np.uint8), "contrast", True),
    ],
)
def test_bad_light_is_told_apart(draw: Draw, change: Callable[[np.ndarray], np.ndarray], name: str, low: bool) -> None:
    picture, points = draw()
    wrong = {measure.name: measure.advice for measure in judge(change(picture), points).measures if not measure.ok}
    assert wrong[name] is TABLE[name, low]


def test_light_reflected_from_the_face_is_glare(draw: Draw) -> None:
    picture, points = draw()
    cv2.circle(picture, (320, 250), 55, (255, 255, 255), -1)
    assert "glare" in judge(picture, points).wanting


def test_a_turned_and_a_tilted_head_are_told(draw: Draw) -> None:
    picture, points = draw()
    nose = points.copy()
    nose[2, 0] += 35
    assert judge(picture, nose).wanting[0] == "yaw"
    angle = np.radians(40)
    tilt = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    tilted = (points - points.mean(axis=0)) @ tilt.T + points.mean(axis=0)
    assert "roll" in judge(picture, tilted).wanting


def test_a_face_at_the_edge_is_asked_into_the_picture(draw: Draw) -> None:
    picture, points = draw()
    cut = np.ascontiguousarray(picture[:, 320:])
    assert judge(cut, points - [320, 0]).advice is TABLE["in_frame", True]


def test_a_second_face_of_like_size_counts_and_a_small_one_far_behind_does_not(draw: Draw) -> None:
    picture, points = draw()
    beside, behind = np.add(points, [200, 0]), (points - points.mean(axis=0)) * 0.3 + [100, 100]
    assert values(judge(picture, points, [beside, behind]))["faces"] == 2
    assert judge(picture, points, [behind]).ok


@pytest.mark.parametrize(("name", "rows"), [("mouth", (275, 345)), ("eyes", (190, 232))])
def test_a_mask_or_dark_glasses_are_inferred_said_to_be_so_and_never_block(
    draw: Draw, name: str, rows: tuple[int, int]
) -> None:
    picture, points = draw()
    picture[rows[0] : rows[1], 220:420] = (150, 175, 215) if name == "mouth" else (30, 30, 30)
    quality = judge(picture, points)
    assert quality.wanting == (name,)
    assert quality.ok
    assert quality.advice is TABLE[name, True]
    shown: Any = quality.as_json()
    assert shown["measures"][name]["inferred"] is True


def test_a_mask_with_folds_is_inferred_from_its_colour_and_a_grey_picture_does_not_mislead(draw: Draw) -> None:
    picture, points = draw()
    masked = picture.copy()
    masked[260:370, 220:420] = (210, 160, 90)  # light blue
    masked[270:370:24, 220:420] = (150, 110, 50)  # folds, as contrasty as lips
    assert "mouth" in judge(masked, points).wanting
    grey = np.repeat(picture.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    assert "mouth" not in judge(grey, points).wanting


def test_every_limit_has_its_advice_in_both_languages() -> None:
    for name, limit in LIMITS.items():
        for low in (True, False):
            if (limit.low if low else limit.high) is not None:
                assert TABLE[name, low].en
                assert any("\u4e00" <= letter <= "\u9fff" for letter in TABLE[name, low].zh)


def test_the_score_falls_when_a_measure_gets_worse(quality: Callable[..., Quality]) -> None:
    best = quality().score
    for name, worse in (("size", 45), ("yaw", 28), ("sharpness", 0.009), ("pitch", -24), ("brightness", 215)):
        assert 0 < quality(**{name: worse}).score < best <= 1


def test_no_number_is_never_good_enough(quality: Callable[..., Quality]) -> None:
    assert not quality(sharpness=float("nan")).ok


def test_json_names_value_unit_limits_and_advice(quality: Callable[..., Quality]) -> None:
    shown: Any = quality(size=20).as_json()
    assert shown["ok"] is False
    assert shown["measures"]["size"] == {"value": 20.0, "unit": "pixels between the eyes", "ok": False, "low": 40}
    assert shown["advice"] == {"en": "Come closer to the camera", "zh": "请靠近摄像头"}
