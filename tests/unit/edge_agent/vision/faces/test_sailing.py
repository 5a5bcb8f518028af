"""A sailing's key: templates under it, pseudonyms with it, and its end."""

import pytest

from edge_agent.vision.faces.sailing import SailingKey, SealedError


def test_what_was_sealed_opens_with_the_same_key_and_the_same_header() -> None:
    key = SailingKey.generate()
    sealed = key.seal(b"templates", b"header")
    assert b"templates" not in sealed
    assert SailingKey(key.stored()).open(sealed, b"header") == b"templates"


def test_the_same_templates_sealed_twice_look_different() -> None:
    key = SailingKey.generate()
    assert key.seal(b"templates", b"") != key.seal(b"templates", b"")


def test_another_key_another_header_and_a_changed_byte_open_nothing() -> None:
    key = SailingKey.generate()
    sealed = key.seal(b"templates", b"header")
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for opener, data, header in (
        (SailingKey.generate(), sealed, b"header"),
        (key, sealed, b"other"),
        (key, changed, b"header"),
        (key, sealed[:20], b"header"),
        (key, b"", b"header"),
    ):
        with pytest.raises(SealedError, match="cannot be read"):
            opener.open(data, header)


def test_a_traveller_has_one_pseudonym_in_a_sailing_and_an_unrelated_one_in_the_next() -> None:
    first, second = SailingKey.generate(), SailingKey.generate()
    assert first.pseudonym("CHN E12345678") == first.pseudonym("CHN E12345678")
    assert len(first.pseudonym("CHN E12345678")) == 32
    assert first.pseudonym("CHN E12345678") != first.pseudonym("CHN E12345679")
    assert first.pseudonym("CHN E12345678") != second.pseudonym("CHN E12345678")
    assert "E12345678" not in first.pseudonym("CHN E12345678")


def test_a_destroyed_key_is_overwritten_and_does_nothing_any_more() -> None:
    key = SailingKey.generate()
    material = key._material
    sealed = key.seal(b"templates", b"")
    key.destroy()
    key.destroy()
    assert key.destroyed
    assert not any(material)
    for use in (lambda: key.open(sealed, b""), lambda: key.pseudonym("x"), lambda: key.seal(b"", b""), key.stored):
        with pytest.raises(SealedError, match="destroyed"):
            use()


def test_a_key_has_no_text_and_the_right_size() -> None:
    material = bytes(range(32))
    assert material.hex() not in repr(SailingKey(material))
    assert "\\x01" not in repr(SailingKey(material))
    with pytest.raises(SealedError, match="32 bytes"):
        SailingKey(b"short")
