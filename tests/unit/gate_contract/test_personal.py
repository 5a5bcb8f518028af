"""Pseudonyms compare, sealed fields open under their own key and name only, and one key never does both."""

from __future__ import annotations

import pytest

from gate_contract.personal import (
    KEY_BYTES,
    Person,
    SealedFieldError,
    new_key,
    open_field,
    pseudonym,
    seal_field,
    sealing_key,
)

KEY, OTHER = b"k" * 32, b"o" * 32
TEXT = b"ERIKSSON ANNA MARIA"


def test_a_document_has_one_pseudonym_on_a_sailing_however_it_is_written() -> None:
    name = pseudonym(KEY, "UTO", "L898902C3")
    assert len(name) == 32
    assert pseudonym(KEY, "uto", " L898-902 c3 ") == name


def test_a_pseudonym_stays_the_same_in_later_releases() -> None:
    # HMAC-SHA-256 over "tidegate/pseudonym/v1", NUL, issuer, NUL, number; computed with SHA-256 alone after RFC 2104.
    expected = "0dddeea25153ed9f4abc0e470f27afcd60a063ed86404108dd61460ee17f0ff7"
    assert pseudonym(bytes(range(32)), "UTO", "L898902C3").hex() == expected


def test_another_sailing_issuer_or_number_gives_another_pseudonym() -> None:
    name = pseudonym(KEY, "UTO", "L898902C3")
    for key, issuer, number in ((OTHER, "UTO", "L898902C3"), (KEY, "UT", "OL898902C3"), (KEY, "UTO", "L898902C4")):
        assert pseudonym(key, issuer, number) != name


def test_keys_are_random_and_long_enough() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert {len(key) for key in keys} == {KEY_BYTES}
    assert KEY_BYTES == 32


def test_a_sealed_field_opens_with_its_key_and_no_other() -> None:
    sealed = seal_field(KEY, "subject-1", TEXT)
    assert open_field(KEY, "subject-1", sealed) == TEXT
    for key, key_id in ((OTHER, "subject-1"), (KEY, "subject-2"), (b"short", "subject-1")):
        with pytest.raises(SealedFieldError, match=f"the field is not sealed under the key {key_id}"):
            open_field(key, key_id, sealed)


def test_no_changed_bit_of_a_sealed_field_opens() -> None:
    sealed = seal_field(KEY, "subject-1", b"ab")
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealedFieldError):
            open_field(KEY, "subject-1", bytes(changed))


def test_the_same_text_sealed_twice_looks_different_and_never_shows_through() -> None:
    first, second = seal_field(KEY, "subject-1", TEXT), seal_field(KEY, "subject-1", TEXT)
    assert first != second
    for word in TEXT.split():
        assert word not in first + second


@pytest.mark.parametrize("sealed", [bytes(0), bytes(11), bytes(12), bytes(27)])
def test_what_is_too_short_to_be_sealed_is_refused_and_names_its_key(sealed: bytes) -> None:
    with pytest.raises(SealedFieldError, match="subject-1"):
        open_field(KEY, "subject-1", sealed)


def test_the_key_for_sealing_follows_from_the_sailings_and_is_another() -> None:
    assert sealing_key(KEY) == sealing_key(KEY)
    assert len({KEY, OTHER, sealing_key(KEY), sealing_key(OTHER)}) == 4
    assert len(sealing_key(new_key())) == KEY_BYTES


def test_a_person_is_sealed_whole_and_nothing_else_is_taken_for_one() -> None:
    person = Person("张三", "CHN", "11010519491231002X", "1949-12-31")
    assert Person.from_bytes(person.to_bytes()) == person
    more = b'{"birth": "", "issuer": "UTO", "kind": "passport", "name": "A", "number": "1"}'
    assert Person.from_bytes(more) == Person("A", "UTO", "1")
    for data in (b"", b"[]", b"null", b'{"name": "A"}', b"\xff"):
        with pytest.raises(SealedFieldError, match="no person"):
            Person.from_bytes(data)
