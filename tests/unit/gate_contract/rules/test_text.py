from __future__ import annotations

import decimal
from decimal import Decimal

import pytest

from gate_contract.rules.text import listed, moment, plain, shown


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("12.340", "12.34"),
        ("650.00", "650"),
        ("1E+3", "1000"),
        ("-0.0", "0"),
        ("1E-6", "0.000001"),
        ("-7.5", "-7.5"),
    ],
)
def test_numbers_are_plain(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text


def test_numbers_do_not_depend_on_the_callers_decimal_context() -> None:
    with decimal.localcontext(decimal.Context(prec=2)):
        assert plain(Decimal("12345.678")) == "12345.678"


def test_quoted_text_cannot_steer_a_terminal_and_is_bounded() -> None:
    assert shown("a\x1b[2J\nb") == "a�[2J�b"
    assert shown("x" * 100) == "x" * 59 + "…"
    assert shown("x" * 60) == "x" * 60


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], "none"),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (list("abcdefg"), "a, b, c, d, e and 2 more"),
    ],
)
def test_lists_name_at_most_five(names: list[str], text: str) -> None:
    assert listed(names) == text


@pytest.mark.parametrize(
    ("unix_ns", "text"),
    [
        (1_740_830_400_999_999_999, "2025-03-01T12:00:00Z"),
        (2**63 - 1, "2262-04-11T23:47:16Z"),
        (-1, "1969-12-31T23:59:59Z"),
    ],
)
def test_moments_are_utc_to_the_second(unix_ns: int, text: str) -> None:
    assert moment(unix_ns) == text
