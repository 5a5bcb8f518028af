"""Texts that others wrote: whether they say anything, and how they are quoted in a message or a log. Pure."""

from __future__ import annotations

from typing import Final

MOST_OF_AN_ID: Final = 128
"""Characters of an id."""

_QUOTED: Final = 64


def says_something(text: str) -> bool:
    """Whether there is a letter or digit in it: neither blanks nor characters without width are a reason."""
    return any(character.isalnum() for character in text)


def is_id(text: str) -> bool:
    """Whether it can name something: not empty, not endless, nothing in it that is not seen."""
    return 0 < len(text) <= MOST_OF_AN_ID and text.isprintable() and not text.isspace()


def quoted(text: str) -> str:
    """As it is where it is short and can be seen, else cut and without what could steer a terminal or a log."""
    cut = text if len(text) <= _QUOTED else text[: _QUOTED - 1] + "…"
    return "".join(character if character.isprintable() else "�" for character in cut)
