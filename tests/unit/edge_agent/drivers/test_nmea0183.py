"""NMEA sentences: a right checksum or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.nmea0183 import Sentence, SentenceParser

GOOD = b"$GPVTG,,T,,M,0.00,N*1B\r\n"
AIS = b"!AIVDM,1,1,,B,15M67FC000G?ufbE`FepT@3n00Sa,0*5C\r\n"
PIECES = st.lists(st.sampled_from([GOOD, AIS, GOOD[:9], AIS[5:], b"\r\n", b"$", b"noise", b"\xff\x00"]), max_size=12)


def fed(data: bytes, size: int) -> list[Sentence | Garbled]:
    parser = SentenceParser()
    return [item for at in range(0, len(data), size) for item in parser.feed(data[at : at + size])] + parser.flush()


@given(PIECES.map(b"".join), st.integers(1, 40))
def test_however_the_stream_is_cut_the_sentences_are_the_same(data: bytes, size: int) -> None:
    assert fed(data, size) == fed(data, len(data) or 1)


@given(st.integers(1, len(AIS) - 6), st.integers(1, 255))
def test_no_changed_byte_passes_for_the_sentence(at: int, flip: int) -> None:
    damaged = bytearray(AIS)
    damaged[at] ^= flip
    sentences = [item for item in fed(bytes(damaged), 64) if isinstance(item, Sentence)]

    assert not any(sentence.text == AIS.strip() for sentence in sentences)
    assert not any(sentence.kind == "VDM" for sentence in sentences)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"$GPVTG,,T,,M,0.00,N*1C\r\n", "wrong checksum"),
        (b"$GPVTG,,T,,M,0.00,N\r\n", "the sentence has no checksum"),
        (b"$GPVTG,,T,,M,0.00,N*1", "not the form of a sentence"),
        (b"$GPVTG,,T,,M", "the input ended inside a sentence"),
        (b"$gpvtg,,T*1B\r\n", "not the form of a sentence"),
        (b"$GPVTG,,T,,M,0.00,N*1Bx\r\n", "not the form of a sentence"),
        (b"$GPVTG,,T*1B,M,0.00,N*1B\r\n", "not the form of a sentence"),
        (b"\\s:x*00\\\r\n", "no start of a sentence"),
        (b"hello\r\n", "no start of a sentence"),
    ],
)
def test_what_is_no_sentence_is_kept_with_the_reason(data: bytes, reason: str) -> None:
    (garbled,) = fed(data, 64)

    assert isinstance(garbled, Garbled)
    assert garbled.raw == data
    assert garbled.reason.startswith(reason)


def test_a_wrong_tag_block_is_garbled_and_the_sentence_behind_it_is_read() -> None:
    garbled, sentence = fed(b"\\s:x*00\\" + GOOD, 64)

    assert isinstance(garbled, Garbled)
    assert isinstance(sentence, Sentence)
    assert (sentence.talker, sentence.kind, sentence.fields[4]) == ("GP", "VTG", "0.00")


@pytest.mark.parametrize("behind", [b" ", b",r003669946,1428796799", b" 2026-11-22T10:00:00Z", b"\t10:00:00", b";x"])
def test_what_a_recorder_wrote_behind_a_sentence_belongs_to_it_and_is_not_read(behind: bytes) -> None:
    (sentence,) = fed(AIS.strip() + behind + b"\r\n", 9)

    assert isinstance(sentence, Sentence)
    assert (sentence.raw, sentence.text) == (AIS.strip() + behind + b"\r\n", AIS.strip())
    assert len(sentence.fields) == 6
