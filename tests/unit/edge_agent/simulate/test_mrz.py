"""Made-up passports are real to a reader of ICAO Doc 9303, and wrong only where they are meant to be."""

from __future__ import annotations

import random
from datetime import date

import pytest

from edge_agent.simulate.mrz import Passport, check_digit, expired, make_passport
from gate_contract.travel_documents import read_document

TODAY = date(2026, 3, 1)
SPECIMEN = Passport("UTO", "L898902C3", "ERIKSSON", "ANNA MARIA", date(1974, 8, 12), "F", date(2012, 4, 15))


def test_the_specimen_of_icao_doc_9303_has_its_first_line_and_its_check_digits() -> None:
    first, second = SPECIMEN.lines()
    assert first == "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"
    assert second[:28] == "L898902C36UTO7408122F1204159"


@pytest.mark.parametrize(("text", "digit"), [("520727", "3"), ("AB2134<<<", "5"), ("L898902C3", "6")])
def test_check_digits_are_those_of_the_standard(text: str, digit: str) -> None:
    assert check_digit(text) == digit


def test_made_up_passports_are_read_without_a_fault() -> None:
    chance = random.Random(1)
    for _ in range(50):
        passport = make_passport(chance, TODAY)
        read = read_document("\n".join(passport.lines()), TODAY)
        assert (read.number, read.issuer, read.faults, read.expired(TODAY)) == (passport.number, "CHN", (), False)


def test_what_is_meant_to_be_wrong_is() -> None:
    passport = make_passport(random.Random(2), TODAY)
    assert "number" in read_document("\n".join(passport.lines(wrong=True)), TODAY).faults
    assert read_document("\n".join(expired(passport, TODAY).lines()), TODAY).expired(TODAY)
