"""SQLite's write-ahead log, read frame by frame whatever its chained checksums say. Pure.

Format: https://sqlite.org/fileformat2.html, section 4.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24
PAGE_BYTES = 4096
LITTLE, BIG = 0x377F0682, 0x377F0683
"""The magic number says in which byte order the checksums were counted."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One page as a transaction wrote it.

    Attributes:
        page: its number, from 1.
        ends: whether it is the last one of a transaction.
        data: PAGE_BYTES bytes.
        sound: whether its checksum follows from that of the frame before.
    """

    page: int
    ends: bool
    data: bytes
    sound: bool


def read_frames(wal: bytes) -> list[Frame]:
    """The whole frames since the log was last begun anew, in order; a frame that was cut off is left out."""
    if len(wal) < HEADER_BYTES:
        return []
    order = "<" if wal[:4] == LITTLE.to_bytes(4) else ">"
    starts = range(HEADER_BYTES, len(wal) - FRAME_HEADER_BYTES - PAGE_BYTES + 1, FRAME_HEADER_BYTES + PAGE_BYTES)
    heads = [struct.unpack_from(">6I", wal, start) for start in starts]
    salts = _generation(wal, heads)
    before = checksum(wal[:24], (0, 0), order)
    frames = []
    for start, (page, size, salt1, salt2, *stored) in zip(starts, heads, strict=True):
        # One of the two is enough: a bit of either may be flipped. Those of an older generation differ in both.
        if salt1 != salts[0] and salt2 != salts[1]:
            break
        data = wal[start + FRAME_HEADER_BYTES : start + FRAME_HEADER_BYTES + PAGE_BYTES]
        counted = checksum(data, checksum(wal[start : start + 8], before, order), order)
        sound = counted == tuple(stored) and (salt1, salt2) == salts
        frames.append(Frame(page, size > 0, data, sound))
        before = stored[0], stored[1]
    return frames


def cut_off(wal: bytes) -> bytes:
    """What is there of the page of a last frame that is not whole."""
    whole = max(0, len(wal) - HEADER_BYTES) // (FRAME_HEADER_BYTES + PAGE_BYTES)
    return wal[HEADER_BYTES + whole * (FRAME_HEADER_BYTES + PAGE_BYTES) + FRAME_HEADER_BYTES :]


def sound_length(frames: Sequence[Frame]) -> int:
    """How many frames SQLite takes: those of whole transactions before the first one that is not sound."""
    taken = 0
    for number, frame in enumerate(frames, start=1):
        if not frame.sound:
            break
        if frame.ends:
            taken = number
    return taken


def checksum(data: bytes, seed: tuple[int, int], order: str) -> tuple[int, int]:
    """The log's checksum of whole 8-byte groups, going on from `seed`."""
    first, second = seed
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for word, following in zip(words, words, strict=True):
        first = (first + word + second) & 0xFFFFFFFF
        second = (second + following + first) & 0xFFFFFFFF
    return first, second


def _generation(wal: bytes, heads: Sequence[Sequence[int]]) -> tuple[int, int]:
    """The salts in force: what most of the header and the first frames say."""
    votes = [struct.unpack_from(">2I", wal, 16), *(head[2:4] for head in heads[:4])]
    ((first, _),) = Counter(vote[0] for vote in votes).most_common(1)
    ((second, _),) = Counter(vote[1] for vote in votes).most_common(1)
    return first, second
