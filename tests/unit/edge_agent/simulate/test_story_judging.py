"""The confusion table counts what was caught, and names what was not."""

from __future__ import annotations

from edge_agent.simulate.story.judging import Due, Found, confusion, wrongly_stopped

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
