from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.simulate.jpeg import tiles_as_jpeg

# ITU-T T.81, table K.3, written out: the code of each DC size category.
DC_CODES = {"00": 0, "010": 1, "011": 2, "100": 3, "101": 4, "110": 5, "1110": 6, "11110": 7, "111110": 8}


def segments(picture: bytes) -> tuple[dict[int, bytes], bytes]:
    """Marker segments up to the scan, and the scan with its byte stuffing undone."""
    assert picture[:2] == b"\xff\xd8"
    assert picture[-2:] == b"\xff\xd9"
    found, at = {}, 2
    while True:
        ff, marker, length = struct.unpack_from(">BBH", picture, at)
        assert ff == 0xFF
        found[marker] = picture[at + 4 : at + 2 + length]
        at += 2 + length
        if marker == 0xDA:
            return found, picture[at:-2].replace(b"\xff\x00", b"\xff")


def greys(scan: bytes, count: int) -> list[int]:
    """Decode flat tiles: a DC difference and the one-bit end of block each."""
    bits = "".join(f"{byte:08b}" for byte in scan)
    at, level, result = 0, 0, []
    for _ in range(count):
        length = next(n for n in range(2, 7) if bits[at : at + n] in DC_CODES)
        category = DC_CODES[bits[at : at + length]]
        at += length
        if category:
            value = int(bits[at : at + category], 2)
            level += value if bits[at] == "1" else value - (1 << category) + 1
            at += category
        assert bits[at] == "0"
        at += 1
        result.append(level + 128)
    assert set(bits[at:]) <= {"1"}
    assert len(bits) - at < 8
    return result


@given(st.lists(st.binary(min_size=4, max_size=4), min_size=1, max_size=5))
def test_a_decoder_gets_every_grey_back(rows: list[bytes]) -> None:
    found, scan = segments(tiles_as_jpeg(rows, "a comment"))
    assert struct.unpack(">BHHB", found[0xC0][:6]) == (8, 8 * len(rows), 32, 1)
    assert greys(scan, 4 * len(rows)) == [grey for row in rows for grey in row]


def test_the_comment_is_readable() -> None:
    found, _ = segments(tiles_as_jpeg([b"\x00"], "plate 琼A12345"))
    assert found[0xFE].decode() == "plate 琼A12345"
    assert found[0xE0].startswith(b"JFIF\x00")
