"""Upright characters painted below one another: columns found by geometry, laid side by side and read as one line.

The text detector gives such a column as one tall box, as several, or as a box a character. A tall box is cut where its
rows hold no ink; the cells of a column are then pasted into a strip, which the reader knows how to read.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_agent.vision.characters import Character
from edge_agent.vision.containers.lines import Line, is_tall, sides, stacked
from edge_agent.vision.containers.text import LINE_HEIGHT, Quad, TextRead, TextReader, in_order
from edge_agent.vision.extra import importing_vision
from edge_agent.vision.image import Image

FEWEST_CELLS, MOST_CELLS = 3, 24
NARROW = 0.6  # height to width of a box around one broad character
WIDTHS_ALIKE = 1.8
ASIDE = 0.6  # widths by which a column's boxes may stand beside one another
GAP = 2.5  # widths between two boxes of a column
INK = (0.12, 0.25, 0.4)  # a row with less ink than this part of the fullest is a gap; more when runs are too long
LONG = 1.7  # times the usual height of a character
CELL_RATIOS = (0.45, 2.6)  # height to width of a character
LOWEST = 0.35  # cells lower than this part of the median are specks and frames
MARGIN = 0.12


def columns(quads: Sequence[Quad]) -> list[Quad]:
    """One tall box for each set of boxes that stand below one another as a column's would, and for each tall one.

    A box belongs to at most one column. Wide boxes belong to none.
    """
    narrow = (quad for quad in quads if sides(quad)[1] >= NARROW * sides(quad)[0])
    found: list[list[Quad]] = []
    for quad in sorted(narrow, key=lambda quad: float(quad[:, 1].min())):
        for column in found:
            if _goes_on(column[-1], quad):
                column.append(quad)
                break
        else:
            found.append([quad])
    whole = [column[0] if len(column) == 1 else _around(column) for column in found]
    return [quad for quad in whole if is_tall(quad)]


def read_column(reader: TextReader, image: Image, column: Quad, alphabet: str) -> Line | None:
    """A column read as upright characters; None when it is cut into too few or too many to be one."""
    crop = reader.straighten(image, column)
    rows = _rows(crop)
    if not FEWEST_CELLS <= len(rows) <= MOST_CELLS:
        return None
    in_cells = one_a_cell(reader.read_line(_strip([_cell(crop, row) for row in rows]), alphabet=alphabet), len(rows))
    if not in_cells:
        return None
    top, bottom = (column[0] + column[1]) / 2, (column[2] + column[3]) / 2
    centres = []
    for number in in_cells:
        centre = top + sum(rows[number]) / 2 / crop.shape[0] * (bottom - top)
        centres.append((float(centre[0]), float(centre[1])))
    return stacked(list(in_cells.values()), centres, column)


def one_a_cell(read: TextRead, cells: int) -> dict[int, Character]:
    """What was read of each cell of a strip, by the cell's number; of two characters in one cell the surer.

    A character's place along the strip says which cell it is from.
    """
    kept: dict[int, Character] = {}
    for character, place in zip(read.characters, read.positions, strict=True):
        number = min(cells - 1, int(place * cells))
        if number not in kept or character.confidence > kept[number].confidence:
            kept[number] = character
    return kept


def cuts(ink: npt.NDArray[np.floating[Any]], width: float) -> list[tuple[int, int]]:
    """Where the characters of a column are: first and last row + 1 of each.

    Args:
        ink: how much ink each row holds, 0 or more.
        width: the column's, in rows' units; characters are CELL_RATIOS as high.
    """
    if not ink.size or ink.max() <= 0:
        return []
    full = float(np.percentile(ink, 95)) or float(ink.max())
    runs = _runs(ink, INK[0] * full, 0)
    likely = [float(end - start) for start, end in runs if LOWEST * width <= end - start <= CELL_RATIOS[1] * width]
    usual = float(np.median(likely or [width]))
    return [
        cell
        for start, end in runs
        for cell in _parted(ink[start:end], start, usual, [level * full for level in INK[1:]])
        if cell[1] - cell[0] >= LOWEST * usual
    ]


def _parted(
    ink: npt.NDArray[np.floating[Any]], start: int, usual: float, levels: Sequence[float]
) -> list[tuple[int, int]]:
    """A run of rows as characters: one that is too long is cut where it holds less ink, at last evenly."""
    if len(ink) <= LONG * usual:
        return [(start, start + len(ink))]
    if levels:
        runs = _runs(ink, levels[0], start)
        return [
            cell
            for first, last in runs
            for cell in _parted(ink[first - start : last - start], first, usual, levels[1:])
        ]
    borders = np.linspace(start, start + len(ink), max(1, round(len(ink) / usual)) + 1).round().astype(int)
    return [(int(low), int(high)) for low, high in pairwise(borders)]


def _runs(ink: npt.NDArray[np.floating[Any]], level: float, start: int) -> list[tuple[int, int]]:
    """First row and last row + 1 of each run of rows with more ink than `level`; the first row is number `start`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], ink > level, [False]]).astype(np.int8))) + start
    return [(int(first), int(last)) for first, last in zip(edges[::2], edges[1::2], strict=True)]


def _goes_on(above: Quad, below: Quad) -> bool:
    width, other = sides(above)[0], sides(below)[0]
    if not 1 / WIDTHS_ALIKE < width / max(1.0, other) < WIDTHS_ALIKE:
        return False
    gap = float(below[:2, 1].mean() - above[2:, 1].mean())
    aside = abs(float(below[:2, 0].mean() - above[2:, 0].mean()))
    usual = (width + other) / 2
    return -0.5 * usual < gap < GAP * usual and aside < ASIDE * usual


def _around(column: Sequence[Quad]) -> Quad:
    with importing_vision("Reading text", "opencv-python"):
        import cv2  # noqa: PLC0415 - an extra; and it takes a tenth of a second
    return in_order(np.asarray(cv2.boxPoints(cv2.minAreaRect(np.concatenate(column))), np.float32))


def _cell(crop: Image, row: tuple[int, int]) -> Image:
    start, end = row
    margin = round(MARGIN * (end - start))
    return np.ascontiguousarray(crop[max(0, start - margin) : end + margin])


def _rows(crop: Image) -> list[tuple[int, int]]:
    """The characters' rows, dark ones on light or light ones on dark: whichever cuts into more and more even cells."""
    ways = [(ink, cuts(ink, crop.shape[1])) for ink in _inks(crop)]
    return max(ways, key=lambda way: _evenness(*way))[1]


def _evenness(ink: npt.NDArray[np.float64], rows: Sequence[tuple[int, int]]) -> float:
    if not rows:
        return 0.0
    heights = [end - start for start, end in rows]
    low, high = np.percentile(heights, [25, 75])
    by_themselves = len(_runs(ink, INK[0] * float(np.percentile(ink, 95)), 0))
    apart = 1 + sum(after[0] > before[1] for before, after in pairwise(rows))
    covered = sum(heights) / (rows[-1][1] - rows[0][0])
    return float((by_themselves + apart) / 2 * (low / high) ** 2 * covered**0.5)


def _inks(crop: Image) -> list[npt.NDArray[np.float64]]:
    """How much of each row's middle is darker, and how much is lighter, than its neighbourhood."""
    with importing_vision("Reading text", "opencv-python"):
        import cv2  # noqa: PLC0415 - an extra; and it takes a tenth of a second
    grey = cv2.GaussianBlur(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), (3, 3), 0)
    width = grey.shape[1]
    size = max(3, width) | 1
    margin = max(4.0, 0.25 * float(grey.std()))
    dark = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, size, margin)
    light = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, size, -margin)
    middle = slice(round(0.2 * width), max(1, round(0.8 * width)))
    return [np.asarray(mask[:, middle] > 0, np.float64).mean(axis=1) for mask in (dark, light)]


def _strip(cells: Sequence[Image]) -> Image:
    """The cells side by side, each at the height of a line, all equally wide."""
    with importing_vision("Reading text", "opencv-python"):
        import cv2  # noqa: PLC0415 - an extra; and it takes a tenth of a second
    ratios = [cell.shape[1] / cell.shape[0] for cell in cells]
    width = int(np.clip(round(LINE_HEIGHT * float(np.median(ratios))), LINE_HEIGHT // 3, LINE_HEIGHT * 2))
    parts = [cv2.resize(cell, (width, LINE_HEIGHT), interpolation=cv2.INTER_AREA) for cell in cells]
    return np.ascontiguousarray(np.hstack(parts), dtype=np.uint8)
