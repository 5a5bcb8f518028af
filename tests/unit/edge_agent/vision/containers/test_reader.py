from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge_agent.vision.containers import ContainerRead, ContainerReader
from edge_agent.vision.containers.reader import MOST_TILES, closer, tiles
from edge_agent.vision.containers.text import LONGEST
from edge_agent.vision.image import Image, load_image

SHARED = Path(__file__).parents[6] / "shared" / "containers"
Draw = Callable[..., Image]


@pytest.fixture(scope="module")
def reads(container_reader: ContainerReader, draw: Draw) -> dict[str, ContainerRead]:
    """What one look at four numbers in one picture gave, by text."""
    picture = draw(
        [
            *[("TGBU", 30, 60), ("708333", 150, 65), ("7", 320, 68), ("45G1", 150, 115)],
            *[(letter, 560, 40 + 40 * place) for place, letter in enumerate("KMTU7206820")],
            ("CXTU 112503 4", 30, 250),
            ("SEGU 643002", 30, 400),
        ]
    )
    return {read.text: read for read in container_reader.read(picture, thorough=False)}


def test_a_number_in_two_parts_is_read_with_its_size_type_code(reads: dict[str, ContainerRead]) -> None:
    read = reads["TGBU7083337"]

    assert (read.check_digit_ok, read.unattended) == (True, True)
    assert (read.size_type, read.layout) == ("45G1", "two-part")
    assert "".join(character.text for character in read.characters) == read.text
    left, top, width, height = read.box
    assert 10 < left < 50
    assert 320 < left + width < 370
    assert 10 < top < top + height < 100


def test_a_number_painted_downwards_is_read(reads: dict[str, ContainerRead]) -> None:
    assert (reads["KMTU7206820"].check_digit_ok, reads["KMTU7206820"].layout) == (True, "vertical")


def test_a_number_with_a_wrong_check_digit_is_read_and_does_not_pass(reads: dict[str, ContainerRead]) -> None:
    assert (reads["CXTU1125034"].check_digit_ok, reads["CXTU1125034"].unattended) == (False, False)


def test_a_lost_check_digit_stays_lost(reads: dict[str, ContainerRead]) -> None:
    assert (reads["SEGU643002"].check_digit_ok, reads["SEGU643002"].unattended) == (False, False)


def test_what_passes_comes_first(reads: dict[str, ContainerRead]) -> None:
    passing = [read.check_digit_ok for read in reads.values()]

    assert passing == sorted(passing, reverse=True)


def test_the_closest_look_reads_a_number_upside_down(container_reader: ContainerReader, draw: Draw) -> None:
    picture = np.ascontiguousarray(draw([("CXTU 112503 1", 120, 80)])[:120][::-1, ::-1])

    assert [read.text for read in container_reader.read(picture)] == ["CXTU1125031"]


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 900, 3)])
def test_a_picture_without_a_container_has_no_number(
    container_reader: ContainerReader, shape: tuple[int, int, int]
) -> None:
    assert container_reader.read(np.zeros(shape, np.uint8)) == []


@pytest.mark.parametrize("size", [(64, 48), (960, 540), (1920, 1080), (8192, 6144), (31000, 100)])
def test_tiles_cover_the_picture_and_are_bounded_in_number_and_in_what_is_looked_at(size: tuple[int, int]) -> None:
    width, height = size
    seen = np.zeros((height // 4 + 1, width // 4 + 1), bool)
    parts = tiles(width, height)

    for x, y, wide, high in parts:
        assert x >= 0 <= y
        assert x + wide <= width
        assert y + high <= height
        seen[y // 4 : (y + high + 3) // 4, x // 4 : (x + wide + 3) // 4] = True
    assert seen[: height // 4, : width // 4].all()
    assert 2 <= len(parts) <= MOST_TILES
    assert max(closer(part) for part in parts) <= LONGEST


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared pictures are not here")
def test_a_container_at_a_gate_is_read(container_reader: ContainerReader) -> None:
    read = container_reader.read(load_image(SHARED / "2009251640292080810.jpg"), thorough=False)[0]

    assert (read.text, read.check_digit_ok, read.size_type) == ("TGBU7083337", True, "45G1")
