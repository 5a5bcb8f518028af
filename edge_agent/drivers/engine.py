"""The frame parser: a device's bytes in, frames and garbled bytes out. Sans-IO, driven by a profile's `[frame]` layer.

How the stream is cut into chunks never changes what comes out: a verdict on a position is given only once every byte it
depends on is there, and then never looks at more. Every byte fed comes out exactly once, in a Frame or a Garbled.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import reduce
from operator import xor

from edge_agent.drivers.layer import closest
from edge_agent.drivers.schema import Checksum, FrameLayer, Profile, Variant
from edge_agent.errors import ConfigError

MAX_GARBLED = 64
"""Garbled bytes are handed out in pieces of at most this (or one longest frame): at 600 baud a babbling device is
reported after about a second, and no stream makes the parser hold more."""

WRONG_CHECKSUM = "wrong checksum"
"""How the reason of a frame begins that has the right form and a wrong checksum."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole frame: `raw` as received, `body` after the profile's mask. `offset` counts from the first byte fed."""

    offset: int
    raw: bytes
    body: bytes
    variant: str


@dataclass(frozen=True, slots=True)
class Garbled:
    """Consecutive bytes that are no frame, and why not. A new one begins at each byte that could start a frame."""

    offset: int
    raw: bytes
    reason: str


class _Rank(IntEnum):
    """Of the reasons why no variant matched, the highest tells a person most."""

    FORM = 0
    CUT = 1
    FOLLOWED = 2
    CHECKSUM = 3


@dataclass(frozen=True, slots=True)
class _Refusal:
    rank: _Rank
    reason: str


_OTHER_FORM = _Refusal(_Rank.FORM, "not of this form")


class _NeedMoreType:
    """More bytes are needed for a verdict."""


_NEED_MORE = _NeedMoreType()


class _VariantCheck:
    """One variant of the frame, compiled."""

    def __init__(self, variant: Variant, start: bytes) -> None:
        self.name = variant.name
        self.length = variant.length
        self._start = start
        self._matches = re.compile(variant.match.encode("latin-1"), re.DOTALL).fullmatch
        self._checksum = variant.checksum
        self._compute = _COMPUTE[variant.checksum.algorithm, variant.checksum.encode] if variant.checksum else None
        self._must_be_followed = variant.next is not None

    def judge(self, pending: bytearray, at: int, *, ended: bool) -> bytes | _Refusal | _NeedMoreType:
        """The frame's bytes if one begins at `at`; otherwise why not, or that it cannot be told yet."""
        end = at + self.length
        if end > len(pending):
            if not ended:
                return _NEED_MORE
            return _Refusal(_Rank.CUT, f"the input ended inside a frame ({len(pending) - at} of {self.length} bytes)")
        body = bytes(pending[at:end])
        if not self._matches(body):
            return _OTHER_FORM
        if self._checksum and self._compute:
            told = body[self._checksum.at : self._checksum.at + self._checksum.width]
            first, last = self._checksum.over
            computed = self._compute(body[first:last])
            if told != computed:
                return _Refusal(_Rank.CHECKSUM, _wrong_checksum(self._checksum, told, computed))
        return (self._must_be_followed and self._judge_next(pending, end, ended=ended)) or body

    def _judge_next(self, pending: bytearray, end: int, *, ended: bool) -> _Refusal | _NeedMoreType | None:
        """None when silence or the start of another frame follows.

        Two start bytes in a row are no start: the first may be the checksum of a longer variant. For the same reason
        a lone start byte at the end of the input is not enough.
        """
        first, second = pending[end : end + 1], pending[end + 1 : end + 2]
        if not first and ended:
            return None
        if first == self._start and second and second != self._start:
            return None
        if not ended and (not first or (first == self._start and not second)):
            return _NEED_MORE
        return _Refusal(_Rank.FOLLOWED, f"followed by {first.hex()}, not by the next frame")


def _mask_table(mask: int) -> bytes:
    return bytes(value & mask for value in range(256))


_COMPUTE: dict[tuple[str, str], Callable[[bytes], bytes]] = {
    ("xor8", "byte"): lambda over: bytes((reduce(xor, over),)),
    ("xor8", "hex2"): lambda over: b"%02X" % reduce(xor, over),
    ("neg7", "byte"): lambda over: bytes((-sum(over) & 0x7F,)),
    ("neg7", "hex2"): lambda over: b"%02X" % (-sum(over) & 0x7F),
}


def _wrong_checksum(checksum: Checksum, told: bytes, computed: bytes) -> str:
    if checksum.encode == "hex2":
        return f"{WRONG_CHECKSUM}: the frame says {told.decode('latin-1')}, its bytes give {computed.decode('ascii')}"
    return f"{WRONG_CHECKSUM}: the frame says {told.hex()}, its bytes give {computed.hex()}"


class FrameParser:
    """Bytes in, frames and garbled bytes out.

    Between calls it holds less than one longest frame and one garbled piece, plus two bytes.

    Args:
        profile: the device's profile.
        variant: pins one of its variants by name; None tells them apart frame by frame.

    Raises:
        ConfigError: the profile has no variant of that name.
    """

    def __init__(self, profile: Profile, variant: str | None = None) -> None:
        layer: FrameLayer = profile.frame
        self._start = bytes.fromhex(layer.start)
        self._checks = [_VariantCheck(shape, self._start) for shape in layer.variant if variant in {None, shape.name}]
        if not self._checks:
            names = [shape.name for shape in layer.variant]
            raise ConfigError(f"{profile.name} has no variant '{variant}'", fix=closest(str(variant), names))
        self._no_form = f"no frame begins here: not the form of {' or '.join(check.name for check in self._checks)}"
        self._mask = _mask_table(layer.mask) if layer.mask else None
        self._max = layer.max
        self._piece = max(MAX_GARBLED, layer.max)
        self._raw = bytearray()
        self._clean = self._raw if self._mask is None else bytearray()
        self._base = 0  # offset of the first byte held
        self._at = 0  # the next position to judge
        self._garbled_from: int | None = None
        self._reason: str | None = None  # None: bytes before any start byte
        self._fresh = True  # nothing has been cut off yet: the device may be in the middle of a frame

    def feed(self, chunk: bytes) -> list[Frame | Garbled]:
        """What these bytes complete, in the order of the stream."""
        self._raw += chunk
        if self._mask is not None:
            self._clean += chunk.translate(self._mask)
        return self._scan(ended=False)

    def flush(self) -> list[Frame | Garbled]:
        """The rest, when no more bytes come: end of input, or a silence longer than any pause inside a frame."""
        return self._scan(ended=True)

    def _scan(self, *, ended: bool) -> list[Frame | Garbled]:
        items: list[Frame | Garbled] = []
        while True:
            at = self._clean.find(self._start, self._at)
            self._skip_to(len(self._clean) if at < 0 else at, items)
            if at < 0:
                break
            verdict = self._judge(at, ended=ended)
            if isinstance(verdict, _NeedMoreType):
                break
            self._close_garbled(at, items)
            if isinstance(verdict, Frame):
                items.append(verdict)
                self._at = at + len(verdict.body)
            else:
                self._garbled_from, self._reason = at, verdict
                self._at = at + 1
            self._fresh = False
        if ended:
            self._close_garbled(len(self._clean), items)
            self._fresh = True
        self._forget()
        return items

    def _judge(self, at: int, *, ended: bool) -> Frame | str | _NeedMoreType:
        """The frame that begins at `at`, or the most telling reason why none does."""
        telling: _Refusal = _OTHER_FORM
        for check in self._checks:
            verdict = check.judge(self._clean, at, ended=ended)
            if isinstance(verdict, bytes):
                raw = verdict if self._mask is None else bytes(self._raw[at : at + check.length])
                return Frame(self._base + at, raw, verdict, check.name)
            if isinstance(verdict, _NeedMoreType):
                return verdict
            if verdict.rank > telling.rank:
                telling = verdict
        return self._no_form if telling is _OTHER_FORM else telling.reason

    def _skip_to(self, end: int, items: list[Frame | Garbled]) -> None:
        """Everything before `end` is no start of a frame; hands out pieces that have grown to the bound."""
        if end > self._at and self._garbled_from is None:
            self._garbled_from, self._reason = self._at, None
        self._at = end
        while self._garbled_from is not None and end - self._garbled_from >= self._piece:
            follows, reason = self._garbled_from + self._piece, self._reason
            self._close_garbled(follows, items)
            self._garbled_from, self._reason = follows, reason
            self._fresh = False

    def _close_garbled(self, end: int, items: list[Frame | Garbled]) -> None:
        if self._garbled_from is None or self._garbled_from == end:
            self._garbled_from = None
            return
        raw = bytes(self._raw[self._garbled_from : end])
        reason = self._reason
        if reason is None:
            joined = self._fresh and len(raw) < self._max and end < len(self._clean)
            reason = "joined in the middle of a frame" if joined else f"no start of a frame ({self._start.hex()})"
        items.append(Garbled(self._base + self._garbled_from, raw, reason))
        self._garbled_from = None

    def _forget(self) -> None:
        done = self._at if self._garbled_from is None else self._garbled_from
        del self._raw[:done]
        if self._clean is not self._raw:
            del self._clean[:done]
        self._base += done
        self._at -= done
        if self._garbled_from is not None:
            self._garbled_from = 0
