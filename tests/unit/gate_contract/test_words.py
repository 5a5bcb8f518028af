from __future__ import annotations

import pytest

from gate_contract.words import MOST_OF_AN_ID, is_id, quoted, says_something


@pytest.mark.parametrize("text", ["found", "查验", "6", " - a"])
def test_a_text_with_a_letter_or_a_digit_says_something(text: str) -> None:
    assert says_something(text)


@pytest.mark.parametrize("text", ["", " \t\n", "\u200b\u200d\ufeff", "\u00ad", "…—!", "\u2028", "\x00"])
def test_a_text_of_nothing_that_is_read_says_nothing(text: str) -> None:
    assert not says_something(text)


@pytest.mark.parametrize("text", ["O-17", "海关-1", "a" * MOST_OF_AN_ID, "O 17"])
def test_what_can_name_something(text: str) -> None:
    assert is_id(text)


@pytest.mark.parametrize("text", ["", " ", "a" * (MOST_OF_AN_ID + 1), "a\nb", "a\x1b[2J", "a\u202eb", "\u200b"])
def test_what_cannot(text: str) -> None:
    assert not is_id(text)


def test_a_quoted_text_is_short_and_can_be_seen() -> None:
    assert quoted("O-17") == "O-17"
    assert quoted("a\x1b\u202eb") == "a��b"
    assert quoted("x" * 100) == "x" * 63 + "…"
