"""The frame parser: a device's bytes in, frames and garbled bytes out. Sans-IO, driven by a profile's `[frame]` layer.

How the stream is cut into chunks never changes what comes out: a verdict on a position is given only once every byte it
depends on is there, and then never looks at more. Every byte fed comes out exactly once, in a Frame or a Garbled.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from edge_agent.drivers.framing import FrameLayer
from edge_agent.drivers.layer import closest
from edge_agent.drivers.variants import CUT_SHORT, WRONG_CHECKSUM, Ends, NeedMore, Rank, Refusal, VariantCheck
from edge_agent.errors import ConfigError

__all__ = ["MAX_GARBLED", "WRONG_CHECKSUM", "Frame", "FrameParser", "Framed", "Garbled"]

MAX_GARBLED = 64
"""Garbled bytes are handed out in pieces of at most this (or one longest frame): at 600 baud a babbling device is
reported after about a second, and no stream makes the parser hold more."""

FEW = 3
"""Variants that a reason names."""

_UNPRINTABLE = re.compile(rb"[^ -~]").match
_OTHER_FORM = Refusal(Rank.FORM, "not of this form")
_UNSTEADY = "a single frame of another variant than those before: pin the variant that the device sends"


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole frame: `raw` as received, `body` after the profile's mask. `offset` counts from the first byte fed.

    `match` is what the variant's regular expression found in `body`. `begins`: it stands behind a frame, a pause or an
    unprintable byte, so that its first characters are not the end of something else.
    """

    offset: int
    raw: bytes
    body: bytes
    variant: str
    match: re.Match[bytes] = field(compare=False, repr=False)
    begins: bool = True


@dataclass(frozen=True, slots=True)
class Garbled:
    """Consecutive bytes that are no frame, and why not. A new one begins at each byte that could start a frame."""

    offset: int
    raw: bytes
    reason: str


class Framed(Protocol):
    """A profile of a device that sends frames."""

    @property
    def name(self) -> str:
        """What site files call it."""
        ...

    @property
    def frame(self) -> FrameLayer:
        """How its frames look."""
        ...


@dataclass(slots=True)
class _Steady:
    """Which variant the device sends, where it sends only one."""

    known: str | None = None
    candidate: str | None = None
    candidate_to: int = 0  # offset where the candidate's last frame ended

    def believes(self, variant: str, start: int, end: int) -> bool:
        """False for a first frame of another form than those before; `start` and `end` are offsets in the stream."""
        if variant == self.known or self.known is None or (variant == self.candidate and start >= self.candidate_to):
            self.known, self.candidate = variant, None
            return True
        if variant != self.candidate:  # what begins inside a refused frame is no second one
            self.candidate, self.candidate_to = variant, end
        return False


class FrameParser:
    """Bytes in, frames and garbled bytes out.

    Between calls it holds less than two longest frames and one garbled piece, plus two bytes.

    Args:
        profile: the device's profile.
        variant: pins one of its variants by name (those with a state are read beside it); None tells them apart frame
            by frame.

    Raises:
        ConfigError: the profile has no variant of that name.
    """

    def __init__(self, profile: Framed, variant: str | None = None) -> None:
        layer = profile.frame
        shapes = [shape for shape in layer.variant if variant in {None, shape.name} or shape.state]
        if variant is not None and all(shape.name != variant or shape.state for shape in shapes):
            names = [shape.name for shape in layer.variant if not shape.state]
            raise ConfigError(f"{profile.name} has no variant '{variant}'", fix=closest(str(variant), names))
        self._checks = [VariantCheck(shape, layer) for shape in shapes]
        forms = " or ".join(check.name for check in self._checks[:FEW])
        self._no_form = f"no frame begins here: not the form of {forms}{' or another' * (len(self._checks) > FEW)}"
        self._anywhere = any(check.start is None for check in self._checks)
        self._starts = bytes(sorted({check.start for check in self._checks if check.start is not None}))
        self._find = _finder(self._starts) if not self._anywhere else None
        self._checks_at = [
            tuple(check for check in self._checks if check.start in {None, first}) for first in range(256)
        ]
        self._mask = bytes(value & layer.mask for value in range(256)) if layer.mask else None
        self._max = layer.max
        self._piece = max(MAX_GARBLED, layer.max)
        self._steady = _Steady() if layer.steady and variant is None else None
        self._last: str | None = None  # the last frame's variant
        self._whole_to = 0  # offset where the last frame, or what came before a silence, ended
        self._before = b""  # the last byte that is no longer held
        self._raw = b""
        self._clean = b""
        self._base = 0  # offset of the first byte held
        self._at = 0  # the next position to judge
        self._garbled_from: int | None = None
        self._refusal: Refusal | None = None  # None: bytes before any start byte
        self._fresh = True  # nothing has been cut off yet: the device may be in the middle of a frame

    def feed(self, chunk: bytes) -> list[Frame | Garbled]:
        """What these bytes complete, in the order of the stream."""
        self._raw += chunk
        self._clean = self._raw if self._mask is None else self._clean + chunk.translate(self._mask)
        return self._scan(ended=False)

    def flush(self) -> list[Frame | Garbled]:
        """The rest, when no more bytes come: end of input, or a silence longer than any pause inside a frame."""
        return self._scan(ended=True)

    def _scan(self, *, ended: bool) -> list[Frame | Garbled]:
        items: list[Frame | Garbled] = []
        while True:
            at = self._at if self._find is None else self._find(self._clean, self._at)
            self._skip_to(len(self._clean) if at < 0 else at, items)
            if not 0 <= at < len(self._clean):
                break
            verdict = self._judge(at, ended=ended)
            if isinstance(verdict, NeedMore):
                break
            if isinstance(verdict, Frame):
                self._close_garbled(at, items)
                items.append(verdict)
                self._last = verdict.variant
                self._at = at + len(verdict.body)
                self._whole_to = self._base + self._at
                self._fresh = False
            else:
                self._refuse(at, verdict, items)
        if ended:
            self._close_garbled(len(self._clean), items, final=True)
            self._whole_to = self._base + len(self._clean)
            self._fresh = True
        self._forget()
        return items

    def _judge(self, at: int, *, ended: bool) -> Frame | Refusal | NeedMore:
        """The frame that begins at `at`, or the most telling reason why none does."""
        telling: Refusal = _OTHER_FORM
        ends: Ends = {}
        for check in self._checks_at[self._clean[at]]:
            if check.follows and not self._comes_after(at, check.follows):
                continue
            verdict = check.judge(self._clean, at, ends, ended=ended, last=self._last)
            if isinstance(verdict, re.Match):
                if self._steady and check.recurs:
                    form = f"{check.name} {verdict.end() - at}" if check.loose else check.name
                    if not self._steady.believes(form, self._base + at, self._base + verdict.end()):
                        return Refusal(Rank.FOLLOWED, _UNSTEADY)
                body = self._clean[at : verdict.end()]
                raw = body if self._mask is None else self._raw[at : verdict.end()]
                return Frame(self._base + at, raw, body, check.name, verdict, self._comes_after(at, _UNPRINTABLE))
            if isinstance(verdict, NeedMore):
                return verdict
            if verdict.rank > telling.rank:
                telling = verdict
        return Refusal(Rank.FORM, self._no_form) if telling is _OTHER_FORM else telling

    def _comes_after(self, at: int, allowed: Callable[[bytes], object]) -> bool:
        """A frame, nothing, or an allowed byte stands directly in front."""
        if self._base + at == self._whole_to:
            return True
        return bool(allowed(self._clean[at - 1 : at] if at else self._before))

    def _refuse(self, at: int, refusal: Refusal, items: list[Frame | Garbled]) -> None:
        """The byte at `at` begins no frame: a garbled piece of its own, unless it says no more than the one before."""
        if self._garbled_from is None or not self._continues(refusal):
            self._close_garbled(at, items)
            self._garbled_from = at
            self._refusal = None if self._anywhere and refusal.rank is Rank.FORM else refusal
        self._at = at + 1
        if self._anywhere and self._refusal is None and self._clean[at] == ord("\n"):
            self._close_garbled(at + 1, items)  # what is garbled of a line ends with it
        if not self._anywhere:
            self._fresh = False
        self._hand_on(at + 1, items)

    def _continues(self, refusal: Refusal) -> bool:
        before = Rank.FORM if self._refusal is None else self._refusal.rank
        if refusal.rank is Rank.FORM:
            return self._anywhere
        return refusal.rank is before and refusal.reason.startswith(CUT_SHORT)

    def _skip_to(self, end: int, items: list[Frame | Garbled]) -> None:
        """Everything before `end` is no start of a frame; hands out pieces that have grown to the bound."""
        if end > self._at and self._garbled_from is None:
            self._garbled_from, self._refusal = self._at, None
        self._at = end
        self._hand_on(end, items)

    def _hand_on(self, end: int, items: list[Frame | Garbled]) -> None:
        while self._garbled_from is not None and end - self._garbled_from >= self._piece:
            follows, refusal = self._garbled_from + self._piece, self._refusal
            self._close_garbled(follows, items)
            self._garbled_from, self._refusal = follows, refusal
            self._fresh = False

    def _close_garbled(self, end: int, items: list[Frame | Garbled], *, final: bool = False) -> None:
        if self._garbled_from is None or self._garbled_from == end:
            self._garbled_from = None
            return
        raw = self._raw[self._garbled_from : end]
        reason = self._refusal.reason if self._refusal else self._no_start(len(raw), final=final)
        items.append(Garbled(self._base + self._garbled_from, raw, reason))
        self._garbled_from = None
        self._fresh = False

    def _no_start(self, length: int, *, final: bool) -> str:
        if self._fresh and length < self._max and not final:
            return "joined in the middle of a frame"
        if self._anywhere:
            return self._no_form
        return f"no start of a frame ({' or '.join(f'{start:02x}' for start in self._starts)})"

    def _forget(self) -> None:
        done = self._at if self._garbled_from is None else self._garbled_from
        if not done:
            return
        self._before = self._clean[done - 1 : done]
        self._raw = self._raw[done:]
        self._clean = self._raw if self._mask is None else self._clean[done:]
        self._base += done
        self._at -= done
        if self._garbled_from is not None:
            self._garbled_from = 0


def _finder(starts: bytes) -> Callable[[bytes, int], int]:
    """Where the next of these bytes is, from a position on; -1 for nowhere."""
    if len(starts) == 1:
        return lambda data, at: data.find(starts, at)
    search = re.compile(b"[" + re.escape(starts) + b"]").search

    def find(data: bytes, at: int) -> int:
        found = search(data, at)
        return found.start() if found else -1

    return find
