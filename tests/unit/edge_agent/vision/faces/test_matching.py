"""One to one."""

from collections.abc import Callable

import numpy as np
import pytest

from edge_agent.vision.faces.matching import TemplateError, checked, fused, match, no_match

Make = Callable[..., np.ndarray]


def test_a_score_that_reaches_the_threshold_is_the_same_person(template: Make, near: Make) -> None:
    base = template(1)
    result = match(base, near(base, 0.95), 0.94)
    assert result.same
    assert result.score == pytest.approx(0.95, abs=1e-5)
    assert "0.9500 reaches the threshold 0.9400" in result.reason


def test_a_score_below_is_not(template: Make, near: Make) -> None:
    base = template(1)
    result = match(base, near(base, 0.939), 0.94)
    assert not result.same
    assert "is below" in result.reason


def test_a_face_is_itself_and_rounding_gives_no_more_than_one(template: Make) -> None:
    result = match(template(3), template(3), 0.94)
    assert result.same
    assert result.score is not None
    assert result.score <= 1.0


def test_templates_of_two_recognisers_are_not_compared(template: Make) -> None:
    with pytest.raises(TemplateError, match="128 numbers and the other 512"):
        match(template(1), template(1, 512), 0.94)


@pytest.mark.parametrize(
    "wrong", [np.zeros(128), np.full(128, np.nan), np.ones(128), np.ones((2, 64)) / 11.3137, np.ones(4) / 2]
)
def test_what_is_no_template_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(TemplateError, match="no face template"):
        checked(wrong)


def test_nothing_to_compare_is_not_the_same_and_says_what_was_missing() -> None:
    result = no_match(0.94, "no face was found in the first picture")
    assert (result.score, result.same) == (None, False)


def test_the_mean_of_several_frames_is_nearer_to_the_person_than_each(template: Make, near: Make) -> None:
    person = template(5)
    frames = [near(person, 0.95, seed) for seed in range(10, 14)]
    assert match(fused(frames), person, 0.9).score > max(float(frame @ person) for frame in frames)  # type: ignore[operator]  # compared templates have a score
    assert np.linalg.norm(fused(frames)) == pytest.approx(1, abs=1e-6)


def test_nothing_and_opposites_cannot_be_fused(template: Make) -> None:
    with pytest.raises(ValueError, match="no template"):
        fused([])
    with pytest.raises(TemplateError, match="cancel"):
        fused([template(1), -template(1)])
