"""Slots: what a network's output says place by place, and several readings laid beside each other."""

import numpy as np
import pytest

from edge_agent.vision.characters import Character
from edge_agent.vision.plates.slots import (
    ABSENT,
    Reading,
    Slot,
    corroborate,
    likeliest,
    pool,
    slots_of_characters,
    slots_of_ctc,
)

ALPHABET = ("A", "B", "C")
BLANK = 3


def steps(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(rows, np.float32)


def sure(text: str, probability: float = 0.9) -> tuple[Slot, ...]:
    return tuple({character: probability} for character in text)


def text_of(slots: tuple[Slot, ...]) -> str:
    return "".join(likeliest(slot) for slot in slots)


def test_a_run_of_one_class_is_one_slot_with_the_surest_step_of_the_run() -> None:
    slots = slots_of_ctc(steps((0.6, 0, 0, 0.4), (0.9, 0, 0, 0.1), (0, 0, 0, 1), (0, 0.8, 0.2, 0)), ALPHABET, BLANK)
    assert text_of(slots) == "AB"
    assert slots[0]["A"] == pytest.approx(0.9)
    assert slots[1]["C"] == pytest.approx(0.2)


def test_the_same_character_twice_is_two_slots_when_a_blank_parts_it() -> None:
    slots = slots_of_ctc(steps((0.9, 0, 0, 0.1), (0, 0, 0, 1), (0.9, 0, 0, 0.1)), ALPHABET, BLANK)
    assert text_of(slots) == "AA"


def test_a_faint_character_inside_blanks_is_a_slot_in_which_nothing_is_likelier() -> None:
    slots = slots_of_ctc(steps((1, 0, 0, 0), (0, 0, 0, 1), (0, 0.3, 0, 0.7), (0, 0, 0, 1)), ALPHABET, BLANK)
    assert len(slots) == 2
    assert likeliest(slots[1]) == ABSENT
    assert slots[1]["B"] == pytest.approx(0.3)


def test_a_class_beyond_the_labels_reads_as_nothing() -> None:
    slots = slots_of_ctc(np.array([[0.0, 0.0, 0.0, 0.0, 1.0]], np.float32), ALPHABET, BLANK)
    assert text_of(slots) == ""


def test_separators_are_no_characters_and_small_letters_are_capitals() -> None:
    read = (Character("a", 0.9), Character("·", 0.99), Character("7", 0.8, (("T", 0.1),)))
    slots = slots_of_characters(read)
    assert text_of(slots) == "A7"
    assert slots[1]["T"] == pytest.approx(0.1)


def test_pooled_readings_are_the_weighted_mean_place_by_place() -> None:
    pooled = pool([Reading(sure("AB", 0.8)), Reading(sure("AC", 0.5), weight=3.0)])
    assert pooled[0]["A"] == pytest.approx((0.8 + 3 * 0.5) / 4)
    assert [pooled[1][character] for character in "BC"] == pytest.approx([0.2, 0.375])


def test_a_reading_that_missed_a_character_is_laid_beside_the_places_it_has() -> None:
    pooled = pool([Reading(sure("京A12345")), Reading(sure("A12345"))])
    assert text_of(pooled[1:]) == "A12345"
    assert pooled[0]["京"] == pytest.approx(0.45)
    assert pooled[0][ABSENT] == pytest.approx(0.5)


def test_a_character_that_only_the_second_reading_has_gets_a_place_of_its_own() -> None:
    pooled = pool([Reading(sure("AC")), Reading(sure("ABC"))])
    assert [max(slot, key=lambda each: (each != ABSENT) * slot[each]) for slot in pooled] == ["A", "B", "C"]
    assert pooled[1][ABSENT] == pytest.approx(0.5)


def test_no_reading_and_an_empty_reading_pool_to_nothing() -> None:
    assert pool([]) == ()
    assert pool([Reading(())]) == ()


def test_what_two_readers_both_say_is_surer_than_either() -> None:
    both = corroborate(sure("A", 0.6), sure("A", 0.9))
    assert both[0]["A"] == pytest.approx(1 - 0.4 * 0.1)


def test_where_two_readers_differ_neither_is_sure() -> None:
    both = corroborate(sure("A", 0.99), sure("B", 0.9))
    assert both[0] == pytest.approx({"A": 0.495, "B": 0.45})


def test_an_empty_reading_takes_half_of_the_confidence() -> None:
    both = corroborate(sure("AB", 0.9), ())
    assert [slot[character] for slot, character in zip(both, "AB", strict=True)] == pytest.approx([0.45, 0.45])
