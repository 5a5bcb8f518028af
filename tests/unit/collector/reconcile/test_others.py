from __future__ import annotations

from collector.reconcile.others import MOST_AFTER, MOST_BEFORE, Others
from collector.reconcile.passed import Passed
from gate_contract.v1.passage_pb2 import PASSAGE_CLOSING_BACKED_OUT, PASSAGE_CLOSING_COMPLETE, PassageClosing
from tests.unit.collector.reconcile.island import NOON, SECOND, a_passage


def passed(number: int, closing: PassageClosing.ValueType = PASSAGE_CLOSING_COMPLETE) -> Passed:
    """At so many seconds after noon."""
    passage = a_passage(f"P-{number:03}", at=NOON + number * SECOND)
    passage.closed_by = closing
    return Passed(passage.passage_id, "xinhai", NOON, passage.SerializeToString(), b"")


def ids(some: list[Passed]) -> list[str]:
    return [each.passage_id for each in some]


def test_of_a_plate_that_was_here_for_ever_only_the_nearest_are_looked_at() -> None:
    others = Others({"plate": [passed(number) for number in range(400)]})
    near = ids(others.about(["plate"], passed(200).order()))
    assert near == [f"P-{number:03}" for number in range(200 - MOST_BEFORE, 200 + MOST_AFTER) if number != 200]


def test_a_verdict_that_is_given_is_known_to_those_after_it() -> None:
    others = Others({"one": [passed(1)]})
    others.put(passed(2), {"one", "two"})
    assert [ids(others.all(key)) for key in ("one", "two", "three")] == [["P-001", "P-002"], ["P-002"], []]


def test_a_verdict_that_names_another_key_takes_its_passage_there() -> None:
    others = Others({"one": [passed(1)]})
    others.put(passed(1), {"two"})
    assert [ids(others.all(key)) for key in ("one", "two")] == [[], ["P-001"]]


def test_what_went_back_the_way_it_came_is_nobody_s_past() -> None:
    others = Others({"one": [passed(1)]})
    others.put(passed(1, PASSAGE_CLOSING_BACKED_OUT), {"one"})
    assert others.all("one") == []


def test_a_passage_found_under_two_keys_is_one_and_never_its_own_past() -> None:
    others = Others({"one": [passed(1), passed(2)], "two": [passed(1)]})
    assert ids(others.about(["one", "two"], passed(2).order())) == ["P-001"]
