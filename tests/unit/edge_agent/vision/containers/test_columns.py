import numpy as np
import pytest

from edge_agent.vision.characters import Character
from edge_agent.vision.containers.columns import columns, cuts, one_a_cell
from edge_agent.vision.containers.lines import ACROSS, DOWN, STACKED, TURNED, UP, grown, longer, sides
from edge_agent.vision.containers.text import Quad, TextRead


def box(x: float, y: float, width: float, height: float) -> Quad:
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)


def test_characters_below_one_another_are_one_tall_box() -> None:
    boxes = [box(100 + 2 * place, 40 * place, 30, 34) for place in range(5)]

    (column,) = columns([*boxes, box(300, 10, 200, 40)])

    assert sides(column)[1] == pytest.approx(194, abs=10)
    assert 30 <= sides(column)[0] < 45
    assert column[:2, 1].max() < 10


def test_two_columns_side_by_side_are_two() -> None:
    boxes = [box(x, 40 * place, 30, 34) for x in (100, 170) for place in range(4)]

    assert sorted(round(float(column[0, 0])) for column in columns(boxes)) == [100, 170]


def test_a_tall_box_is_a_column_and_a_character_or_two_broad_ones_are_none() -> None:
    assert len(columns([box(0, 0, 40, 300)])) == 1
    assert columns([box(0, 0, 30, 34)]) == []
    assert columns([box(0, 0, 60, 40), box(0, 40, 60, 40)]) == []


def test_a_column_is_cut_where_its_rows_hold_no_ink() -> None:
    ink = np.zeros(160)
    for start in (5, 55, 105):
        ink[start : start + 40] = 0.4
    ink[50] = 0.3  # a speck

    assert cuts(ink, 40) == [(5, 45), (55, 95), (105, 145)]


def test_characters_that_touch_are_cut_evenly() -> None:
    ink = np.zeros(330)
    for start, end in ((0, 40), (50, 90), (100, 220), (230, 270), (280, 320)):
        ink[start:end] = 0.4

    assert cuts(ink, 40) == [(0, 40), (50, 90), (100, 140), (140, 180), (180, 220), (230, 270), (280, 320)]


def test_a_cell_holds_one_character_the_surer_of_two() -> None:
    characters = (Character("K", 0.9), Character("R", 0.4), Character("R", 0.8), Character("7", 0.99))

    cells = one_a_cell(TextRead("KRR7", characters, 0.4, (0.1, 0.3, 0.45, 1.0)), 4)

    assert {number: character.confidence for number, character in cells.items()} == {0: 0.9, 1: 0.8, 3: 0.99}


def test_a_column_without_ink_has_no_characters() -> None:
    assert cuts(np.zeros(50), 20) == []
    assert cuts(np.zeros(0), 20) == []


def test_a_grown_box_keeps_its_centre() -> None:
    larger = grown(box(10, 20, 100, 40), 0.1)

    assert np.allclose(larger, box(6, 16, 108, 48), atol=1e-3)
    assert sides(larger) == pytest.approx((108, 48))


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        (ACROSS, box(0, 0, 180, 40)),
        (TURNED, box(-80, 0, 180, 40)),
        (DOWN, box(0, 0, 100, 240)),
        (STACKED, box(0, 0, 100, 240)),
        (UP, box(0, -200, 100, 240)),
    ],
)
def test_a_box_is_made_longer_at_the_end_of_its_text(way: str, expected: Quad) -> None:
    assert np.allclose(longer(box(0, 0, 100, 40), way, 2), expected, atol=1e-3)
