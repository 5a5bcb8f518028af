from __future__ import annotations

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_contract.travel_documents import (
    DocumentError,
    check_digit,
    identity_number_fault,
    read_citizen_number,
    read_document,
)

TODAY = date(2026, 11, 22)

# The specimens of ICAO Doc 9303 (parts 4, 5, 6 and 7).
TD3 = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"
TD1 = "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<"
TD2 = "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6"
VISA_A = "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL8988901C4XXX4009078F96121096ZE184226B<<<<<<"
VISA_B = "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nL8988901C4XXX4009078F9612109<<<<<<<<"
LONG_NUMBER = "I<UTOD23145890<7349<<<<<<<<<<<\n3407127M9507122UTO<<<<<<<<<<<2\nSTEVENSON<<PETER<JOHN<<<<<<<<<"


@pytest.mark.parametrize(
    ("text", "kind", "number"),
    [
        (TD3, "TD3", "L898902C3"),
        (TD1, "TD1", "D23145890"),
        (TD2, "TD2", "D23145890"),
        (VISA_A, "MRV-A", "L8988901C"),
        (VISA_B, "MRV-B", "L8988901C"),
    ],
)
def test_the_specimens_of_doc_9303_are_read_and_hold(text: str, kind: str, number: str) -> None:
    read = read_document(text, TODAY)
    assert (read.kind, read.number, read.issuer, read.faults) == (kind, number, "UTO", ())
    assert (read.surname, read.given_names, read.sex) == ("ERIKSSON", "ANNA MARIA", "F")


def test_a_passport_says_when_it_expires_and_whether_it_has() -> None:
    read = read_document(TD3, TODAY)
    assert (read.code, read.nationality, read.birth, read.optional) == ("P", "UTO", "740812", "ZE184226B")
    assert read.expires == date(2012, 4, 15)
    assert read.expired(TODAY)
    assert not read.expired(date(2012, 4, 15)), "its last day counts"


def test_a_number_of_more_than_nine_goes_on_in_the_optional_data() -> None:
    read = read_document(LONG_NUMBER, TODAY)
    assert read.number == "D23145890734"
    assert "number" not in read.faults


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("L898902C3", "L898902C8", "number"),
        ("740812", "740813", "birth"),
        ("120415", "130415", "expiry"),
        ("ZE184226B", "ZE184226D", "optional"),
        ("10", "19", "composite"),
    ],
)
def test_an_element_that_was_changed_is_named(old: str, new: str, fault: str) -> None:
    first, second = TD3.split("\n")
    head, _, tail = second.rpartition(old)
    assert fault in read_document(f"{first}\n{head}{new}{tail}", TODAY).faults


def test_a_reader_may_send_spaces_small_letters_and_any_line_ends() -> None:
    assert read_document(f" {TD3.lower()} ".replace("\n", " \r\n"), TODAY) == read_document(TD3, TODAY)


def test_what_is_no_zone_is_refused_without_quoting_it() -> None:
    for text in ("", "P<UTO", "\n".join(["A" * 44] * 3), TD3.replace("ERIKSSON", "ERIKSS?N")):
        with pytest.raises(DocumentError) as refused:
            read_document(text, TODAY)
        assert "ERIKSS" not in str(refused.value)


def test_a_date_that_is_none_is_no_expiry() -> None:
    first, second = TD3.split("\n")
    unsaid = read_document(f"{first}\n{second[:21]}<<<<<<<{second[28:]}", TODAY)
    assert unsaid.expires is None
    assert unsaid.expired(TODAY) is None
    assert read_document(f"{first}\n{second[:21]}129915{second[27:]}", TODAY).expires is None


@pytest.mark.parametrize(("year", "expires"), [("76", 2076), ("77", 1977), ("26", 2026)])
def test_an_expiry_is_no_more_than_fifty_years_ahead(year: str, expires: int) -> None:
    first, second = TD3.split("\n")
    read = read_document(f"{first}\n{second[:21]}{year}0415{second[27:]}", TODAY)
    assert read.expires == date(expires, 4, 15)


def test_a_citizens_number_holds_or_says_why_not() -> None:
    assert identity_number_fault("11010519491231002X") == ""  # the example of GB 11643-1999
    assert identity_number_fault("440524188001010014") == "", "the other example: its county got its code in 1983"
    assert identity_number_fault("110105194912310021")
    assert identity_number_fault("11010519491331002X")
    assert identity_number_fault("12")


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<", min_size=1, max_size=40), st.data())
def test_one_changed_digit_is_always_seen(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text) - 1))
    if text[place].isdigit():
        other = data.draw(st.sampled_from([each for each in "0123456789" if each != text[place]]))
        assert check_digit(text[:place] + other + text[place + 1 :]) != check_digit(text)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(DocumentError):
        assert read_document(text, TODAY).kind


def test_a_citizens_number_says_birth_and_sex_and_whether_it_holds() -> None:
    read = read_citizen_number(" 11010519491231002x ")
    assert (read.kind, read.issuer, read.number, read.birth) == ("citizen", "CHN", "11010519491231002X", "491231")
    assert (read.sex, read.expires, read.faults, read.surname) == ("F", None, (), "")
    assert read_citizen_number("110105194912310021").faults == ("number",)
    for text in ("", "11010519491231002", "1101051949123100XX", "11010519491231002X1"):
        with pytest.raises(DocumentError, match="17 digits"):
            read_citizen_number(text)
