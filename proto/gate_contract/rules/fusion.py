"""Several reads of one plate, or of one container, made one: cameras at both ends, pictures taken twice. Pure.

A plate that one read tells, or that all tell alike, is left as it is. Tractor and trailer are two plates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from rapidfuzz.distance import Levenshtein

from gate_contract import iso6346
from gate_contract.rules import plates
from gate_contract.rules.facts import PlateFact
from gate_contract.rules.readings import ContainerFact
from gate_contract.rules.voting import PLAUSIBLE, Outcome, Vote, outcome, vote_of

APART: Final = 2
"""Edits up to which two texts are taken for reads of the same thing; cameras confuse look-alikes without an edit."""

MOST_READS: Final = 32
"""Texts of one passage that are compared with one another; the surest ones."""

Read = TypeVar("Read", PlateFact, ContainerFact)
Sorter = Callable[[list[str]], dict[str, str]]
"""Texts by one text that stands for the same thing."""


def fuse_plates(reads: Iterable[PlateFact], booked: Callable[[str], bool]) -> list[PlateFact]:
    """One read for each plate, surest first, those without a confidence last.

    Args:
        reads: of one passage, in order of arrival: equally sure ones stay in it.
        booked: whether a text is a plate that is booked for this passage. It speaks for a spelling that was read; it
            brings none in.
    """
    fused = []
    for group in _groups(list(reads), lambda each: each.text, _plates):
        if len({each.text for each in group}) == 1:
            fused.append(min(group, key=_surest))
        else:
            found = outcome(
                _votes(group, lambda each: each.text, _plates_alike),
                lambda text: PLAUSIBLE * ((plates.kind_of(text) is not None) + booked(text)),
            )
            fused.append(_voted(found, group))
    # sorted() is stable: equally sure ones stay in order of arrival.
    return sorted(fused, key=_surest)


def fuse_containers(reads: Sequence[ContainerFact], booked: Callable[[str], bool]) -> tuple[ContainerFact, ...]:
    """Every read in its place, each with the number that the reads of the same container come to.

    The check digit speaks for a number, it proves none: F for P, H for R, G for Q and M for W leave it right, so which
    of two such twins it is, is decided by the votes, and whether it is on the list stays C02's question. Two numbers
    that are both right, and no twins, are two containers: an owner's boxes often have consecutive numbers.
    """
    numbers: dict[int, str] = {}
    for group in _groups(list(reads), lambda each: each.number, _containers):
        if len({each.number for each in group}) > 1:
            found = outcome(
                _votes(group, lambda each: each.number, lambda _one, _other: False),
                lambda text: PLAUSIBLE * (iso6346.is_valid(text) + booked(text)),
            )
            numbers |= {id(each): found.text for each in group}
    return tuple(
        replace(each, number=number, read_as=each.number)
        if (number := numbers.get(id(each), each.number)) != each.number
        else each
        for each in reads
    )


def _voted(found: Outcome, group: list[PlateFact]) -> PlateFact:
    """A plate that no read says alone. As sure as its least sure character in the read that was surest of it."""
    sure = min(
        (max(_sure_of(each, place, found.text) for each in group) for place in range(len(found.text))), default=0.0
    )
    said = any(each.confidence is not None for each in group)
    return PlateFact(
        device_id=" and ".join(dict.fromkeys(sorted(each.device_id for each in group))),
        text=found.text,
        confidence=sure * found.share if said else None,
        late=all(each.late for each in group),
        voted_from=tuple(group),
    )


def _sure_of(read: PlateFact, place: int, text: str) -> float:
    """How sure a read was of a character of the text, where it has the same one in the same place."""
    if len(read.text) != len(text) or read.text[place] != text[place]:
        return 0.0
    return read.characters[place].confidence if read.characters else read.confidence or 0.0


def _votes(group: list[Read], text: Callable[[Read], str], alike: Callable[[str, str], bool]) -> list[Vote]:
    """One vote for each camera and text."""
    joined: dict[tuple[str, str], Vote] = {}
    for read in group:
        characters = [(each.confidence, dict(each.alternatives)) for each in read.characters]
        vote, key = vote_of(text(read), read.confidence, characters, alike), (read.device_id, text(read))
        joined[key] = joined[key].joined(vote) if key in joined else vote
    return list(joined.values())


def _groups(reads: list[Read], text: Callable[[Read], str], sorted_into: Sorter) -> list[list[Read]]:
    """Reads of the same thing together, in order of arrival; beyond MOST_READS texts each is a thing of its own."""
    texts = list(dict.fromkeys(text(each) for each in reads))
    if len(texts) > MOST_READS:
        sure = {each: max((read.confidence or 0.0) for read in reads if text(read) == each) for each in texts}
        texts = sorted(texts, key=lambda each: (-sure[each], each))[:MOST_READS]
    things = sorted_into(texts) if len(texts) > 1 else {}
    together: dict[str, list[Read]] = {}
    for read in reads:
        together.setdefault(things.get(text(read), text(read)), []).append(read)
    return list(together.values())


def _plates(texts: list[str]) -> dict[str, str]:
    """Texts that may be reads of one plate, under one of them. A trailer's ends in 挂, a tractor's never does."""

    def same(one: str, other: str) -> bool:
        if plates.is_trailer(one) != plates.is_trailer(other):
            return False
        return Levenshtein.distance(plates.folded(one), plates.folded(other), score_cutoff=APART) <= APART

    return _linked(texts, same)


def _containers(texts: list[str]) -> dict[str, str]:
    """Texts that may be reads of one container's number, under one of them.

    One that breaks ISO 6346 belongs to the right number one character away, where there is but one; where there is
    none, to others that break it.
    """
    right = [each for each in texts if iso6346.is_valid(each)]
    things = _linked(right, _twins)
    alone = []
    for each in texts:
        if each in things:
            continue
        near = {things[other] for other in right if Levenshtein.distance(each, other, score_cutoff=1) <= 1}
        if len(near) == 1:
            things[each] = near.pop()
        elif not near:
            alone.append(each)
    return things | _linked(alone, lambda one, other: Levenshtein.distance(one, other, score_cutoff=APART) <= APART)


def _twins(one: str, other: str) -> bool:
    """Whether two right numbers differ in one letter that the check digit cannot tell apart."""
    pairs = [pair for pair in zip(one, other, strict=True) if pair[0] != pair[1]]
    return len(pairs) == 1 and pairs[0][0] in iso6346.LETTERS


def _linked(texts: list[str], same: Callable[[str, str], bool]) -> dict[str, str]:
    """Each text under one text of all that are the same, step by step."""
    leader = {each: each for each in texts}
    for place, one in enumerate(texts):
        for other in texts[place + 1 :]:
            if leader[one] != leader[other] and same(one, other):
                old, new = leader[other], leader[one]
                leader |= {each: new for each, led in leader.items() if led == old}
    return leader


def _plates_alike(one: str, other: str) -> bool:
    return plates.folded(one) == plates.folded(other)


def _surest(read: PlateFact) -> tuple[bool, float]:
    return (read.confidence is None, -(read.confidence or 0.0))
