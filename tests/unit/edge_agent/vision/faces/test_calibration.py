"""Calibrations: what they say, when they say that they do not know, and how they are named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_agent.vision.faces.calibration import (
    Calibration,
    CalibrationError,
    Sample,
    calibrate,
    calibration_id,
    load_calibration,
)

Near = Callable[[np.ndarray, float, int], np.ndarray]
MODEL = {"name": "net", "sha256": "ab" * 32, "detector_sha256": "cd" * 32}


def crowd(people: int, images: int, near: Near, template: Callable[..., np.ndarray]) -> list[Sample]:
    """Unrelated people, each of whose images have a cosine of about 0.98 to the person."""
    samples = []
    for person in range(people):
        own = template(1000 + person)
        samples += [Sample(f"p{person:03}", near(own, 0.99, 50_000 + person * 10 + image)) for image in range(images)]
    return samples


@pytest.fixture
def small(near: Near, template: Callable[..., np.ndarray]) -> dict[str, Any]:
    samples = crowd(6, 2, near, template)
    groups = {"p000": "north", "p001": "north", "p002": "south", "p003": "south"}
    return calibrate(samples, groups, MODEL, 0.94, 0.001)


def test_a_small_sample_says_that_it_is_too_small_and_keeps_the_default(small: dict[str, Any]) -> None:
    assert small["supported"] is False
    assert small["threshold"] == 0.94
    assert "too small to support an FMR of 0.001: that takes 3000 pairs of different people" in small["note"]
    assert "all has 15, north has 1, south has 1" in small["note"]


def test_rates_are_told_for_everyone_and_by_group(small: dict[str, Any]) -> None:
    assert set(small["groups"]) == {"all", "north", "south"}
    everyone = small["groups"]["all"]
    assert (everyone["identities"], everyone["images"], everyone["identity_pairs"]) == (6, 12, 15)
    fmr, fnmr = everyone["rates"][0]["fmr"], everyone["rates"][0]["fnmr"]
    assert (fmr["errors"], fmr["comparisons"]) == (0, 60)
    assert (fnmr["errors"], fnmr["comparisons"]) == (0, 6)
    assert fmr["wilson_95"][1] == pytest.approx(0.0602, abs=1e-3)
    assert small["groups"]["north"]["rates"][0]["fmr"]["comparisons"] == 4


def test_no_person_and_no_template_is_in_it(small: dict[str, Any]) -> None:
    text = json.dumps(small)
    assert "p000" not in text
    assert len(text) < 50_000


def test_a_large_sample_supports_a_threshold_of_its_own(near: Near, template: Callable[..., np.ndarray]) -> None:
    result = calibrate(crowd(80, 2, near, template), {}, MODEL, 0.94, 0.001)  # 3,160 pairs of people
    assert result["supported"] is True
    assert isinstance(result["threshold"], float)
    assert 0.2 < result["threshold"] < 0.6


def test_the_proposal_holds_in_the_worst_group(near: Near, template: Callable[..., np.ndarray]) -> None:
    """People who look alike to the model need a stricter threshold, and everybody gets it."""
    base = template(7)
    alike = [Sample(f"t{n}", near(near(base, 0.97, n), 0.995, 900 + n * 2 + i)) for n in range(6) for i in range(2)]
    result: dict[str, Any] = calibrate(
        [*crowd(6, 2, near, template), *alike], {f"t{n}": "alike" for n in range(6)}, MODEL, 0.5, 0.01
    )
    group = result["groups"]["alike"]["rates"][0]
    assert group["threshold"] == result["threshold"] > 0.9
    assert group["fmr"]["rate"] <= 0.01


@pytest.mark.parametrize("identities", [["a", "a"], ["a", "b"], []])
def test_one_person_or_no_second_image_is_too_little(
    identities: list[str], template: Callable[..., np.ndarray]
) -> None:
    with pytest.raises(CalibrationError, match="too few images"):
        calibrate([Sample(name, template(n)) for n, name in enumerate(identities)], {}, MODEL, 0.94, 0.001)


def test_the_id_names_exactly_these_figures(small: dict[str, Any]) -> None:
    again = json.loads(json.dumps(small))
    assert calibration_id(again) == calibration_id(small)
    assert len(calibration_id(small)) == 64
    assert calibration_id(small | {"threshold": 0.95}) != calibration_id(small)


def write(path: Path, result: dict[str, Any], **changed: object) -> Path:
    path.write_text(json.dumps({"id": calibration_id(result), "calibration": result | changed}), "utf-8")
    return path


def test_a_calibration_is_loaded_for_its_recogniser(small: dict[str, Any], tmp_path: Path) -> None:
    loaded = load_calibration(write(tmp_path / "c.json", small), "ab" * 32)
    assert (loaded.threshold, loaded.id, loaded.supported) == (0.94, calibration_id(small), False)


def test_one_of_another_recogniser_is_refused(small: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="of another recogniser"):
        load_calibration(write(tmp_path / "c.json", small), "ff" * 32)


def test_a_threshold_changed_by_hand_is_noticed(small: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="its id is not that of its figures"):
        load_calibration(write(tmp_path / "c.json", small, threshold=0.5), "ab" * 32)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"id": 1, "calibration": {}}', "\x00"])
def test_what_is_no_calibration_is_an_error_with_the_file(text: str, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(CalibrationError, match=r"c\.json is no calibration"):
        load_calibration(tmp_path / "c.json", "ab" * 32)
    with pytest.raises(CalibrationError, match="cannot be read"):
        load_calibration(tmp_path / "none.json", "ab" * 32)


def test_in_a_gallery_the_threshold_is_as_much_stricter_as_there_are_travellers() -> None:
    table = ((1e-1, 0.90), (1e-2, 0.92), (1e-3, 0.94), (1e-4, 0.96), (1e-5, 0.98))
    made = Calibration("id", 0.94, "ab" * 32, 0.001, supported=True, thresholds_by_fmr=table)
    assert made.threshold_in_gallery(1) == 0.94
    assert made.threshold_in_gallery(10) == 0.96
    assert made.threshold_in_gallery(100) == 0.98
    assert made.threshold_in_gallery(2000) == 0.98  # the sample cannot tell: the strictest that is known
