"""The confusion table counts what was caught, and names what was not."""

from __future__ import annotations

import pytest

from edge_agent.simulate.story.judging import Due, Found, confusion, wrongly_stopped
from edge_agent.simulate.story.player import Crossed
from edge_agent.simulate.story.result import playing_checks

DUE = [
    Due("p1", "clean", frozenset(), "RELEASE"),
    Due("p2", "clean", frozenset(), "RELEASE"),
    Due("p3", "heavier", frozenset({"W01"}), "INSPECT"),
    Due("p4", "heavier", frozenset({"W01"}), "INSPECT"),
    Due("p5", "clock", frozenset({"K01"}), "RELEASE"),
]


def test_a_verdict_is_right_when_codes_and_action_are_those_due_and_notes_do_not_count() -> None:
    found = {
        "p1": Found(frozenset({"P08"}), "RELEASE"),
        "p2": Found(frozenset({"V02"}), "REVIEW"),
        "p3": Found(frozenset({"W01"}), "INSPECT"),
        "p4": Found(frozenset({"W01", "K02"}), "INSPECT"),
        "p5": Found(frozenset(), "RELEASE"),
    }
    clean, heavier, clock = confusion(DUE, found)
    assert (clean.subjects, clean.caught, clean.others, clean.missed) == (2, 1, ("V02 x 1",), ("p2",))
    assert (heavier.codes, heavier.caught, heavier.others, heavier.missed) == (("W01",), 1, ("K02 x 1",), ("p4",))
    assert (clock.caught, clock.missed) == (0, ("p5",))
    assert wrongly_stopped(DUE, found) == ["p2"]


def test_what_nobody_judged_is_missed() -> None:
    assert [row.caught for row in confusion(DUE, {})] == [0, 0, 0]
    assert wrongly_stopped(DUE, {}) == ["p1", "p2"]


RELEASED, HELD = Crossed("out-1-a", "release", through=True), Crossed("out-1-b", "hold", through=False)


@pytest.mark.parametrize(
    ("crossed", "openings", "passages", "holds"),
    [
        ([RELEASED, HELD], 1, ["out-1-a", "out-1-b", "elsewhere-1"], [True, True]),
        ([RELEASED, HELD], 1, ["out-1-a", "out-1-b", "out-1-c"], [False, True]),  # a passage of no vehicle
        ([RELEASED, HELD], 1, ["out-1-a"], [False, True]),
        ([RELEASED, RELEASED], 2, ["out-1-a"], [False, True]),  # two vehicles in one passage
        ([RELEASED, HELD], 2, ["out-1-a", "out-1-b"], [True, False]),
        ([RELEASED, Crossed("out-1-b", "hold", through=True)], 1, ["out-1-a", "out-1-b"], [True, False]),
        ([Crossed("out-1-a", "release", through=None)], 0, ["out-1-a"], [True, True]),  # a lane without a barrier
    ],
)
def test_each_visit_is_one_passage_and_each_release_one_opening(
    crossed: list[Crossed], openings: int, passages: list[str], holds: list[bool]
) -> None:
    assert [each.holds for each in playing_checks(crossed, openings, passages, ["out-1"])] == holds
