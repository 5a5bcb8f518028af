"""Small baseline JPEG pictures, made without an image library: grey tiles, each picture with its own. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

TILE = 8  # pixels: one JPEG block
LEVELS = 256
# Codes for the DC size categories 0 to 11, ITU-T T.81 table K.3 (luminance): how many codes have 1, 2, ... 16 bits.
DC_CODES_PER_LENGTH = (0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0)
DC_CATEGORIES = tuple(range(12))
# Tiles are flat, so that every AC part is just "end of block": a table with that one code, "0".
AC_CODES_PER_LENGTH = (1,) + (0,) * 15
END_OF_BLOCK = "0"


def tiles_as_jpeg(rows: Sequence[bytes], comment: str) -> bytes:
    """A grey baseline JPEG (ITU-T T.81).

    Args:
        rows: one row of tiles each, all equally long; a byte is the grey of a tile of 8 x 8 pixels, 0 black, 255 white.
        comment: text of the COM segment, at most 65,533 bytes in UTF-8.

    Returns:
        A complete JPEG file, `8 * len(rows[0])` pixels wide and `8 * len(rows)` high.
    """
    height, width = TILE * len(rows), TILE * len(rows[0])
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\x00" + struct.pack(">HBHHBB", 0x0101, 0, 1, 1, 0, 0)),
            _segment(0xFE, comment.encode()),
            # All quantisers 8: the DC coefficient of a flat tile, 8 x (grey - 128), becomes grey - 128.
            _segment(0xDB, b"\x00" + b"\x08" * 64),
            _segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"),
            _segment(0xC4, b"\x00" + bytes(DC_CODES_PER_LENGTH) + bytes(DC_CATEGORIES)),
            _segment(0xC4, b"\x10" + bytes(AC_CODES_PER_LENGTH) + b"\x00"),
            _segment(0xDA, b"\x01\x01\x00\x00\x3f\x00"),
            _scan(grey - LEVELS // 2 for row in rows for grey in row),
            b"\xff\xd9",
        )
    )


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def _scan(levels: Iterable[int]) -> bytes:
    """Entropy-coded DC differences, padded with ones and byte-stuffed (T.81, F.1.2)."""
    codes = _codes(DC_CODES_PER_LENGTH)
    bits, before = [], 0
    for level in levels:
        difference, before = level - before, level
        category = abs(difference).bit_length()
        bits.append(codes[category])
        if category:
            # Negative differences are sent as one less, so that their first bit is 0 (T.81, F.1.2.1.1).
            low = difference if difference > 0 else difference + (1 << category) - 1
            bits.append(f"{low:0{category}b}")
        bits.append(END_OF_BLOCK)
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    packed = int(text, 2).to_bytes(len(text) // 8)
    return packed.replace(b"\xff", b"\xff\x00")


def _codes(per_length: Sequence[int]) -> list[str]:
    """The canonical Huffman codes of a table, in the order of its symbols (T.81, annex C)."""
    codes, code = [], 0
    for length, count in enumerate(per_length, start=1):
        for _ in range(count):
            codes.append(f"{code:0{length}b}")
            code += 1
        code <<= 1
    return codes
