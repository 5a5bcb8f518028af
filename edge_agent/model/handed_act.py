"""An officer's act with its pictures as it is handed to the agent: over the desk's socket, or as a file in its spool.

Frames: a length of four bytes (big endian) and so many bytes. First the serialised SignedAct, then each picture, then
an empty frame. The answer is one frame of JSON. Pure: bytes in, values out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

SOCKET: Final = "desk.sock"
"""The desk's socket, in the runtime directory."""

SPOOL: Final = "acts"
"""Where acts wait for an agent that does not run, in the state directory. Each file is one act, named after it."""

ACT_SUFFIX: Final = ".act"
OFFICERS: Final = "officers.json"
"""Officers known to this gate and their authorities, in the runtime directory."""

MOST_ACT_BYTES: Final = 1 << 14
"""What an officer types, with room to spare; the desk keeps up to 64 for a passage."""

MOST_PHOTO_BYTES: Final = 8 << 20
MOST_PHOTOS: Final = 6
MOST_ANSWER_BYTES: Final = 1 << 20

LENGTH_BYTES: Final = 4


class HandedError(ValueError):
    """Bytes that are no act as it is handed over; the message says why."""


@dataclass(frozen=True, slots=True)
class Handed:
    """A serialised SignedAct and the bytes of its pictures, in its order."""

    signed: bytes
    photos: tuple[bytes, ...] = ()


def frame(data: bytes) -> bytes:
    """Bytes with their length before them."""
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def handed_bytes(handed: Handed) -> bytes:
    """As it is handed over."""
    return b"".join(map(frame, (handed.signed, *handed.photos, b"")))


def read_handed(take: Callable[[int], bytes]) -> Handed:
    """Read what `handed_bytes` wrote. `take(n)` gives exactly n bytes, or fewer when there are no more.

    HandedError: it is cut off, or larger than anything an officer hands over; nothing more is taken then.
    """
    signed = read_frame(take, MOST_ACT_BYTES)
    if not signed:
        raise HandedError("there is no act in it")
    photos: list[bytes] = []
    while photo := read_frame(take, MOST_PHOTO_BYTES):
        if len(photos) == MOST_PHOTOS:
            raise HandedError(f"there are more than {MOST_PHOTOS} pictures")
        photos.append(photo)
    return Handed(signed, tuple(photos))


def read_frame(take: Callable[[int], bytes], most: int) -> bytes:
    """One frame's bytes; HandedError when it is cut off or says that it is longer than `most`."""
    size = int.from_bytes(_exactly(take, LENGTH_BYTES), "big")
    if size > most:
        raise HandedError(f"one part of it has {size} bytes; at most {most} are taken")
    return _exactly(take, size)


def _exactly(take: Callable[[int], bytes], size: int) -> bytes:
    data = take(size) if size else b""
    if len(data) != size:
        raise HandedError(f"it was cut off: {len(data)} bytes came instead of {size}")
    return data
