"""One variant of a frame, compiled: is there a frame of it at this place? Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from edge_agent.drivers.framing import COMPUTE, Checksum, FrameLayer, Variant
from edge_agent.drivers.layer import bytes_regex

WRONG_CHECKSUM = "wrong checksum"
"""How the reason of a frame begins that has the right form and a wrong checksum."""

CUT_SHORT = "the input ended inside a frame"
"""How the reason of a frame begins whose end never came."""


LINE_END = r"\r\n?|\n"
"""The end of a line whose CR may be its whole end: LF is waited for, until another byte or silence comes."""


class Rank(IntEnum):
    """Of the reasons why no variant matched, the highest tells a person most."""

    FORM = 0
    CUT = 1
    FOLLOWED = 2
    CHECKSUM = 3


@dataclass(frozen=True, slots=True)
class Refusal:
    """No frame of this variant, and why not."""

    rank: Rank
    reason: str


class NeedMore:
    """More bytes are needed for a verdict."""


NEED_MORE = NeedMore()

Ends = dict[str, "int | Refusal | NeedMore"]
"""Where frames end that begin at one place, by the pattern of their end."""

_OTHER_FORM = Refusal(Rank.FORM, "not of this form")


class VariantCheck:
    """Judges places in a stream for one variant.

    Attributes:
        start: the byte that it begins with, as a number; None for any.
        recurs: it carries a weight, and is no ticket: what a device sends again and again is of one such form.
        loose: of what length its frames are is the device's, too.
        follows: could the frame come after this byte that is no part of a frame? None for any.
    """

    def __init__(self, variant: Variant, layer: FrameLayer) -> None:
        start = variant.start or layer.start
        self.name = variant.name
        self.start = int(start, 16) if start else None
        self.recurs = variant.state is None and not variant.says.printed
        self.loose = variant.loose
        self.follows = bytes_regex(variant.after).fullmatch if variant.after is not None else None
        self._length = variant.length
        self._end_pattern = variant.end
        self._longest = layer.max
        self._find_end = bytes_regex(variant.end).search if variant.end is not None else None
        self._line_end = variant.end == LINE_END
        self._matches = bytes_regex(variant.match).fullmatch
        self._checksum = variant.checksum
        self._compute = COMPUTE[variant.checksum.algorithm, variant.checksum.encode] if variant.checksum else None
        self._next = variant.next
        self._doubtful = any(each.checksum and each.checksum.encode == "byte" for each in layer.variant)

    def judge(
        self, pending: bytes, at: int, ends: Ends, *, ended: bool, last: str | None
    ) -> re.Match[bytes] | Refusal | NeedMore:
        """The match of the frame that begins at `at`; otherwise why none does, or that it cannot be told yet.

        `ends` is what other variants found from here, `last` the variant of the frame before, and `ended` says that no
        more bytes come.
        """
        if self._length is not None and at + self._length <= len(pending):
            end = at + self._length
        else:
            found = ends.get(self._end_pattern) if self._end_pattern is not None else None
            if found is None:
                found = self._end(pending, at, ended=ended)
                if self._end_pattern is not None:
                    ends[self._end_pattern] = found
            if not isinstance(found, int):
                return found
            end = found
        match = self._matches(pending, at, end)
        if match is None:
            return _OTHER_FORM
        if self._checksum and self._compute:
            check = self._checksum
            told = pending[at + check.at : at + check.at + check.width]
            computed = self._compute(pending[at + check.over[0] : at + check.over[1]])
            if told != computed:
                return Refusal(Rank.CHECKSUM, _wrong_checksum(check, told, computed))
        follows = self._follows(pending, end, ended=ended, last=last) if self._next else None
        return follows or match

    def _end(self, pending: bytes, at: int, *, ended: bool) -> int | Refusal | NeedMore:
        """One past the frame's last byte, where that is not known by its length."""
        if self._length is not None:
            cut = f"{len(pending) - at} of {self._length} bytes"
        else:
            longest = at + self._longest
            found = self._find_end(pending, at, longest) if self._find_end else None
            may_go_on = self._line_end and not ended and len(pending) < longest and pending.endswith(b"\r")
            if found and not (may_go_on and found.end() == len(pending)):
                return found.end()
            if len(pending) - at >= self._longest:
                return _OTHER_FORM
            cut = f"{len(pending) - at} bytes, no end"
        return Refusal(Rank.CUT, f"{CUT_SHORT} ({cut})") if ended else NEED_MORE

    def _follows(self, pending: bytes, end: int, *, ended: bool, last: str | None) -> Refusal | NeedMore | None:
        if self._next == "same":
            return self._same_follows(pending, end, ended=ended, last=last)
        return self._start_follows(pending, end, ended=ended)

    def _start_follows(self, pending: bytes, end: int, *, ended: bool) -> Refusal | NeedMore | None:
        """None when silence or the start of another frame follows.

        Where a variant ends with a checksum byte, two start bytes in a row are no start: the first may be the checksum
        of a longer variant. For the same reason a lone start byte at the end of the input is not enough there.
        """
        following = pending[end : end + 2]
        if not following:
            return None if ended else NEED_MORE
        if following[0] == self.start:
            if not self._doubtful or (len(following) > 1 and following[1] != self.start):
                return None
            if len(following) == 1 and not ended:
                return NEED_MORE
        return Refusal(Rank.FOLLOWED, f"followed by {following[0]:02x}, not by the next frame")

    def _same_follows(self, pending: bytes, end: int, *, ended: bool, last: str | None) -> Refusal | NeedMore | None:
        """None when a frame of this very variant follows, or silence after one."""
        following = pending[end : end + (self._length or 0)]
        if self._matches(following) or (ended and not following and last == self.name):
            return None
        if not ended and len(following) < (self._length or 0):
            return NEED_MORE
        return _OTHER_FORM


def _wrong_checksum(checksum: Checksum, told: bytes, computed: bytes) -> str:
    if checksum.encode == "hex2":
        return f"{WRONG_CHECKSUM}: the frame says {told.decode('latin-1')}, its bytes give {computed.decode('ascii')}"
    return f"{WRONG_CHECKSUM}: the frame says {told.hex()}, its bytes give {computed.hex()}"
