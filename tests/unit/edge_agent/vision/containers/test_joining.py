from collections.abc import Sequence

import numpy as np
import pytest

from edge_agent.vision.characters import Character
from edge_agent.vision.containers.joining import candidates, serials, size_type_of
from edge_agent.vision.containers.lines import ACROSS, DOWN, STACKED, Glyph, Line

HEIGHT = 40.0


def line(text: str, x: float, y: float, *, way: str = ACROSS, height: float = HEIGHT, sure: float = 0.99) -> Line:
    """A line whose first character's centre is at x, y; characters of 0.6 heights, or stacked by 1.1."""
    step = (0.6 * height, 0.0) if way == ACROSS else (0.0, (1.1 if way == STACKED else 0.6) * height)
    glyphs = tuple(
        Glyph(Character(letter, sure), (x + step[0] * place, y + step[1] * place)) for place, letter in enumerate(text)
    )
    along = (1.0, 0.0) if way == ACROSS else (0.0, 1.0)
    return Line(glyphs, way, along, height, np.zeros((4, 2), np.float32))


def texts(lines: Sequence[Line]) -> list[tuple[str, str]]:
    return [("".join(choices[0][0] for choices in candidate.row), candidate.layout) for candidate in candidates(lines)]


def test_a_number_in_one_line_is_horizontal() -> None:
    assert texts([line("CXTU1125031", 100, 100)])[0] == ("CXTU1125031", "horizontal")


def test_owner_serial_and_check_digit_in_boxes_of_their_own_are_joined() -> None:
    parts = [line("TGBU", 100, 100), line("708333", 230, 108), line("7", 410, 115), line("45G1", 230, 160)]

    assert texts(parts)[0] == ("TGBU7083337", "two-part")
    assert size_type_of(candidates(parts)[0], parts) == "45G1"


def test_a_serial_below_its_owner_is_joined() -> None:
    assert texts([line("SEGU", 100, 100), line("6430029", 100, 152), line("22U1", 100, 204)])[0] == (
        "SEGU6430029",
        "two-line",
    )


@pytest.mark.parametrize("way", [STACKED, DOWN])
def test_a_column_is_vertical(way: str) -> None:
    assert texts([line("KMTU", 900, 100, way=way), line("7206820", 900, 300, way=way)])[0] == (
        "KMTU7206820",
        "vertical",
    )


@pytest.mark.parametrize("aside", [-70, 70])
def test_a_stacked_serial_may_stand_in_the_next_column_on_either_side(aside: float) -> None:
    parts = [line("KMTU", 900, 100, way=STACKED), line("7206820", 900 + aside, 105, way=STACKED)]

    assert texts(parts)[0] == ("KMTU7206820", "vertical")


def test_lines_read_different_ways_are_not_joined() -> None:
    assert texts([line("KMTU", 100, 100), line("7206820", 230, 100, way=STACKED)]) == []


def test_what_stands_far_away_or_is_of_another_size_is_not_joined() -> None:
    owner = line("TGBU", 100, 100)

    assert texts([owner, line("7083337", 600, 100)]) == []
    assert texts([owner, line("7083337", 230, 330)]) == []
    assert texts([owner, line("7083337", 230, 100, height=15)]) == []


def test_a_number_without_its_check_digit_is_a_candidate_of_ten_characters() -> None:
    found = candidates([line("TGBU708333", 100, 100)])

    assert [len(candidate.glyphs) for candidate in found] == [10]
    assert not found[0].whole


def test_weights_and_words_are_no_numbers() -> None:
    assert texts([line("MAXGROSS30480KGS", 100, 100), line("67200LBS", 100, 150), line("PAYLOAD", 100, 200)]) == []
    assert texts([line("MAXW", 100, 100), line("71650LBS", 230, 100)]) == []


def test_a_surplus_digit_that_was_read_unsurely_may_be_a_frame() -> None:
    framed = line("MSKU4135329", 100, 100)
    bar = Glyph(Character("1", 0.3), (framed.glyphs[-1].centre[0] - 12, 100))
    surplus = Line((*framed.glyphs[:-1], bar, framed.glyphs[-1]), ACROSS, (1.0, 0.0), HEIGHT, framed.box)

    assert "MSKU4135329" in [text for text, _ in texts([surplus])]


def test_serials_without_an_owner_are_known_for_a_closer_look() -> None:
    assert [each.text for each in serials([line("4006525", 0, 0), line("TGBU", 0, 50), line("2230KGS", 0, 90)])] == [
        "4006525"
    ]


def test_the_nearest_size_type_code_is_the_containers() -> None:
    parts = [line("CXTU1125031", 100, 100), line("22K2", 100, 150), line("45G1", 100, 230)]

    assert size_type_of(candidates(parts)[0], parts) == "22K2"


def test_a_size_type_code_elsewhere_is_not_the_containers() -> None:
    parts = [line("CXTU1125031", 100, 100), line("22G1", 100, 700)]

    assert size_type_of(candidates(parts)[0], parts) == ""


def test_lines_on_a_slope_of_45_degrees_belong_together_however_each_is_called() -> None:
    def sloping(text: str, x: float, way: str, degrees: float) -> Line:
        along = (float(np.cos(np.deg2rad(degrees))), float(np.sin(np.deg2rad(degrees))))
        glyphs = tuple(
            Glyph(Character(letter, 0.99), (x + 24 * place * along[0], 100 + 24 * place * along[1]))
            for place, letter in enumerate(text)
        )
        return Line(glyphs, way, along, HEIGHT, np.zeros((4, 2), np.float32))

    parts = [sloping("CXTU1125031", 300, ACROSS, 44), sloping("22K2", 235, DOWN, 46)]

    assert size_type_of(candidates(parts)[0], parts) == "22K2"


def test_a_code_is_not_made_of_the_number_itself() -> None:
    parts = [line("KMTU7206820", 900, 100, way=STACKED), line("2068", 902, 340, way=STACKED)]

    assert size_type_of(candidates(parts)[0], parts) == ""


def test_a_page_full_of_text_is_no_endless_work() -> None:
    page = [line("ABCU123", 100 + 130 * column, 50 + 50 * row) for column in range(10) for row in range(25)]

    assert len(candidates(page)) <= 200
