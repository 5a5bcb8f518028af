from collections.abc import Callable

import numpy as np
import pytest

from edge_agent.vision.containers import TextReader
from edge_agent.vision.containers.text import decode, has_room, in_order
from edge_agent.vision.image import Image

LETTERS = ("", "A", "B", "8", " ")


def places(*rows: tuple[float, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(rows, np.float32)


def test_runs_are_one_character_and_a_blank_parts_two_of_a_kind() -> None:
    chances = places((0, 1, 0, 0, 0), (0, 1, 0, 0, 0), (1, 0, 0, 0, 0), (0, 0.9, 0.1, 0, 0), (0, 0, 0.7, 0.3, 0))

    read = decode(chances, LETTERS)

    assert read.text == "AAB"
    assert read.confidence == pytest.approx(0.7)
    assert [round(place, 2) for place in read.positions] == [0.1, 0.7, 0.9]


def test_a_characters_alternatives_are_what_else_was_likely_at_its_peak() -> None:
    read = decode(places((0, 0, 0.5, 0.4, 0.1), (0.1, 0, 0.6, 0.3, 0)), LETTERS)

    assert read.text == "B"
    assert read.characters[0].confidence == pytest.approx(0.6)
    assert [(text, round(chance, 2)) for text, chance in read.characters[0].alternatives] == [("8", 0.3)]


def test_spaces_and_blanks_are_no_characters() -> None:
    read = decode(places((0, 0, 0, 0, 1), (1, 0, 0, 0, 0)), LETTERS)

    assert (read.text, read.characters, read.confidence) == ("", (), 0.0)


def test_places_are_counted_without_the_padding() -> None:
    read = decode(places((1, 0, 0, 0, 0), (0, 1, 0, 0, 0), (1, 0, 0, 0, 0), (1, 0, 0, 0, 0)), LETTERS, padding=0.5)

    assert read.positions == (0.75,)


@pytest.mark.parametrize("tilt", [-40, -12, 0, 12, 40])
@pytest.mark.parametrize("size", [(100, 20), (20, 100)])
def test_a_boxs_corners_start_at_the_top_left_however_it_leans(size: tuple[int, int], tilt: float) -> None:
    width, height = size
    upright = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    angle = np.deg2rad(tilt)
    leaning = upright @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])

    assert np.allclose(in_order(leaning[[2, 0, 3, 1]]), leaning, atol=1e-3)


def test_a_drawn_line_is_found_and_read_with_every_character(
    text_reader: TextReader, draw: Callable[..., Image]
) -> None:
    picture = draw([("GATE 47", 200, 240)])

    quads = text_reader.find(picture, longest=640)
    read = text_reader.read_line(text_reader.straighten(picture, quads[0]))

    assert len(quads) == 1
    assert quads[0].min() > 150
    assert read.text == "GATE47"
    assert len(read.characters) == len(read.positions) == 6
    assert list(read.positions) == sorted(read.positions)
    assert read.confidence == min(character.confidence for character in read.characters) > 0.5


def test_only_characters_of_the_alphabet_are_read(text_reader: TextReader, draw: Callable[..., Image]) -> None:
    line = draw([("gate-47", 20, 60)])[20:75, :200]

    assert text_reader.read_line(line).text == "gate-47"
    assert text_reader.read_line(line, alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789").text == "GATE47"


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 400, 3), (3, 2, 3)])
def test_a_picture_too_small_for_text_has_none(text_reader: TextReader, shape: tuple[int, int, int]) -> None:
    speck = np.zeros(shape, np.uint8)

    assert text_reader.find(speck, longest=64) == []
    assert text_reader.read_line(speck).text == ""


def test_a_box_beside_the_picture_holds_its_edge(text_reader: TextReader) -> None:
    picture = np.arange(300, dtype=np.uint8).reshape(10, 10, 3)
    beside = np.array([[40, 2], [60, 2], [60, 8], [40, 8]], np.float32)

    assert text_reader.straighten(picture, beside).shape == (6, 20, 3)
    assert text_reader.straighten(picture, np.zeros((4, 2), np.float32)).shape == (1, 1, 3)


def test_a_line_or_thread_of_pixels_has_no_room_for_text() -> None:
    for shape in ((1, 32_000), (32_000, 1), (2, 20_000), (12, 30_000)):
        assert not has_room(np.zeros((*shape, 3), np.uint8))
    assert has_room(np.zeros((12, 600, 3), np.uint8))
