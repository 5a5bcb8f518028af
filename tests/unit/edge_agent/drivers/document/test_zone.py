"""Lines become zones; nothing that was on a document comes out of garbled bytes."""

from __future__ import annotations

import random
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.document.schema import ZoneLayer
from edge_agent.drivers.document.zone import LONGEST, Zone, ZoneParser
from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.stream import Heard
from edge_agent.simulate.mrz import make_passport

LAYER = ZoneLayer(dropped="02 03")
TD3 = ["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"]
TD1 = ["I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<"]
GERMAN = ["ID<<T220001293<<<<<<<<<<<<<<<<", "6408125<1010318D<<<<<<<<<<<<<4", "MUSTERMANN<<ERIKA<<<<<<<<<<<<<"]
"""A first line whose issuer leaves fillers before the number."""

Item = Heard[Zone] | Garbled


def read(data: bytes, size: int = 10_000, *, reveal: bool = False) -> list[Item]:
    parser = ZoneParser(LAYER, reveal=reveal)
    items = [item for at in range(0, len(data), size) for item in parser.feed(data[at : at + size])]
    return [*items, *parser.flush()]


def sent(lines: list[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()


def zones(items: list[Item]) -> list[list[str]]:
    return [item.said.text.split("\n") for item in items if isinstance(item, Heard)]


def reasons(items: list[Item]) -> list[str]:
    return [item.reason for item in items if isinstance(item, Garbled)]


def test_any_line_that_is_lost_costs_its_own_document_only() -> None:
    for document in (TD3, TD1, GERMAN):
        assert zones(read(sent(document) + sent(document))) == [document, document]
        for lost in range(len(document)):
            cut = document[:lost] + document[lost + 1 :]
            for after in (TD3, TD1, GERMAN):
                items = read(sent(after) + sent(cut) + sent(after))
                assert zones(items) == [after, after], (lost, reasons(items))
                assert reasons(items)


def test_many_passports_one_after_the_other() -> None:
    chance = random.Random(1)
    made = [list(make_passport(chance, date(2026, 3, 1)).lines()) for _ in range(100)]
    assert zones(read(b"".join(map(sent, made)), 13)) == made


def test_small_letters_spaces_and_blank_lines_do_no_harm() -> None:
    data = b"\r\n  " + TD3[0].lower().encode() + b" \r\n\r\n" + TD3[1].encode() + b"\r\n"
    assert zones(read(data)) == [TD3]


def test_a_silence_between_lines_ends_the_zone() -> None:
    parser = ZoneParser(LAYER)
    assert parser.feed(sent(TD3[:1])) == []
    assert reasons(parser.flush()) == ["the machine-readable zone was cut off after line 1"]
    assert reasons(parser.feed(sent(TD3[1:]))) == ["the beginning of the machine-readable zone is missing"]


def test_a_zone_whose_characters_are_none_is_garbled_and_says_nothing_of_them() -> None:
    (item,) = read(sent([TD3[0], TD3[1].replace("UTO", "U?O")]))
    assert isinstance(item, Garbled)
    assert item.reason == "the machine-readable zone has characters other than A to Z, 0 to 9 and <"
    assert set(item.raw) == {ord("x"), 0x0D}
    assert "ERIKSSON" not in repr(item)


def test_a_zone_does_not_show_itself() -> None:
    (item,) = read(sent(TD3))
    assert "ERIKSSON" not in repr(item)
    assert isinstance(item, Heard)
    assert item.said.document(date(2026, 3, 1)).surname == "ERIKSSON"


LINES = st.sampled_from([line.encode() for line in (*TD3, *TD1, *GERMAN)])
PIECES = st.lists(
    st.one_of(LINES, st.sampled_from([b"\r", b"\n", b"\r\n", b"\x02", b"A" * 200]), st.binary(max_size=40)), max_size=12
)


@given(PIECES, st.integers(1, 60))
def test_however_the_stream_is_cut_the_same_comes_out_and_memory_is_bounded(pieces: list[bytes], size: int) -> None:
    data = b"".join(pieces)
    assert read(data, size) == read(data)
    parser = ZoneParser(LAYER)
    for at in range(0, len(data), size):
        parser.feed(data[at : at + size])
        assert len(parser._pending) <= LONGEST
        assert len(parser._lines) < 3


@given(PIECES)
def test_covered_bytes_have_the_length_and_line_ends_of_the_real_ones(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    for covered, real in zip(read(data), read(data, reveal=True), strict=True):
        assert (covered.offset, len(covered.raw)) == (real.offset, len(real.raw))
        assert data[real.offset :].startswith(real.raw.split(b"\r")[0].split(b"\n")[0])
        for shown, was in zip(covered.raw, real.raw, strict=True):
            assert shown == was if was < 0x20 else shown in {ord("x"), 0xFF}
