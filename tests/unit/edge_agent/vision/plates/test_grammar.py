"""The grammar: which text is chosen from what may stand at each place, and how sure it is."""

import pytest

from edge_agent.vision.plates.grammar import FOLDING, LAYOUTS, choose, fold
from edge_agent.vision.plates.slots import Slot
from gate_contract.rules.plates import kind_of


def sure(text: str, probability: float = 0.95) -> list[Slot]:
    return [{character: probability} for character in text]


@pytest.mark.parametrize(
    ("text", "colour", "layout"),
    [
        ("琼A12345", "blue", "ordinary"),
        ("京AD12345", "green", "small new energy"),
        ("沪B12345D", "green", "large new energy"),
        ("粤B1234挂", "yellow", "trailer"),
        ("沪C1234学", "yellow", "driving school"),
        ("苏E1234警", "white", "police"),
        ("沪A1234领", "black", "consulate"),
        ("123456使", "black", "embassy"),
        ("使123456", "black", "embassy"),
        ("粤Z1A23港", "black", "Hong Kong or Macao"),
        ("粤Z1A23澳", "black", "Hong Kong or Macao"),
        ("WJ粤1234B", "white", "armed police"),
        ("WJ12345", "white", "armed police"),
    ],
)
def test_every_kind_of_plate_is_chosen_as_it_stands(text: str, colour: str, layout: str) -> None:
    choice = choose(sure(text), colour)
    assert (choice.text, choice.layout.name if choice.layout else None) == (text, layout)
    assert choice.weakest == pytest.approx(0.95)
    assert kind_of(text) == layout


def test_the_layouts_are_those_of_the_rule_book_and_the_military_one() -> None:
    assert all(layout.places for layout in LAYOUTS)
    assert {layout.name for layout in LAYOUTS if kind_of("".join(place[0] for place in layout.places)) is None} == {
        "military"
    }


def test_a_plate_of_the_forces_is_one_only_when_its_letters_are_red() -> None:
    assert choose(sure("BS47040"), "white").layout is None
    military = choose(sure("BS47040"), "white", military=True)
    assert military.layout is not None
    assert military.layout.name == "military"


def test_an_alternative_that_fits_is_taken_with_its_own_low_confidence() -> None:
    slots = sure("琼A1234Z")
    slots[0] = {"T": 0.6, "琼": 0.3}
    choice = choose(slots, "blue")
    assert choice.text == "琼A1234Z"
    assert choice.weakest == pytest.approx(0.3)
    assert choice.characters[0].alternatives == (("T", 0.6),)


def test_a_letter_where_only_digits_may_stand_is_never_made_a_sure_digit() -> None:
    slots = sure("京AD12345")
    slots[5] = {"B": 0.9, "8": 0.1}
    assert choose(slots, "green").weakest == pytest.approx(0.1)


def test_o_and_i_of_a_serial_number_are_read_as_digits_less_surely() -> None:
    choice = choose(fold(sure("琼AO12I4")), "blue")
    assert choice.text == "琼A01214"
    assert choice.weakest == pytest.approx(0.95 * FOLDING)


def test_the_colour_decides_between_seven_and_eight_characters() -> None:
    slots = [*sure("京AD12345")[:7], {"5": 0.5, "": 0.5}]
    assert choose(slots, "green").text == "京AD12345"
    assert choose(slots, "blue").text == "京AD1234"


def test_a_text_of_another_colours_layout_is_still_chosen_when_it_is_clear() -> None:
    assert choose(sure("京AD12345"), "blue").text == "京AD12345"


def test_a_text_that_no_layout_fits_stands_as_it_was_read() -> None:
    choice = choose(sure("RK735AS"), "white")
    assert (choice.text, choice.layout) == ("RK735AS", None)


@pytest.mark.parametrize("text", ["", "琼", "琼A123", "琼A1234567890"])
def test_too_few_and_too_many_characters_are_no_plate(text: str) -> None:
    choice = choose(sure(text), "blue")
    assert (choice.text, choice.layout) == (text, None)


def test_nothing_read_has_no_confidence() -> None:
    choice = choose([], "blue")
    assert (choice.text, choice.weakest) == ("", 0.0)
