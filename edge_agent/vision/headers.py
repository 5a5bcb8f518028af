"""What a picture file says of itself, read before anything is decoded: pure, and bounded by the bytes given.

Sources: JPEG ITU-T T.81 annex B; PNG W3C third edition, sections 5 and 11; BMP BITMAPINFOHEADER (Microsoft, wingdi.h);
WebP container specification (RFC 9649, sections 2 and 3).
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

MOST_PIXELS = 50_000_000
MOST_SIDE = 32_000  # OpenCV's warps count pixels of a side in 16 bits
# A progressive JPEG has about ten scans; each one costs a pass over the whole picture whatever its size in bytes.
MOST_SCANS = 100
MOST_SCANNED = 1_000_000_000  # pixels times scans
# Segments or chunks: a PNG of 64 MiB written in 4 KiB chunks has 16,000; walking more takes seconds.
MOST_PARTS = 100_000

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_STANDALONE = {0x01, *range(0xD0, 0xD9)}  # TEM, RSTn, SOI: markers without a length (T.81 B.1.1.3)
_NOT_FRAMES = {0xC4, 0xC8, 0xCC}  # DHT, JPG, DAC stand among the SOFn codes
_FRAMES = set(range(0xC0, 0xD0)) - _NOT_FRAMES
_SEQUENTIAL = {0xC0, 0xC1}
# Every 8 x 8 block of a sequential JPEG takes at least two bits: a code for its mean, and one for its end.
_PIXELS_A_BYTE = 64 * 8 // 2
_SOS, _EOI = 0xDA, 0xD9
# Any number of fill bytes 0xFF may stand before a marker (T.81 B.1.1.2): the last one belongs to it.
_MARKER = re.compile(rb"\xff[^\x00\xff]")
_MARKER_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_STEP = 1 << 20
_BMP_CORE_HEADER = 12
_BMP_UNCOMPRESSED = (0, 3)  # BI_RGB, BI_BITFIELDS


class HeaderError(ValueError):
    """The file is no picture that is read here; says why, as a clause."""


@dataclass(frozen=True, slots=True)
class Header:
    """A picture's kind (JPEG, PNG, BMP, WebP) and its size in pixels as stored, before any rotation."""

    kind: str
    width: int
    height: int


def read_header(data: bytes) -> Header:
    """The header of a whole picture file; HeaderError where it is another kind, cut short, damaged or an animation."""
    if data.startswith(b"\xff\xd8"):
        width, height = _jpeg(data)
        kind = "JPEG"
    elif data.startswith(PNG_SIGNATURE):
        width, height = _png(data)
        kind = "PNG"
    elif data.startswith(b"BM"):
        width, height = _bmp(data)
        kind = "BMP"
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        width, height = _webp(data)
        kind = "WebP"
    else:
        raise HeaderError("it is neither JPEG, PNG, BMP nor WebP")
    _bounded(width, height)
    return Header(kind, width, height)


def _bounded(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise HeaderError(f"its header says {width} x {height} pixels")
    if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE:
        raise HeaderError(
            f"its header says {width} x {height} pixels; at most {MOST_PIXELS // 1_000_000} million are read, "
            f"and {MOST_SIDE} a side"
        )


def _unpack(form: str, data: bytes, at: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(form, data, at)
    except struct.error as error:
        raise HeaderError("it is cut short") from error


def _jpeg(data: bytes) -> tuple[int, int]:
    """Walk the marker segments to the end of the image; its first frame gives the size."""
    size: tuple[int, int] | None = None
    at, scans, frame = 2, 0, 0
    for _ in range(MOST_PARTS):
        at, code = _jpeg_marker(data, at)
        if code == _EOI:
            break
        if code in _STANDALONE:
            continue
        (length,) = _unpack(">H", data, at)
        if length < 2:  # noqa: PLR2004 - the length counts its own two bytes (T.81 B.1.1.4)
            raise HeaderError("a segment of it has no length")
        if code in _FRAMES and size is None:
            height, width = _unpack(">HH", data, at + 3)
            size, frame = (width, height), code
        at += length
        if code == _SOS:
            scans += 1
            at = _jpeg_after_scan(data, at)
    else:
        raise HeaderError(f"it has more than {MOST_PARTS} parts, which no camera writes")
    if size is None or not scans:
        raise HeaderError("it holds no picture")
    if scans > MOST_SCANS or scans * size[0] * size[1] > MOST_SCANNED:
        raise HeaderError(f"it has {scans} scans, which no camera writes")
    if frame in _SEQUENTIAL and size[0] * size[1] > len(data) * _PIXELS_A_BYTE:
        raise HeaderError(f"it is cut short: {size[0]} x {size[1]} pixels do not fit into {len(data)} bytes")
    return size


def _jpeg_after_scan(data: bytes, at: int) -> int:
    found = _MARKER_AFTER_SCAN.search(data, at)
    if found is None:
        raise HeaderError("it is cut short: its end marker is missing")
    return found.start()


def _jpeg_marker(data: bytes, at: int) -> tuple[int, int]:
    """The next marker from a position on, as libjpeg finds it: (the position behind it, its code)."""
    found = _MARKER.search(data, at)
    if found is None:
        raise HeaderError("it is cut short: its end marker is missing")
    return found.end(), data[found.end() - 1]


def _png(data: bytes) -> tuple[int, int]:
    """Walk the chunks to IEND, each with its CRC; what they inflate to must not be more than the picture."""
    size: tuple[int, int] | None = None
    at = len(PNG_SIGNATURE)
    inflate, room = zlib.decompressobj(), 0
    for _ in range(MOST_PARTS):
        (length,), kind = _unpack(">I", data, at), data[at + 4 : at + 8]
        body = data[at + 4 : at + 8 + length]
        (checksum,) = _unpack(">I", data, at + 8 + length)
        if zlib.crc32(body) != checksum:
            raise HeaderError(f"it is damaged: the check sum of its part at byte {at} is wrong")
        if kind == b"IHDR" and size is None:
            width, height = _unpack(">II", data, at + 8)
            _bounded(width, height)  # before anything is inflated
            size = width, height
            room = _png_room(width, height, *_unpack(">BB", data, at + 16))
        elif size is None:
            raise HeaderError("it does not begin with its header")
        elif kind == b"IDAT":
            room -= _inflated(inflate, body[4:], room)
        if kind == b"acTL":
            raise HeaderError("it is an animation, not one picture")
        if kind == b"IEND":
            return size
        at += length + 12
    raise HeaderError(f"it has more than {MOST_PARTS} parts")


def _png_room(width: int, height: int, bits: int, colour: int) -> int:
    """The most bytes that the picture's rows take before compression; interlacing adds a little."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 4)
    row = (width * channels * bits + 7) // 8 + 1
    return row * height + row * 8 + height * 8 + 1024


def _inflated(inflate: zlib._Decompress, body: bytes, room: int) -> int:
    """How many bytes a part inflates to, counted in steps; HeaderError where there is no room for them."""
    made = 0
    try:
        while body and not inflate.eof:
            made += len(inflate.decompress(body, _STEP))
            body = inflate.unconsumed_tail
            if made > room:
                raise HeaderError("it holds more than its header says")
    except zlib.error as error:
        raise HeaderError(f"it is damaged: {error}") from error
    return made


def _bmp(data: bytes) -> tuple[int, int]:
    offset, header_size = _unpack("<II", data, 10)
    if header_size == _BMP_CORE_HEADER:
        width, height, _planes, bits = _unpack("<HHHH", data, 18)
    else:
        width, height, _planes, bits, compression = _unpack("<iiHHI", data, 18)
        height = abs(height)  # negative where the rows run downwards
        if compression not in _BMP_UNCOMPRESSED:
            raise HeaderError("it is a compressed BMP; save it as PNG")
    row = (width * bits + 31) // 32 * 4
    if len(data) < offset + row * height:
        raise HeaderError("it is cut short")
    return width, height


def _webp(data: bytes) -> tuple[int, int]:
    (riff_size,) = _unpack("<I", data, 4)
    if len(data) < riff_size + 8:
        raise HeaderError("it is cut short")
    kind = data[12:16]
    if kind == b"VP8 ":  # lossy: a key frame's header, 14 bits each (RFC 6386, section 9.1)
        width, height = _unpack("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (packed,) = _unpack("<I", data, 21)
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        flags, low_width, high_width, low_height, high_height = _unpack("<B3xHBHB", data, 20)
        if flags & 0x02:
            raise HeaderError("it is an animation, not one picture")
        return (high_width << 16 | low_width) + 1, (high_height << 16 | low_height) + 1
    raise HeaderError("it holds no picture")
