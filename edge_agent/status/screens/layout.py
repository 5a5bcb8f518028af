"""Text on a terminal: columns that fit Chinese, colours, nothing a device could smuggle in. Imports almost nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from unicodedata import combining, east_asian_width

GAP = "  "
COLOURS = {"green": "32", "yellow": "33", "red": "31", "cyan": "36"}


def plain(text: str) -> str:
    """The text without control characters: what devices and peers say must not steer a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def width(text: str) -> int:
    """Cells that a text takes on a terminal: a Chinese character takes two (UAX #11: wide and fullwidth)."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text if not combining(character))


def columns(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The cells of each row, padded so that columns line up; the last one is not padded."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    return [
        [cell + " " * (size - width(cell)) for cell, size in zip(row[:-1], widths, strict=False)] + [row[-1]]
        for row in rows
    ]


def paint(text: str, colour: str, *, bold: bool = False) -> str:
    """The text in a colour, where it is shown on a terminal and NO_COLOR is not set (no-color.org)."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{'1;' if bold else ''}{COLOURS[colour]}m{text}\x1b[0m"
