"""Reads and votes: when a plate may be used without a person, and what several frames make of it."""

import pytest

from edge_agent.errors import EdgeAgentError
from edge_agent.vision.characters import Character
from edge_agent.vision.plates.grammar import choose
from edge_agent.vision.plates.read import BROKEN, UNATTENDED, PlateRead, read_of, vote


def read(
    text: str, confidence: float | tuple[float, ...] = 0.95, *, colour: str = "blue", trusted: bool = True, x: int = 1
) -> PlateRead:
    each = confidence if isinstance(confidence, tuple) else (confidence,) * len(text)
    slots = [{character: probability} for character, probability in zip(text, each, strict=True)]
    return read_of(choose(slots, colour), box=(x, 2, 30, 10), colour=colour, double=False, trusted=trusted)


def test_a_sure_read_of_a_kind_that_fits_its_colour_is_unattended() -> None:
    plate = read("琼A12345")
    assert (plate.text, plate.kind, plate.grammar_ok, plate.unattended) == ("琼A12345", "blue", True, True)
    assert plate.confidence == pytest.approx(0.95)


@pytest.mark.parametrize(
    "plate",
    [
        read("琼A12345", UNATTENDED - 0.01),
        read("琼A12345", trusted=False),
        read("琼AD12345", colour="blue"),
        read("琼A12345", colour="green"),
        read("琼A12345", colour="unknown"),
        read("RK735AS", 0.99, colour="white"),
    ],
)
def test_an_unsure_untrusted_or_ill_fitting_read_is_not(plate: PlateRead) -> None:
    assert not plate.unattended


def test_a_text_that_breaks_the_grammar_is_never_as_sure_as_its_characters() -> None:
    plate = read("RK735AS", 0.99, colour="white")
    assert (plate.grammar_ok, plate.confidence) == (False, BROKEN)
    assert BROKEN < UNATTENDED


def test_two_rows_are_named_in_the_kind() -> None:
    slots = [{character: 0.9} for character in "粤B1234挂"]
    plate = read_of(choose(slots, "yellow"), box=(0, 0, 9, 9), colour="yellow", double=True)
    assert (plate.kind, plate.colour, plate.layout) == ("yellow-double", "yellow", "trailer")


def test_no_frame_cannot_be_voted() -> None:
    with pytest.raises(EdgeAgentError, match="no frame of the passage"):
        vote([])


def test_one_frame_is_its_own_vote() -> None:
    plate = read("琼A12345", 0.7)
    assert vote([plate]) is plate


def test_frames_that_are_wrong_in_different_places_give_the_right_plate() -> None:
    frames = [
        read("琼A12845", (0.8, 0.8, 0.8, 0.8, 0.5, 0.8, 0.8)),
        read("琼A12345", 0.6),
        read("琼A72345", (0.8, 0.8, 0.5, 0.8, 0.8, 0.8, 0.8)),
    ]
    voted = vote(frames)
    assert voted.text == "琼A12345"
    assert not voted.unattended


def test_a_frame_that_missed_a_character_does_not_shift_the_others() -> None:
    voted = vote([read("A12345", 0.8), read("琼A12345", 0.8), read("琼A1345", 0.5)])
    assert voted.text == "琼A12345"
    assert voted.grammar_ok


def test_a_sharp_frame_outweighs_blurred_ones() -> None:
    voted = vote([read("琼B77777", 0.2), read("琼A12345", 0.97, x=9), read("琼B77777", 0.2)])
    assert voted.text == "琼A12345"
    assert voted.box == (9, 2, 30, 10)


def test_a_vote_is_unattended_when_one_of_its_frames_is_and_none_says_otherwise() -> None:
    voted = vote([read("琼A12345", 0.97), read("琼A12345", 0.5), read("琼A12845", 0.3)])
    assert voted.unattended
    assert voted.confidence >= 0.97
    assert min(character.confidence for character in voted.characters) == voted.confidence


def test_a_vote_is_attended_when_a_fairly_sure_frame_says_otherwise() -> None:
    voted = vote([read("琼A12345", 0.97), read("琼A12345", 0.97), read("琼A12845", 0.6)])
    assert voted.text == "琼A12345"
    assert not voted.unattended


def test_frames_that_agree_without_one_sure_frame_stay_attended() -> None:
    assert not vote([read("琼A12345", 0.95, trusted=False)] * 5).unattended


def test_alternatives_are_kept_for_the_rule_book() -> None:
    voted = vote([read("琼A12345", 0.9), read("琼A12845", 0.6)])
    assert voted.characters[4].text == "3"
    assert dict(voted.characters[4].alternatives)["8"] > 0


def test_frames_of_a_foreign_plate_are_voted_by_the_surest() -> None:
    plates = [
        PlateRead("RK735AS", sure, (Character("R", sure),), (0, 0, 9, 9), "western", "white", False, False)
        for sure in (0.4, 0.8)
    ]
    assert vote(plates).confidence == 0.8
