from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.declarations import values
from collector.declarations.values import UnfitError
from gate_contract.rules.plates import normalise

READERS = [
    values.identifier,
    values.description,
    values.plate,
    values.kilograms,
    values.persons,
    values.packages,
    values.hs_code,
    values.container,
    values.moment,
]


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
@given(text=st.one_of(st.text(), st.from_regex(r"[0-9.,eE+:TZ-]{0,40}", fullmatch=True)))
def test_any_text_is_a_value_or_unfit(read: Callable[[str], object], text: str) -> None:
    with suppress(UnfitError):
        assert read(text) is not None


@given(st.decimals(min_value=0, max_value=Decimal("999999.999"), places=3))
def test_a_mass_keeps_its_value_and_loses_idle_zeros(mass: Decimal) -> None:
    text = values.kilograms(format(mass, "f"))
    assert Decimal(text) == mass
    assert text == values.kilograms(text)
    assert not (text.endswith("0") and "." in text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [("0", "0"), ("12000", "12000"), ("12000.50", "12000.5"), ("0.001", "0.001"), ("007", "7"), ("999999.999",) * 2],
)
def test_masses_are_plain_decimals(text: str, kept: str) -> None:
    assert values.kilograms(text) == kept


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("-1", "negative"),
        ("-0", "negative"),
        ("12,000", "comma"),
        ("12 000", "not a number"),
        ("1.2E+04", "scientific"),
        ("1,2e4", "scientific"),
        ("12000.1234", "three decimals"),
        ("1000000", "grams"),
        ("999999999999", "grams"),
        ("1" * 400, "not a number"),
        ("12.5t", "unit"),
        ("13000 kg", "unit"),
        ("13000公斤", "unit"),
        ("NaN", "not a number"),
        ("Infinity", "not a number"),
        ("１２", "not a number"),
        (".5", "not a number"),
        ("5.", "not a number"),
        ("+5", "not a number"),
    ],
)
def test_a_mass_that_is_none_is_refused_with_what_to_write(text: str, why: str) -> None:
    with pytest.raises(UnfitError, match=why):
        values.kilograms(text)


@pytest.mark.parametrize("written", ["琼A12345", "琼A·12345", "琼a-12 345", " 琼Ａ１２３４５", "琼A.12345"])
def test_plates_are_written_as_cameras_write_them(written: str) -> None:
    assert values.plate(written) == "琼A12345"


@given(st.text(max_size=24))
def test_a_plate_is_what_the_rule_book_makes_of_it(text: str) -> None:
    try:
        plate = values.plate(text)
    except UnfitError:
        return
    assert normalise(plate) == plate


@pytest.mark.parametrize(
    ("text", "why"), [("琼A1234/琼B5", "no plate"), ("琼A12345" * 3, "longer"), ("--", "no letter")]
)
def test_two_plates_in_one_field_are_refused(text: str, why: str) -> None:
    with pytest.raises(UnfitError, match=why):
        values.plate(text)


@pytest.mark.parametrize("number", ["CSQU3054383", "csqu3054383", "TGHU7599330", "MSKU1234565"])
def test_container_numbers_have_true_check_digits(number: str) -> None:
    assert values.container(number) == number.upper()


def test_a_check_digit_of_ten_is_written_zero() -> None:
    ten = next(f"AAAU{n:06d}" for n in range(1000) if values.check_digit(f"AAAU{n:06d}") == 0)
    assert values.container(f"{ten}0") == f"{ten}0"


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("CSQU3054384", "check digit is 4 and should be 3"),
        ("CSQU3045383", "check digit"),
        ("CSQX3054383", "no container number"),
        ("CSQU305438", "no container number"),
        ("CSQU 3054383", "no container number"),
    ],
)
def test_a_wrong_container_number_is_refused(number: str, why: str) -> None:
    with pytest.raises(UnfitError, match=why):
        values.container(number)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-03-01T08:30:00+08:00", 1_772_325_000),
        ("2026-03-01T00:30:00Z", 1_772_325_000),
        ("2026-03-01 08:30+08:00", 1_772_325_000),
    ],
)
def test_moments_carry_their_zone(text: str, seconds: int) -> None:
    assert values.moment(text) == seconds * 1_000_000_000


def test_fractions_of_a_second_are_exact() -> None:
    assert values.moment("2026-03-01T00:30:00.123456Z") == 1_772_325_000_123_456_000


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-03-01T08:30:00", "no time zone"),
        ("2026-03-01", "no time zone"),
        ("2026/3/1 8:30", "ISO 8601"),
        ("45717.35", "ISO 8601"),
        ("1999-12-31T23:59:59Z", "2000 and 2100"),
        ("9999-12-31T23:59:59-12:00", "2000 and 2100"),
    ],
)
def test_a_moment_without_zone_or_in_a_spreadsheets_form_is_refused(text: str, why: str) -> None:
    with pytest.raises(UnfitError, match=why):
        values.moment(text)


def test_a_number_that_a_spreadsheet_has_rounded_is_refused() -> None:
    with pytest.raises(UnfitError, match="scientific notation"):
        values.identifier("5.31620251E+17")


@pytest.mark.parametrize(("text", "why"), [("x" * 65, "longer"), ("a\nb", "control"), ("a\x00", "control")])
def test_an_identifier_is_short_and_printable(text: str, why: str) -> None:
    with pytest.raises(UnfitError, match=why):
        values.identifier(text)


@pytest.mark.parametrize(("text", "good"), [("1", True), ("300", True), ("0", False), ("301", False), ("1.0", False)])
def test_there_are_1_to_300_persons(text: str, good: bool) -> None:
    if good:
        assert values.persons(text) == int(text)
    else:
        with pytest.raises(UnfitError):
            values.persons(text)


@pytest.mark.parametrize(("text", "good"), [("08", True), ("080550", True), ("0805501000", True), ("8055", True)])
def test_commodity_codes_have_an_even_number_of_digits(text: str, good: bool) -> None:
    assert (values.hs_code(text) == text) == good


@pytest.mark.parametrize("text", ["8", "805", "08055010001", "0805.50", "O805"])
def test_a_commodity_code_that_lost_its_zero_is_refused(text: str) -> None:
    with pytest.raises(UnfitError, match="2, 4, 6, 8 or 10 digits"):
        values.hs_code(text)


def test_packages_are_bounded() -> None:
    assert values.packages("10000000") == 10_000_000
    with pytest.raises(UnfitError, match="more than"):
        values.packages("10000001")
    with pytest.raises(UnfitError, match="longer than 512"):
        values.description("x" * 513)


@pytest.mark.parametrize("text", ["xinhai", "haikou-xiuying", "A.1_b", "x" * 63])
def test_a_site_is_what_an_agent_can_be_invited_for(text: str) -> None:
    assert values.site_id(text) == text


@pytest.mark.parametrize("text", ["", "-xinhai", "xin hai", "新海", "x" * 64, "xinhai\n"])
def test_a_site_that_no_agent_can_have_is_refused(text: str) -> None:
    with pytest.raises(UnfitError, match="cannot be a site"):
        values.site_id(text)
