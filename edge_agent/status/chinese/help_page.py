"""gatectl's help pages in the language that is asked for; click's own are in English only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import click

from edge_agent.status.chinese.help import HELP, PAGE
from edge_agent.status.screens.layout import GAP, width

_MARGIN: Final = "  "
_WIDEST_NAME: Final = 34
"""Cells of an option with what it takes; the help of a longer one stands below it."""

_NOT_FIRST: Final = "，。；：、）]"
"""No line begins with one of these (GB/T 15834-2011, 5.1)."""


class SpokenContext(click.Context):
    """What all commands run in. `obj` knows the language: at first it is the one `main` was asked in, later `Asked`."""

    def make_formatter(self) -> click.HelpFormatter:
        """The page's; in English click's."""
        language = getattr(self.obj, "language", self.obj)
        return (
            ChinesePage(self.terminal_width, self.max_content_width) if language == "zh" else super().make_formatter()
        )


class ChinesePage(click.HelpFormatter):
    """Lines are measured in cells, as a Chinese character takes two, and may end after any of them."""

    def __init__(self, wide: int | None, widest: int | None) -> None:
        super().__init__(width=wide, max_width=widest)

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """How it is typed."""
        del prefix
        self.write(f"用法：{prog} {_worded(args)}\n")

    def write_heading(self, heading: str) -> None:
        """The head of a list."""
        self.write(f"{PAGE.get(heading, heading)}：\n")

    def write_text(self, text: str) -> None:
        """What a command is for."""
        self._lines(_MARGIN, _MARGIN, HELP.get(text, text))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Commands or options, each with its help beside it."""
        del col_max, col_spacing
        told = [(_MARGIN + _worded(name), _told(text)) for name, text in rows]
        beside = max((size for name, _ in told if (size := width(name)) <= _WIDEST_NAME), default=0)
        indent = " " * beside + GAP
        for name, text in told:
            if width(name) > beside:
                self.write(f"{name}\n")
            self._lines(indent if width(name) > beside else name + indent[width(name) :], indent, text)

    def _lines(self, first: str, indent: str, text: str) -> None:
        """A text in lines: the first begins with `first`, the others with `indent`."""
        for number, line in enumerate(_wrapped(text, self.width - width(indent))):
            self.write(f"{indent if number else first}{line}\n")


def _worded(name: str) -> str:
    """What stands beside an option, or in the usage: which kind of value it takes."""
    for english, chinese in PAGE.items():
        name = name.replace(english, chinese)
    return name


def _told(text: str) -> str:
    """A help, with what click adds in brackets. Where there is little room click gives the beginning of it only."""
    plain, gap, more = text.partition("  [")
    beginning = plain.removesuffix("...").removesuffix(".")
    whole = next((english for english in HELP if english == plain or english.startswith(beginning)), plain)
    return HELP.get(whole, whole) + _worded(gap + more)


def _wrapped(text: str, cells: int) -> Iterator[str]:
    """Lines of at most so many cells, but for a mark that may not begin a line; ASCII words stay whole."""
    line, word = "", ""
    for character in text:
        word += character
        if character.isascii() and character != " ":
            continue
        if line and width(line + word.rstrip()) > cells and character not in _NOT_FIRST:
            yield line.rstrip()
            line = ""
        line, word = line + word, ""
    if line and width(line + word) > cells and word not in _NOT_FIRST:
        yield line.rstrip()
        line = ""
    if last := (line + word).rstrip():
        yield last
