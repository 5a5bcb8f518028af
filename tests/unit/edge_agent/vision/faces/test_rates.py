"""Error rates, intervals and thresholds."""

import numpy as np
import pytest

from edge_agent.vision.faces import rates
from edge_agent.vision.faces.rates import Comparisons


def impostors(scores: list[float], pairs: list[tuple[int, int]]) -> Comparisons:
    first, second = np.array(pairs).T
    return Comparisons(np.array(scores), first, second)


def test_wilsons_interval_is_the_published_one() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81/263, 15/148, 0/20
    assert rates.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert rates.wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert rates.wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert rates.wilson(20, 20)[1] == 1.0
    with pytest.raises(ValueError, match="comparisons"):
        rates.wilson(0, 0)


def test_every_two_templates_are_compared_once() -> None:
    templates = np.eye(4, 16, dtype=np.float32)
    genuine, impostor = rates.compare_all(templates, np.array([0, 0, 1, 2]))
    assert len(genuine.scores) == 1
    assert len(impostor.scores) == 5
    assert len(impostor.chosen(np.array([True, True, False])).scores) == 2


def test_rates_count_at_the_threshold_as_the_decision_does() -> None:
    made = impostors([0.94, 0.9399, 0.5], [(0, 1), (0, 2), (1, 2)])
    fmr = rates.false_matches(made, 0.94, 3)
    assert (fmr.errors, fmr.comparisons) == (1, 3)
    fnmr = rates.false_non_matches(Comparisons(made.scores, made.first, made.first), 0.94, 3)
    assert fnmr.errors == 2


def test_nothing_compared_is_no_rate() -> None:
    empty = np.zeros(0, np.int64)
    rate = rates.false_matches(Comparisons(np.zeros(0), empty, empty), 0.94, 3)
    assert rate.as_json() == {
        "errors": 0,
        "comparisons": 0,
        "rate": None,
        "wilson_95": None,
        "bootstrap_95": None,
    }


def test_one_person_who_is_like_everyone_widens_the_interval_over_people() -> None:
    """Errors that all have one person in them say less than as many spread over people."""
    people = 20
    pairs = [(a, b) for a in range(people) for b in range(a)]
    one = impostors([float(0 in pair) for pair in pairs], pairs)
    rng = np.random.default_rng(1)
    spread_scores = np.zeros(len(pairs))
    spread_scores[rng.permutation(len(pairs))[: people - 1]] = 1
    spread = impostors(list(spread_scores), pairs)
    widths = []
    for made in (one, spread):
        rate = rates.false_matches(made, 0.5, people)
        assert rate.errors == people - 1
        assert rate.bootstrap is not None
        widths.append(rate.bootstrap[1] - rate.bootstrap[0])
    assert widths[0] > 1.5 * widths[1]


def test_the_bootstrap_covers_the_true_rate_of_genuine_comparisons() -> None:
    people = np.repeat(np.arange(50), 4)
    wrong = np.random.default_rng(3).random(len(people)) < 0.2
    made = Comparisons(np.where(wrong, 0.0, 1.0), people, people)
    rate = rates.false_non_matches(made, 0.5, 50)
    assert rate.bootstrap is not None
    assert rate.bootstrap[0] < 0.2 < rate.bootstrap[1]


def test_the_same_comparisons_give_the_same_interval() -> None:
    made = impostors([0.9, 0.1, 0.2], [(0, 1), (0, 2), (1, 2)])
    assert rates.false_matches(made, 0.5, 3) == rates.false_matches(made, 0.5, 3)


@pytest.mark.parametrize(("target", "expected"), [(0.001, 0.9346), (0.01, 0.9346), (0.2, 0.8001), (1.0, -1.0)])
def test_the_proposed_threshold_is_the_smallest_that_keeps_the_target(target: float, expected: float) -> None:
    scores = np.array([0.93451, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
    found = rates.threshold_for(scores, target)
    assert found == pytest.approx(expected, abs=1e-9)
    assert np.mean(scores >= found) <= target


def test_a_score_of_exactly_four_places_is_still_refused() -> None:
    found = rates.threshold_for(np.array([0.94, 0.5]), 0.001)
    assert found is not None
    assert found > 0.94
    assert rates.threshold_for(np.zeros(0), 0.001) is None


def test_the_curve_falls_one_way_and_rises_the_other() -> None:
    rng = np.random.default_rng(5)
    points = rates.curve(rng.normal(0.97, 0.01, 400), rng.normal(0.84, 0.03, 4000))
    assert 10 < len(points) <= 200
    fmr, fnmr = [point[1] for point in points], [point[2] for point in points]
    assert fmr == sorted(fmr, reverse=True)
    assert fnmr == sorted(fnmr)
    assert rates.curve(np.zeros(0), np.zeros(3)) == []
