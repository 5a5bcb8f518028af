"""One plate as it was read, and one plate read in several frames; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from edge_agent.errors import EdgeAgentError
from edge_agent.vision.characters import Character, weakest
from edge_agent.vision.plates.grammar import Choice, choose
from edge_agent.vision.plates.slots import Reading, pool, slots_of_characters

UNATTENDED: Final = 0.9
"""Confidence from which a read needs no person, unless the manifest of plate-reader says another. Where it comes from:
docs/vision/plates.md."""
BROKEN: Final = 0.89
"""Most confidence of a text that breaks the grammar, however well its characters read: something is missing."""
DOUBT: Final = 0.5
"""Confidence from which a frame that says something else keeps a vote from being unattended."""
MOST_VOTES: Final = 32
"""Reads that one vote looks at; the surest ones."""


@dataclass(frozen=True, slots=True)
class PlateRead:
    """One plate in one picture, or in the frames of one passage.

    Attributes:
        text: its characters in order, without the dot; "" is never reported.
        confidence: 0..1, the weakest character's; at most BROKEN when the text breaks the mainland's grammar.
        characters: each with its confidence and what else it may have been.
        box: x, y, width, height of the upright rectangle around it, in the picture's pixels.
        kind: "blue", "yellow", "yellow-double", "green", "white", "white-double", "black", "blue-double",
            "green-double", "black-double", "unknown", or "western" for a plate of another region.
        colour: of its ground: "blue", "yellow", "green", "white", "black" or "unknown".
        grammar_ok: the text is one that a mainland plate can have.
        unattended: it was read surely enough to be used without a person, by the calibration in docs/vision/plates.md.
        layout: which order of characters it has, as `gate_contract.rules.plates.GRAMMAR` names it; "" for none.
    """

    text: str
    confidence: float
    characters: tuple[Character, ...]
    box: tuple[int, int, int, int]
    kind: str
    colour: str
    grammar_ok: bool
    unattended: bool
    layout: str = ""

    def moved(self, box: tuple[int, int, int, int]) -> PlateRead:
        """The same read at another place."""
        return replace(self, box=box)


def read_of(
    choice: Choice,
    *,
    box: tuple[int, int, int, int],
    colour: str,
    double: bool,
    trusted: bool = True,
    threshold: float = UNATTENDED,
) -> PlateRead:
    """The read that a choice amounts to.

    Args:
        choice: text and layout.
        box: where.
        colour: of the ground.
        double: it has two rows.
        trusted: how it was read belongs to what the threshold was measured on.
        threshold: confidence from which the read needs no person.
    """
    layout = choice.layout
    fits = layout is not None and colour in layout.colours
    return PlateRead(
        text=choice.text,
        confidence=choice.weakest if layout else min(BROKEN, choice.weakest),
        characters=choice.characters,
        box=box,
        kind=f"{colour}-double" if double and colour != "unknown" else colour,
        colour=colour,
        grammar_ok=layout is not None,
        unattended=trusted and fits and choice.weakest >= threshold,
        layout=layout.name if layout else "",
    )


def vote(reads: Sequence[PlateRead]) -> PlateRead:
    """The plate that several frames of one passage show, character by character.

    Reads of different lengths are laid beside each other; each frame counts by its own confidence, so that a sharp
    frame outweighs blurred ones. The box is the surest frame's; kind and colour are what most weight says.

    Frames of one passage repeat each other's mistakes, so agreement alone makes nothing sure: the result is unattended
    when a frame that says the same text is, and no frame as sure as DOUBT says another. Its confidence is then at least
    that frame's.

    Raises:
        EdgeAgentError: no read at all.
    """
    if not reads:
        raise EdgeAgentError("No plate can be voted", cause="no frame of the passage has a read")
    best = sorted(reads, key=lambda read: (-read.grammar_ok, -read.confidence))[:MOST_VOTES]
    kind = _most(best, "kind")
    if len(best) == 1 or kind == "western":
        return best[0]
    colour = _most(best, "colour")
    pooled = pool([Reading(slots_of_characters(read.characters), _weight(read)) for read in best])
    voted = replace(
        read_of(choose(pooled, colour), box=best[0].box, colour=colour, double=False, trusted=False), kind=kind
    )
    witness = next((read for read in best if read.unattended and read.text == voted.text), None)
    if witness is None or any(read.text != voted.text and read.confidence >= DOUBT for read in best):
        return voted
    characters = tuple(
        max(pair, key=lambda character: character.confidence)
        for pair in zip(voted.characters, witness.characters, strict=True)
    )
    return replace(voted, characters=characters, confidence=weakest(characters), unattended=True)


def _weight(read: PlateRead) -> float:
    return max(0.01, read.confidence) ** 2 * (1.0 if read.grammar_ok else 0.25)


def _most(reads: Sequence[PlateRead], attribute: str) -> str:
    counted: defaultdict[str, float] = defaultdict(float)
    for read in reads:
        value: str = getattr(read, attribute)
        counted[value] += _weight(read) * (0.1 if value == "unknown" else 1.0)
    return max(counted, key=lambda value: counted[value])
