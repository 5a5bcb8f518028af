"""Several views of one container, one number: other cameras, other sides, other frames. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import prod

from edge_agent.vision.characters import Character
from edge_agent.vision.containers.number import ContainerRead
from edge_agent.vision.containers.slots import BODY, KINDS, WHOLE, choose, described, mixed, slot

ENOUGH = 2  # views that agree on a number whose check digit is right
LEAST_TOGETHER = 0.5  # the weakest character of a view that counts towards ENOUGH: none that the check digit chose


def vote(reads: Sequence[ContainerRead]) -> ContainerRead:
    """One read of several of the same container, from other cameras or frames.

    A number that passes its check digit wins over any that does not; of two that pass, the one with more confidence
    behind it, and then it is not unattended: views that contradict each other are for a person. Where none passes, the
    characters are voted place by place, each with all its alternatives, and the check digit chooses as for one view.

    Args:
        reads: at least one. All must be of one container: two containers on one truck are two votes.

    Returns:
        the number; box and layout are the best view's, the size-type code is the most frequent one.

    Raises:
        ValueError: there are no reads.
    """
    if not reads:
        raise ValueError("there is nothing to vote on: a vote needs at least one read")
    passing = [read for read in reads if read.check_digit_ok]
    voted = _best_passing(passing) if passing else _by_place(reads)
    return replace(voted, size_type=_most_frequent([read.size_type for read in reads]))


def _best_passing(reads: Sequence[ContainerRead]) -> ContainerRead:
    behind: Counter[str] = Counter()
    for read in reads:
        behind[read.text] += read.confidence  # type: ignore[assignment]  # a Counter of floats counts as well
    text = max(behind, key=lambda each: behind[each])
    views = [read for read in reads if read.text == text]
    best = max(views, key=lambda read: (read.unattended, read.confidence))
    agreeing = sum(read.confidence >= LEAST_TOGETHER for read in views) >= ENOUGH
    return replace(
        best,
        confidence=1 - prod(1 - read.confidence for read in views),
        unattended=len(behind) == 1 and (agreeing or best.unattended),
    )


def _by_place(reads: Sequence[ContainerRead]) -> ContainerRead:
    length = WHOLE if any(len(read.characters) == WHOLE for read in reads) else BODY
    rows = [
        tuple(slot(character, kind) for character, kind in zip(read.characters, KINDS, strict=False))
        for read in reads
        if len(read.characters) in {BODY, WHOLE}
    ]
    best = max(reads, key=lambda read: (len(read.characters), read.confidence))
    if not rows:
        return best
    heads = mixed([row[:BODY] for row in rows])
    tails = mixed([row[BODY:] for row in rows if len(row) == WHOLE]) if length == WHOLE else ()
    row = (*heads, *tails)
    chosen = choose(row)
    characters: tuple[Character, ...] = described(row, chosen)
    return replace(
        best,
        text=chosen.text,
        check_digit_ok=chosen.valid,
        confidence=min(chosen.confidences),
        characters=characters,
        unattended=False,
    )


def _most_frequent(codes: Sequence[str]) -> str:
    seen = Counter(code for code in codes if code)
    return seen.most_common(1)[0][0] if seen else ""
