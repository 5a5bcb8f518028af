"""Several reads of one text, voted by character: what was most likely written there. Pure; docs/rules.md reckons.

Each read gives every text a likelihood: a character that was read counts as surely as the reader was of it, another
one as the reader's alternative says, or little, or somewhat more where cameras confuse the two. A text's score is the
sum of the logarithms over all reads. Candidates are put together only from characters that some read has in that
place, so that nothing is concluded which no camera saw.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Final

from rapidfuzz.distance import Levenshtein

FLOOR: Final = 0.01
"""Least chance of a character that a reader did not name, and of one that it left out or made up. Readers are surer of
themselves than they are right: no single read rules a character out."""

LOOK_ALIKE: Final = 0.1
"""Least chance of a character that cameras take for the one that was read."""

OTHERS: Final = 34
"""Characters of a plate's alphabet besides the one that was read: what a reader is not sure of is spread over them."""

UNSAID: Final = 0.5
"""Confidence of a read that gives none."""

LEAST_SURE, MOST_SURE = 0.2, 0.999
"""Bounds of a character's confidence in the vote."""

PLAUSIBLE: Final = math.log(20)
"""What speaks for a text beforehand: a plate by its grammar, or one that is booked, is taken for twenty times as
likely. Less than one read's word for a character (log(1 / FLOOR)), so a majority of reads outvotes it."""

MOST_CANDIDATES: Final = 256
"""Beyond so many combinations only the reads themselves are candidates."""


@dataclass(frozen=True, slots=True)
class Characters:
    """How sure a reader was of each character, 0 to 1, and what else it may have been, with its chance."""

    sure: tuple[float, ...]
    others: tuple[Mapping[str, float], ...]


@dataclass(frozen=True, slots=True)
class Vote:
    """One reader's word. `alike` says whether cameras take one character for another."""

    text: str
    characters: Characters
    alike: Callable[[str, str], bool]

    def joined(self, other: Vote) -> Vote:
        """Two reads of the same text by one reader: one word, as decided as the more decided of the two.

        A camera that makes a mistake makes it again, so its repetitions are no independent witnesses.
        """
        pairs = list(zip(self.characters.others, other.characters.others, strict=True))
        merged = Characters(
            tuple(map(max, self.characters.sure, other.characters.sure)),
            tuple(
                MappingProxyType(
                    {
                        each: min(self.chance(place, each), other.chance(place, each))
                        for each in sorted({*mine, *theirs})
                    }
                )
                for place, (mine, theirs) in enumerate(pairs)
            ),
        )
        return Vote(self.text, merged, self.alike)

    def chance(self, place: int, character: str) -> float:
        """How likely that character stood there; never likelier than the one that was read."""
        sure = self.characters.sure[place]
        if character == self.text[place]:
            return sure
        spread = max(FLOOR, (1 - sure) / OTHERS)
        least = max(LOOK_ALIKE, spread) if self.alike(self.text[place], character) else spread
        return min(sure, self.characters.others[place].get(character, least))

    def likelihood(self, text: str) -> float:
        """Natural logarithm of the chance that this was read where `text` was written."""
        parts = [math.log(sure) for sure in self.characters.sure]
        for edit in Levenshtein.editops(self.text, text):
            if edit.tag == "insert":
                parts.append(math.log(FLOOR))
                continue
            place, replaced = edit.src_pos, edit.tag == "replace"
            read = self.chance(place, text[edit.dest_pos]) if replaced else FLOOR
            parts += [-math.log(self.characters.sure[place]), math.log(read)]
        return math.fsum(parts)


def vote_of(
    text: str,
    confidence: float | None,
    characters: Sequence[tuple[float, Mapping[str, float]]],
    alike: Callable[[str, str], bool],
) -> Vote:
    """A read as a vote.

    Args:
        text: as read; not empty.
        confidence: of the whole, 0 to 1; None when the reader does not say. Where `characters` is empty it is spread:
            each character is as sure as makes them all together as sure as that.
        characters: confidence of each character and of its alternatives; empty when the reader does not say.
        alike: whether cameras take one character for the other.
    """
    if characters:
        sure = tuple(_bounded(each) for each, _others in characters)
        others = tuple(
            {name: max(value, FLOOR) for name, value in sorted(named.items())} for _sure, named in characters
        )
        return Vote(text, Characters(sure, others), alike)
    spread = _bounded(max(UNSAID if confidence is None else confidence, 0.0) ** (1 / len(text)))
    return Vote(text, Characters((spread,) * len(text), ({},) * len(text)), alike)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The likeliest text, and its share (0 to 1) of all candidates' likelihood."""

    text: str
    share: float


def outcome(votes: Iterable[Vote], prior: Callable[[str], float]) -> Outcome:
    """What the votes come to; their order does not matter. There is at least one.

    `prior` is the logarithm of how much likelier than others a text is before anything was read. What all read alike
    stays, whatever speaks against it.
    """
    ballots = list(votes)
    scores = {
        text: math.fsum([prior(text), *(vote.likelihood(text) for vote in ballots)]) for text in _candidates(ballots)
    }
    text = max(scores, key=lambda each: (scores[each], each))
    return Outcome(text, 1 / math.fsum(math.exp(score - scores[text]) for _text, score in sorted(scores.items())))


def _candidates(votes: Sequence[Vote]) -> set[str]:
    """Texts that can be put together from what was read in each place, by reads of one length; and the reads."""
    found = {vote.text for vote in votes}
    for length in sorted({len(text) for text in found}):
        columns = [sorted(set(column)) for column in zip(*(t for t in found if len(t) == length), strict=True)]
        if math.prod(map(len, columns)) <= MOST_CANDIDATES:
            found |= set(map("".join, product(*columns)))
    return found


def _bounded(confidence: float) -> float:
    return min(max(confidence, LEAST_SURE), MOST_SURE)
