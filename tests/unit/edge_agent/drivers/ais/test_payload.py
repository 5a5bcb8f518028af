"""Payloads: what is read here is what pyais reads, for every type of message and every bit."""

from __future__ import annotations

from typing import Any

import pyais
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyais.exceptions import AISBaseException
from pyais.messages import MSG_CLASS

from edge_agent.drivers.ais.payload import NoMessageError, read_payload
from edge_agent.drivers.nmea0183 import Sentence

ARMOUR = "0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVW`abcdefghijklmnopqrstuvw"
LONG_ENOUGH = 71
"""Characters: as many as a type 5 has, the longest with fixed fields."""


def sentences(payload: str, fill: int = 0) -> list[Sentence]:
    """One sentence; its checksum is none that anybody looks at here."""
    fields = ("1", "1", "", "A", payload, str(fill))
    return [Sentence(0, b"", "AI", "VDM", fields, f"!AIVDM,{','.join(fields)}*00".encode())]


def differs(ours: object, theirs: object) -> bool:
    """Not where a code for "not known" is None here, a status has its word, and bytes are hexadecimal."""
    if ours is None:
        return False
    if isinstance(theirs, bytes):
        return ours != theirs.hex()
    return not (isinstance(ours, str) and isinstance(theirs, int)) and ours != theirs


@settings(max_examples=400)
@given(
    st.integers(1, 27),
    st.text(ARMOUR, min_size=LONG_ENOUGH - 1, max_size=LONG_ENOUGH - 1),
    st.integers(0, 5),
    st.sampled_from([28, LONG_ENOUGH]),
)
def test_every_field_has_the_value_that_pyais_gives_it(kind: int, rest: str, fill: int, length: int) -> None:
    parts = sentences((ARMOUR[kind] + rest)[:length], fill)
    try:
        theirs: dict[str, Any] = pyais.decode(parts[0].text).asdict(enum_as_int=True)
    except (AISBaseException, ValueError, LookupError, TypeError):
        with pytest.raises(NoMessageError):
            read_payload(parts)
        return
    try:
        ours = read_payload(parts)
    except NoMessageError as error:
        assert "the shortest has" in str(error)  # noqa: PT017 - shorter than its type allows, which pyais reads on
        return

    assert list(ours) == list(theirs)
    assert [name for name in ours if differs(ours[name], theirs[name])] == []


def test_a_payload_of_zeros_says_none_for_what_zero_stands_for() -> None:
    static = read_payload(sentences("5" + "0" * (LONG_ENOUGH - 1), 2))

    assert (static["shipname"], static["imo"], static["draught"], static["to_bow"]) == (None, None, None, 0)


@pytest.mark.parametrize(
    ("payload", "why"), [("", "no payload"), ("0" * 28, "no AIS message 0"), ("w" * 28, "no AIS message 63")]
)
def test_a_payload_that_begins_no_message_says_so(payload: str, why: str) -> None:
    with pytest.raises(NoMessageError, match=why):
        read_payload(sentences(payload))


@pytest.mark.parametrize("payload", ["1X" + "0" * 26, "1\x7f" + "0" * 26])
def test_characters_that_no_payload_has_are_no_message(payload: str) -> None:
    with pytest.raises(NoMessageError, match="characters that none has"):
        read_payload(sentences(payload))


def test_an_aid_to_navigation_may_leave_out_its_last_flags_and_they_are_none() -> None:
    aid = read_payload(sentences("E" + "4" * 44, 2))

    assert (aid["reserved_1"] is not None, aid["raim"], aid["virtual_aid"], aid["assigned"]) == (True, None, None, None)
    with pytest.raises(NoMessageError, match="the shortest has 268"):
        read_payload(sentences("E" + "4" * 43))


def test_a_message_longer_than_five_slots_is_none() -> None:
    with pytest.raises(NoMessageError, match="is none"):
        read_payload(sentences("8" + "0" * 200))


def test_pyais_still_has_the_tables_that_are_compiled_here() -> None:
    assert [field.name for field in MSG_CLASS[1].fields()][:3] == ["msg_type", "repeat", "mmsi"]
    assert sum(field.metadata["width"] for field in MSG_CLASS[1].fields()) == 168
