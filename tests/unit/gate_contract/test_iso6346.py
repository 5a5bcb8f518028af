from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_contract import iso6346

BODIES = st.from_regex(r"[A-Z]{3}[UJZ][0-9]{6}", fullmatch=True).filter(str.isascii)


@pytest.mark.parametrize("number", ["CSQU3054383", "TGBU7083337", "CXTU1125031", "MSKU4135329", "KMTU7206820"])
def test_numbers_seen_on_containers_pass(number: str) -> None:
    assert iso6346.is_valid(number)


def test_a_number_is_taken_apart_whatever_people_write_between_its_parts() -> None:
    number = iso6346.parse_number(" csqu 305438-3 ")

    assert (number.owner, number.category, number.serial, number.check_digit) == ("CSQ", "U", "305438", "3")
    assert number.text == "CSQU3054383"
    assert number.check_digit_ok


def test_a_wrong_check_digit_is_a_number_that_does_not_pass() -> None:
    assert not iso6346.parse_number("CSQU3054384").check_digit_ok
    assert not iso6346.is_valid("CSQU3054384")


@pytest.mark.parametrize("text", ["", "CSQU305438", "CSQX3054383", "C5QU3054383", "CSQU30543B3", "CSQU3054383\u0663"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an ISO 6346 number"):
        iso6346.parse_number(text)
    assert not iso6346.is_valid(text)


@pytest.mark.parametrize("body", ["CSQU30543", "CSQU305438３", "csqu305438"])
def test_a_check_digit_needs_four_letters_and_six_digits(body: str) -> None:
    with pytest.raises(ValueError, match="four letters and six digits"):
        iso6346.check_digit(body)
    with pytest.raises(ValueError, match="four letters and six digits"):
        iso6346.remainder(body)


def test_letters_leave_out_the_multiples_of_eleven() -> None:
    values = [iso6346.letter_value(letter) for letter in iso6346.LETTERS]

    assert values == [number for number in range(10, 39) if number % 11]


@given(BODIES)
def test_the_check_digit_is_the_remainder_and_ten_gives_nought(body: str) -> None:
    assert iso6346.check_digit(body) == str(iso6346.remainder(body) % 10)


def test_a_remainder_of_ten_gives_nought() -> None:
    tens = [body for body in (f"KMTU{serial:06d}" for serial in range(30)) if iso6346.remainder(body) == 10]

    assert tens
    assert {iso6346.check_digit(body) for body in tens} == {"0"}


@given(BODIES, st.integers(0, 3))
def test_the_letters_the_check_digit_cannot_tell_apart_are_named(body: str, place: int) -> None:
    for other in iso6346.LETTERS:
        changed = body[:place] + other + body[place + 1 :]
        same = iso6346.remainder(changed) == iso6346.remainder(body)
        assert same == (other == body[place] or other in iso6346.unseen_by_check_digit(body[place]))


@pytest.mark.parametrize("pair", ["FP", "HR", "GQ", "MW"])
def test_the_pairs_that_look_alike_are_among_them(pair: str) -> None:
    assert pair[1] in iso6346.unseen_by_check_digit(pair[0])


def test_a_size_type_code_says_what_the_container_is() -> None:
    size_type = iso6346.parse_size_type("45G1")

    assert size_type.length_mm == 12192
    assert (size_type.height, size_type.width) == ("2,895 mm", "2,438 mm")
    assert size_type.group == "general purpose, not ventilated"
    assert size_type.detail == "passive vents in the upper part"
    assert not size_type.reduced_strength


def test_a_letter_in_the_last_place_is_a_container_of_reduced_strength() -> None:
    reduced = iso6346.parse_size_type("L5GB")

    assert reduced.reduced_strength
    assert (reduced.length_mm, reduced.detail) == (13716, iso6346.parse_size_type("L5G1").detail)


def test_a_group_without_detail_is_no_reduced_strength() -> None:
    assert not iso6346.parse_size_type("22GP").reduced_strength
    assert iso6346.parse_size_type("22GP").detail == ""


@pytest.mark.parametrize("code", ["22G1", "42G1", "22K2", "22T6", "2CG1", "45R1", "42P3", "LEG1", "22UT", "M5G0"])
def test_codes_seen_on_containers_are_codes(code: str) -> None:
    assert iso6346.is_size_type(code)


@pytest.mark.parametrize(
    ("code", "why"),
    [("22G", "four"), ("72G1", "length"), ("27G1", "height"), ("22X1", "type"), ("22GC", "'GC'"), ("2210", "type")],
)
def test_what_is_no_code_is_refused_by_the_character_that_is_wrong(code: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        iso6346.parse_size_type(code)
    assert not iso6346.is_size_type(code)
