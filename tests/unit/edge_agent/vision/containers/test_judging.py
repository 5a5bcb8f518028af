from dataclasses import replace

import numpy as np

from edge_agent.vision.characters import Character
from edge_agent.vision.containers.joining import Candidate, candidates
from edge_agent.vision.containers.judging import distinct, judged
from edge_agent.vision.containers.lines import ACROSS, Glyph, Line


def look(text: str, sure: float = 0.99, **others: tuple[str, float]) -> Candidate:
    """One look at a number in one line; p0=("M", 0.1) says what else was seen in place 0."""
    glyphs = tuple(
        Glyph(
            Character(letter, 1 - others[f"p{place}"][1], (others[f"p{place}"],))
            if f"p{place}" in others
            else Character(letter, sure),
            (100 + 24.0 * place, 100),
        )
        for place, letter in enumerate(text)
    )
    return candidates([Line(glyphs, ACROSS, (1.0, 0.0), 40.0, np.zeros((4, 2), np.float32))])[0]


def test_a_number_that_two_looks_read_alike_is_unattended() -> None:
    read = judged([look("TGBU7083337"), look("TGBU7083337")], [])

    assert (read.text, read.check_digit_ok, read.unattended) == ("TGBU7083337", True, True)
    assert read.box == (80, 80, 280, 40)


def test_one_look_is_not_enough() -> None:
    assert not judged([look("TGBU7083337")], []).unattended


def test_an_unsure_character_is_for_a_person() -> None:
    assert not judged([look("TGBU7083337", 0.5)] * 3, []).unattended


def test_a_check_digit_of_nought_stands_for_two_remainders_and_asks_for_more() -> None:
    assert not judged([look("KMTU7106820", 0.9)] * 2, []).unattended
    assert judged([look("KMTU7106820", 0.96)] * 2, []).unattended
    assert judged([look("TGBU7083337", 0.9)] * 2, []).unattended


def test_a_number_that_the_check_digit_chose_is_for_a_person() -> None:
    looks = [look("NSKU4135329", p0=("M", 0.45))] * 2

    read = judged(looks, [])

    assert (read.text, read.check_digit_ok, read.unattended) == ("MSKU4135329", True, False)


def test_a_look_that_reads_another_valid_number_is_an_objection() -> None:
    looks = [look("FGBU7083338"), look("FGBU7083338"), look("TGBU7083337")]

    assert not judged(looks, []).unattended


def test_letters_that_count_the_same_are_for_a_person_when_both_were_seen() -> None:
    plain = [look("TGBU7083337", p1=("O", 0.15))] * 2
    twin = [look("TGBU7083337", p1=("Q", 0.15))] * 2

    assert judged(plain, []).unattended
    assert not judged(twin, []).unattended


def test_a_number_without_check_digit_never_passes() -> None:
    read = judged([look("TGBU708333")] * 3, [])

    assert (read.text, read.check_digit_ok, read.unattended) == ("TGBU708333", False, False)


def test_one_number_seen_twice_is_one_read_and_failed_reads_of_it_are_left_out() -> None:
    right = judged([look("TGBU7083337")] * 2, [])
    elsewhere = replace(right, box=(700, 700, 280, 40), confidence=0.7)
    failed = replace(right, text="TGBU7083331", check_digit_ok=False, unattended=False, box=(400, 400, 280, 40))
    other = replace(right, text="CXTU1125031", box=(0, 900, 280, 40), confidence=0.6)

    assert [read.text for read in distinct([failed, elsewhere, other, right])] == ["TGBU7083337", "CXTU1125031"]


def test_a_size_type_code_beside_the_same_number_elsewhere_is_the_containers() -> None:
    front = judged([look("CXTU1125031")] * 2, [])
    side = replace(front, box=(700, 700, 280, 40), confidence=0.7, size_type="22K2")

    assert [(read.box, read.size_type) for read in distinct([side, front])] == [(front.box, "22K2")]
