from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from gate_contract.rules.plates import OCR_EQUIVALENTS, PROVINCES, fault_of, is_trailer, kind_of, nearness, normalise


@pytest.mark.parametrize(
    ("plate", "kind"),
    [
        ("琼A12345", "ordinary"),
        ("皖AT022C", "ordinary"),
        ("云AD3D65", "ordinary"),
        ("京O12345", "ordinary"),
        ("川AAB1C2", "ordinary"),
        ("琼AD12345", "small new energy"),
        ("琼AK12345", "small new energy"),
        ("琼ADZ1234", "small new energy"),
        ("琼A12345D", "large new energy"),
        ("琼A12345F", "large new energy"),
        ("琼A1234挂", "trailer"),
        ("琼AB123挂", "trailer"),
        ("琼A1234学", "driving school"),
        ("琼A1234警", "police"),
        ("沪A0023领", "consulate"),
        ("224578使", "embassy"),
        ("使014578", "embassy"),
        ("粤Z1234港", "Hong Kong or Macao"),
        ("粤ZAB12澳", "Hong Kong or Macao"),
        ("WJ琼12345", "armed police"),
        ("WJ琼1234X", "armed police"),
        ("WJ12345", "armed police"),
    ],
)
def test_a_mainland_plate_is_of_its_kind(plate: str, kind: str) -> None:
    assert kind_of(plate) == kind
    assert fault_of(plate) == ""


@pytest.mark.parametrize(
    ("plate", "fault"),
    [
        ("琼A1234", "it has 6 characters, not 7 or 8"),
        ("琼A12345DF", "it has 9 characters, not 7 or 8"),
        ("琼A1O345", "a serial number has no letter O"),
        ("琼A1I345", "a serial number has no letter I"),
        ("琼I12345", "its second character 'I' is no issuing authority"),
        ("琼112345", "its second character '1' is no issuing authority"),
        ("EL123AB", "its first character 'E' is no province"),
        ("港A12345", "its first character '港' is no province"),
        ("VA12345", "its first character 'V' is no province"),
        ("琼AI12345", "a serial number has no letter I"),
        ("琼AL12345", "8 characters in no order that a mainland plate has"),
        ("琼A12345A", "8 characters in no order that a mainland plate has"),
        ("琼AD1234A", "8 characters in no order that a mainland plate has"),
        ("琼ADO1234", "a serial number has no letter O"),
        ("琼A12345挂", "8 characters in no order that a mainland plate has"),
        ("琼A123挂挂", "7 characters in no order that a mainland plate has"),
        ("沪A00A3领", "7 characters in no order that a mainland plate has"),
        ("粤A1234港", "7 characters in no order that a mainland plate has"),
        ("粤Z1234台", "7 characters in no order that a mainland plate has"),
        ("WJ琼1234A", "its first character 'W' is no province"),
        ("", "its first character '' is no province"),
    ],
)
def test_a_text_that_breaks_the_grammar_says_where(plate: str, fault: str) -> None:
    assert kind_of(plate) is None
    assert fault_of(plate) == fault


def test_there_are_31_provinces_each_once() -> None:
    assert len(PROVINCES) == len(set(PROVINCES)) == 31


@pytest.mark.parametrize("letter", "ABCDEFGHJKLMNPQRSTUVWXYZ")
def test_a_small_new_energy_plate_begins_its_serial_with_a_to_k_without_i(letter: str) -> None:
    assert (kind_of(f"琼A{letter}12345") == "small new energy") == (letter in "ABCDEFGHJK")


@pytest.mark.parametrize(
    ("typed", "plate"),
    [
        ("琼A·12345", "琼A12345"),
        (" 琼a-12 345 ", "琼A12345"),
        ("琼Ａ１２３４５", "琼A12345"),
        ("---", ""),
        ("琼A12345\x1b[2J", "琼A123452J"),
    ],
)
def test_separators_width_and_case_do_not_matter(typed: str, plate: str) -> None:
    assert normalise(typed) == plate


@given(st.text(max_size=200))
def test_normalising_twice_is_normalising_once(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once[: len(normalise(once))]
    assert all(character.isalnum() for character in once)


@pytest.mark.parametrize(
    ("one", "other"), [(one, other) for alike in OCR_EQUIVALENTS for one in alike for other in alike if one != other]
)
def test_look_alikes_are_one_edit_and_explained(one: str, other: str) -> None:
    near = nearness(f"琼A12{one}45", f"琼A12{other}45")
    assert (near.edits, near.others, near.by_look_alikes) == (1, 0, True)


@pytest.mark.parametrize(
    ("read", "booked", "edits", "others"),
    [
        ("琼A12345", "琼A12345", 0, 0),
        ("琼A12345", "琼A12346", 1, 1),
        ("琼A12345", "琼A1234", 1, 1),
        ("琼A12345", "粤A12345", 1, 1),
        ("琼A12345", "琼A1Z34S", 2, 0),
        ("琼A12345", "琼A1Z346", 2, 1),
        ("琼A12345", "琼A21345", 2, 2),
        ("琼A12345", "京B98765", 7 - 1, 7 - 1),
    ],
)
def test_edits_and_those_that_look_alikes_do_not_explain(read: str, booked: str, edits: int, others: int) -> None:
    assert (nearness(read, booked).edits, nearness(read, booked).others) == (edits, others)


@given(st.text("琼AB0OD1I2Z", max_size=9), st.text("琼AB0OD1I2Z", max_size=9))
def test_look_alikes_never_make_plates_further_apart(read: str, booked: str) -> None:
    near = nearness(read, booked)
    assert near.edits == Levenshtein.distance(booked, read)
    assert 0 <= near.others <= near.edits
    assert (near.edits == 0) == (read == booked)


def test_a_trailer_is_known_by_its_last_character() -> None:
    assert is_trailer("琼A1234挂")
    assert not is_trailer("琼A12345")
