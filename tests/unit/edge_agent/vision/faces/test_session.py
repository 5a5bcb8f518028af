"""Best shot over time, three tries, then the staffed lane."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.model.moment import SECOND, MonoNs
from edge_agent.vision.faces.check import Liveness, Outcome
from edge_agent.vision.faces.matching import decided
from edge_agent.vision.faces.quality import LIMITS, Measure, Quality
from edge_agent.vision.faces.session import Compare, FaceSession, Finished, Policy, Wait

MakeQuality = Callable[..., Quality]
POLICY = Policy()


def at(seconds: float) -> MonoNs:
    return MonoNs(round((1000 + seconds) * SECOND))


def begun() -> FaceSession[str]:
    return FaceSession(POLICY, at(0))


def until_compare(session: FaceSession[str], quality: Quality, start: float) -> Compare[str]:
    for step in range(100):
        given_back = session.frame(f"{start}+{step}", quality, at(start + step / 10))
        if isinstance(given_back, Compare):
            return given_back
    raise AssertionError("no comparison within ten seconds")


def test_the_best_pictures_of_a_second_are_compared_best_first(quality: MakeQuality) -> None:
    session = begun()
    sizes = [60, 90, 70, 120, 80, 50, 65, 55, 52, 51, 53]
    for number, size in enumerate(sizes[:-1]):
        assert isinstance(session.frame(str(size), quality(size=size), at(number / 10)), Wait)
    step = session.frame("53", quality(size=53), at(1.0))
    assert isinstance(step, Compare)
    assert [shot.picture for shot in step.shots] == ["120", "90", "80"]


def test_a_match_ends_it_at_once(quality: MakeQuality) -> None:
    session = begun()
    until_compare(session, quality(), 0)
    end = session.compared(decided(0.97, 0.94), Liveness.NOT_CHECKED, at(2))
    assert isinstance(end, Finished)
    assert (end.outcome, end.tries, end.liveness) == (Outcome.MATCHED, 1, Liveness.NOT_CHECKED)
    assert end.best is not None
    with pytest.raises(ValueError, match="over"):
        session.frame("x", quality(), at(3))


def test_after_three_tries_a_person_decides_and_the_best_comparison_is_told(quality: MakeQuality) -> None:
    session = begun()
    start, step = 0.0, None
    for score in (0.90, 0.93, 0.91):
        until_compare(session, quality(), start)
        step = session.compared(decided(score, 0.94), Liveness.NOT_CHECKED, at(start + 2))
        start += 20
    assert isinstance(step, Finished)
    assert (step.outcome, step.tries) == (Outcome.STAFFED_LANE, 3)
    assert step.match is not None
    assert step.match.score == 0.93
    assert step.advice.en == "Please go to the staffed lane"


def test_pictures_that_are_not_good_enough_are_told_and_use_up_tries(quality: MakeQuality) -> None:
    session = begun()
    told, step = set(), None
    for tenth in range(400):
        step = session.frame("small", quality(size=20), at(tenth / 10))
        if isinstance(step, Finished):
            break
        assert isinstance(step, Wait)
        told.add(step.advice.en)
    assert isinstance(step, Finished)
    assert (step.outcome, step.tries, step.match, step.best) == (Outcome.STAFFED_LANE, 3, None, None)
    assert step.reason == "no picture was good enough to compare"
    assert "Come closer to the camera" in told


def test_one_good_picture_in_a_try_is_enough_when_the_face_goes_away(quality: MakeQuality) -> None:
    session = begun()
    session.frame("good", quality(), at(0))
    assert isinstance(session.nobody(at(0.5)), Wait)
    step = session.nobody(at(1.1))
    assert isinstance(step, Compare)
    assert [shot.picture for shot in step.shots] == ["good"]


def test_nobody_there_is_asked_to_look_and_after_a_minute_it_ends_without_a_try() -> None:
    session = begun()
    step = session.nobody(at(59))
    assert isinstance(step, Wait)
    assert step.advice.en == "Please look at the camera"
    end = session.nobody(at(60))
    assert isinstance(end, Finished)
    assert (end.outcome, end.tries, end.reason) == (Outcome.STAFFED_LANE, 0, "no face was seen")


def test_a_suspected_attack_goes_to_the_staffed_lane_even_when_the_faces_match(quality: MakeQuality) -> None:
    session = begun()
    until_compare(session, quality(), 0)
    end = session.compared(decided(0.99, 0.94), Liveness.ATTACK_SUSPECTED, at(2))
    assert isinstance(end, Finished)
    assert (end.outcome, end.liveness) == (Outcome.STAFFED_LANE, Liveness.ATTACK_SUSPECTED)


def test_between_tries_the_traveller_has_a_moment(quality: MakeQuality) -> None:
    session = begun()
    until_compare(session, quality(), 0)
    session.compared(decided(0.5, 0.94), Liveness.NOT_CHECKED, at(2))
    session.frame("too soon", quality(), at(2.5))
    assert session.tries == 1
    step = until_compare(session, quality(), 3.1)
    assert "too soon" not in [shot.picture for shot in step.shots]


def test_leaving_early_is_a_record_too(quality: MakeQuality) -> None:
    session = begun()
    session.frame("x", quality(), at(0))
    end = session.leave()
    assert (end.outcome, end.reason) == (Outcome.STAFFED_LANE, "the check was not finished")


def test_it_cannot_be_fed_out_of_order(quality: MakeQuality) -> None:
    session = begun()
    with pytest.raises(ValueError, match="no comparison"):
        session.compared(decided(0.99, 0.94), Liveness.NOT_CHECKED, at(0))
    until_compare(session, quality(), 0)
    with pytest.raises(ValueError, match="waits"):
        session.frame("x", quality(), at(5))


@pytest.mark.parametrize("wrong", [{"tries": 0}, {"shots": 99}, {"gather_ns": 0}, {"try_ns": 70 * SECOND}])
def test_a_policy_that_could_never_end_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"tries|times"):
        Policy(**wrong)


GOOD, POOR = (
    Quality(tuple(Measure(name, value if limit.low is None or limit.low < 0 else 2 * limit.low, limit)
                  for name, limit in LIMITS.items()))
    for value in (0.0, 1000.0)
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["good", "poor", "none"]), st.integers(0, 20), st.floats(0, 1)), max_size=120)
)
def test_whatever_comes_it_keeps_few_pictures_makes_three_tries_and_ends_once(
    frames: list[tuple[str, int, float]],
) -> None:
    session, now = begun(), 0.0
    for kind, tenths, score in frames:
        now += tenths / 10
        step = (
            session.nobody(at(now))
            if kind == "none"
            else session.frame(kind, GOOD if kind == "good" else POOR, at(now))
        )
        if isinstance(step, Compare):
            assert 1 <= len(step.shots) <= POLICY.shots
            assert {shot.picture for shot in step.shots} == {"good"}
            step = session.compared(decided(score, 0.94), Liveness.NOT_CHECKED, at(now))
        assert len(session._shots) <= POLICY.shots
        assert session.tries <= POLICY.tries
        if isinstance(step, Finished):
            assert (step.outcome is Outcome.MATCHED) == (step.match is not None and step.match.same)
            return
