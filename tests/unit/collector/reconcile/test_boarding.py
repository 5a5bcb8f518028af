from __future__ import annotations

from gate_contract.v1.decision_pb2 import ACTION_REVIEW
from gate_contract.v1.passage_pb2 import Passage
from tests.unit.collector.reconcile.island import HOUR, NOON, Island
from tests.unit.collector.reconcile.registers import manifest, sailing
from tests.unit.collector.reconcile.registers import traveller as on_foot

ONE, TWO = b"1" * 32, b"2" * 32
LEFT = NOON + HOUR


def traveller(pseudonyms: list[bytes], passage_id: str = "T-1") -> Passage:
    """On a lane where nothing is regulated."""
    passage = on_foot(pseudonyms, passage_id)
    passage.lane_id = "first-line"
    return passage


def test_who_did_not_board_is_told_when_the_sailing_has_left_and_not_before(island: Island) -> None:
    island.enter(sailing(), manifest({ONE: "s-1", TWO: "s-2"}))
    island.receive(traveller([ONE]))
    island.reconcile()
    assert island.standing("P06") == {}
    island.reconcile(LEFT)
    told = island.standing("P06")["HN-1"]
    assert (told.action, "1 of 2 ticket holders" in told.explanation) == (ACTION_REVIEW, True)


def test_a_passage_that_comes_late_takes_a_no_show_back(island: Island) -> None:
    island.enter(sailing(), manifest({ONE: "s-1", TWO: "s-2"}))
    island.receive(traveller([ONE]))
    island.reconcile(LEFT)
    island.receive(traveller([TWO], "T-2"), at=LEFT)
    island.reconcile(LEFT + HOUR)
    island.reconcile(LEFT + 2 * HOUR)
    assert island.standing("P06") == {}


def test_heads_that_are_not_those_who_boarded_are_told_until_they_are_counted_again(island: Island) -> None:
    island.enter(sailing(heads=3), manifest({ONE: "s-1"}))
    island.receive(traveller([ONE]))
    island.reconcile(LEFT)
    assert "3 heads were counted, 1 boarded" in island.standing("P07")["HN-1"].explanation
    island.enter(sailing(heads=1), at=LEFT + HOUR)
    island.reconcile(LEFT + HOUR)
    assert island.standing("P07") == {}


def test_who_is_taken_off_the_manifest_afterwards_is_missed_no_more(island: Island) -> None:
    island.enter(sailing(), manifest({ONE: "s-1", TWO: "s-2"}))
    island.receive(traveller([ONE]))
    island.reconcile(LEFT)
    assert "HN-1" in island.standing("P06")
    island.enter(manifest({ONE: "s-1"}), at=LEFT + HOUR)
    island.reconcile(LEFT + HOUR)
    assert island.standing("P06") == {}


def test_nobody_is_missed_on_a_sailing_that_was_cancelled(island: Island) -> None:
    island.enter(sailing(cancelled=True), manifest({ONE: "s-1"}))
    island.reconcile(LEFT)
    assert island.standing("P06") == {}


def test_looking_again_without_anything_new_writes_nothing(island: Island) -> None:
    island.enter(sailing(), manifest({ONE: "s-1"}))
    for later in range(3):
        island.reconcile(LEFT + later * HOUR)
    assert island.count("findings") == 1
