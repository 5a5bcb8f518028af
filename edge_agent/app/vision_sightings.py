"""What is read in frame after frame becomes one thing that went by: the reads of one plate or container, voted.

Pure: time is the frames' own. A sighting begins with the first read of a text, takes the reads that are like it or
stand in the same place, and is told once: when enough sure reads agree, when it has been looked at long enough, or when
it is gone. Only frames that were looked at count: while nothing moves, whoever stood there still stands there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from rapidfuzz.distance import Levenshtein

from edge_agent.links.camera.frames import Picture
from edge_agent.model.moment import Moment

MOST_SIGHTINGS = 8
"""At once, those that have just gone included; more do not fit into a picture of a lane."""

LONGEST_LOOK_S = 1.0
"""What one look without it counts at most: between two looks nobody knows."""

OVERLAP = 0.3
NEAR_S = 1.0


class TextRead(Protocol):
    """A text that was read in a picture: a plate or a container number."""

    @property
    def text(self) -> str:
        """As read."""
        ...

    @property
    def confidence(self) -> float:
        """The weakest character's, 0..1."""
        ...

    @property
    def box(self) -> tuple[int, int, int, int]:
        """x, y, width, height in the picture's pixels."""
        ...

    @property
    def unattended(self) -> bool:
        """Read surely enough to be used without a person."""
        ...


R = TypeVar("R", bound=TextRead)


@dataclass(frozen=True, slots=True)
class SightingRules:
    """When a sighting is told.

    Attributes:
        enough: sure reads of the same text: then at once.
        decide_s: after its first read, if the vote is sure.
        patience_s: after its first read, in any case.
        gone_s: looked at for so long without it, it is gone.
        again_s: the same text within so long after it was gone is the same vehicle.
        edits: texts that differ in at most so many characters may be the same.
        least_confidence: of what was read in one frame only; less is taken for a misread of something else.
        most_reads: kept for the vote, the surest ones.
    """

    enough: int = 5
    decide_s: float = 2.0
    patience_s: float = 8.0
    gone_s: float = 1.5
    again_s: float = 30.0
    edits: int = 2
    least_confidence: float = 0.5
    most_reads: int = 24


@dataclass(frozen=True, slots=True, eq=False)
class Look(Generic[R]):
    """A picture, when it was captured, and a read in it."""

    image: Picture
    at: Moment
    read: R


@dataclass(frozen=True, slots=True, eq=False)
class Told(Generic[R]):
    """A sighting's outcome.

    Attributes:
        read: the vote.
        first: when it was first read.
        best: the picture in which it was read most surely.
        frames: in how many it was read.
    """

    read: R
    first: Moment
    best: Look[R]
    frames: int


@dataclass(slots=True, eq=False)
class _Sighting(Generic[R]):
    """`text` is what it is taken for, `best` the surest picture until it is told, `sure` counts sure reads by text."""

    first: Moment
    last: Moment
    text: str
    best: Look[R] | None = None
    reads: list[R] = field(default_factory=list)
    frames: int = 0
    unseen_s: float = 0.0
    told: bool = False
    gone_at: Moment | None = None
    box: tuple[int, int, int, int] = (0, 0, 0, 0)
    sure: Counter[str] = field(default_factory=Counter)


class Sightings(Generic[R]):
    """Those of one camera. Keeps a bounded number of reads, and one picture each of a bounded number of sightings."""

    def __init__(self, rules: SightingRules, vote: Callable[[Sequence[R]], R]) -> None:
        """`vote` makes one read of several, at least one."""
        self._rules, self._vote = rules, vote
        self._all: list[_Sighting[R]] = []
        self._looked: Moment | None = None

    @property
    def under_way(self) -> int:
        """Sightings that are not told yet."""
        return sum(not each.told for each in self._all)

    def look(self, image: Picture, at: Moment, reads: Sequence[R]) -> list[Told[R]]:
        """One picture that was looked at, with what was read in it; what is to be told now."""
        passed_s = min(LONGEST_LOOK_S, at.seconds_since(self._looked)) if self._looked is not None else 0.0
        self._looked = at
        seen: list[_Sighting[R]] = []
        for read in sorted(reads, key=lambda each: -each.confidence):
            if read.text and (sighting := self._place(read, image, at, seen)) is not None:
                seen.append(sighting)
        told = []
        for sighting in self._all:
            if sighting not in seen:
                self._missed(sighting, passed_s, at)
            if not sighting.told and self._is_ripe(sighting, at):
                told += self._tell(sighting)
        self._forget(at)
        return told

    def end(self, at: Moment) -> list[Told[R]]:
        """No pictures come any more: everything is gone; what is to be told."""
        told = []
        for sighting in self._all:
            sighting.gone_at = sighting.gone_at or at
            if not sighting.told:
                told += self._tell(sighting)
        self._forget(at)
        return told

    def _place(self, read: R, image: Picture, at: Moment, taken: Sequence[_Sighting[R]]) -> _Sighting[R] | None:
        """The sighting that a read belongs to, a new one if need be; None when there are too many."""
        free = [each for each in self._all if each not in taken]
        likeness = [(self._likeness(each, read, at), -number) for number, each in enumerate(free)]
        best, number = max(likeness, default=(0.0, 0))
        look = Look(image, at, read)
        if best > 0:
            sighting = free[-number]
        elif len(self._all) < MOST_SIGHTINGS:
            sighting = _Sighting(at, at, read.text)
            self._all.append(sighting)
        else:
            return None
        self._add(sighting, look)
        return sighting

    def _likeness(self, sighting: _Sighting[R], read: R, at: Moment) -> float:
        """0 for another vehicle's, more the likelier it is the same."""
        if sighting.text == read.text:
            return 3.0
        if sighting.sure and read.unattended:
            return 0.0  # two sure reads that differ are of two vehicles, however alike: fleets have plates in a row
        edits = Levenshtein.distance(sighting.text, read.text)
        if sighting.gone_at is not None:
            return 1.0 if edits <= 1 else 0.0
        if edits <= self._rules.edits:
            return 2.0 - edits / 10
        near = at.seconds_since(sighting.last) <= NEAR_S
        return 1.0 if near and overlap(sighting.box, read.box) >= OVERLAP else 0.0

    def _add(self, sighting: _Sighting[R], look: Look[R]) -> None:
        read = look.read
        sighting.last, sighting.box, sighting.unseen_s, sighting.gone_at = look.at, read.box, 0.0, None
        sighting.frames += 1
        if sighting.told:
            return
        if read.unattended:
            sighting.sure[read.text] += 1
        sighting.reads.append(read)
        if len(sighting.reads) > self._rules.most_reads:
            sighting.reads.remove(min(sighting.reads, key=_rank))
        if sighting.best is None or _rank(read) >= _rank(sighting.best.read):
            sighting.best = look
        sighting.text = max(sighting.sure, key=lambda text: sighting.sure[text], default=sighting.best.read.text)

    def _missed(self, sighting: _Sighting[R], passed_s: float, at: Moment) -> None:
        sighting.unseen_s += passed_s
        if sighting.gone_at is None and sighting.unseen_s >= self._rules.gone_s:
            sighting.gone_at = at

    def _is_ripe(self, sighting: _Sighting[R], at: Moment) -> bool:
        age_s = at.seconds_since(sighting.first)
        if sighting.gone_at is not None or age_s >= self._rules.patience_s:
            return True
        if max(sighting.sure.values(), default=0) >= self._rules.enough:
            return True
        return age_s >= self._rules.decide_s and self._vote(sighting.reads).unattended

    def _tell(self, sighting: _Sighting[R]) -> list[Told[R]]:
        """Told once, and then only remembered by its text; nothing where it is taken for a misread."""
        best, reads = sighting.best, sighting.reads
        sighting.told, sighting.best, sighting.reads = True, None, []
        if best is None:
            return []
        voted = self._vote(reads)
        sighting.text = voted.text
        if sighting.frames == 1 and voted.confidence < self._rules.least_confidence:
            return []
        return [Told(voted, sighting.first, best, sighting.frames)]

    def _forget(self, at: Moment) -> None:
        self._all = [
            each for each in self._all if each.gone_at is None or at.seconds_since(each.gone_at) < self._rules.again_s
        ]
        while len(self._all) >= MOST_SIGHTINGS and (gone := [each for each in self._all if each.gone_at is not None]):
            self._all.remove(gone[0])


def _rank(read: TextRead) -> tuple[bool, float]:
    return read.unattended, read.confidence


def overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    """What two boxes share of what they cover together, 0..1."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)
