"""What may stand at each place of a plate, by several readings together; pure.

A slot is what one reading thinks of one place: a probability for each character, and for "" (nothing stands here).
A reading is a row of slots. Readings of different lengths are laid beside each other and pooled, place by place, as a
weighted mean: where readers disagree the pooled probability is low, and no wrong reader can make it high alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from edge_agent.vision.characters import Character

Slot: TypeAlias = Mapping[str, float]

ABSENT: Final = ""
SEPARATORS: Final = frozenset("·•・.,:;-_'`\"’‘“”。，、：; ~^*|")
"""Marks between the characters of a plate, screws and rivets among them; no part of its number."""
KEPT: Final = 5
"""Characters kept for a slot; the rest never decides anything."""
FAINT: Final = 0.1
"""A place where a character reaches this probability, though nothing is likelier, is still a slot."""
GAP: Final = -0.05
"""Cost of leaving a slot without a partner; less than any agreement, more than none."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reader's look at one crop.

    Attributes:
        slots: place by place from left to right.
        weight: how much it counts beside others; above 0.
    """

    slots: tuple[Slot, ...]
    weight: float = 1.0


def slots_of_ctc(probabilities: npt.NDArray[np.float32], alphabet: Sequence[str], blank: int) -> tuple[Slot, ...]:
    """Slots of a CTC network's output: one for each run of a character, and one for each faint character.

    Args:
        probabilities: (steps, classes), each row summing to 1.
        alphabet: the character of each class; classes beyond its end read as nothing.
        blank: the class that means nothing.
    """
    best = probabilities.argmax(1)
    slots: list[Slot] = []
    step = 0
    while step < len(best):
        end = step + 1
        while end < len(best) and best[end] == best[step]:
            end += 1
        run = probabilities[step:end]
        if best[step] != blank:
            slots.append(_slot(run[run[:, best[step]].argmax()], alphabet, blank))
        else:
            slots.extend(_faint(run, alphabet, blank))
        step = end
    return tuple(slots)


def _faint(run: npt.NDArray[np.float32], alphabet: Sequence[str], blank: int) -> list[Slot]:
    """The one likeliest character inside a run of blanks, when it is likely enough and not its neighbour's tail."""
    others = run.copy()
    others[:, blank] = 0
    row, kind = np.unravel_index(others.argmax(), others.shape)
    inner = 0 < row < len(run) - 1
    return [_slot(run[row], alphabet, blank)] if inner and others[row, kind] >= FAINT else []


def _slot(row: npt.NDArray[np.float32], alphabet: Sequence[str], blank: int) -> Slot:
    slot: dict[str, float] = {}
    for index in np.argsort(row)[::-1][:KEPT]:
        character = ABSENT if index == blank or index >= len(alphabet) else alphabet[index]
        slot[character] = slot.get(character, 0.0) + float(row[index])
    return slot


def slots_of_characters(characters: Iterable[Character]) -> tuple[Slot, ...]:
    """Slots of characters with alternatives; separators count as nothing, letters as capitals."""
    slots: list[Slot] = []
    for character in characters:
        slot: dict[str, float] = {}
        for text, probability in ((character.text, character.confidence), *character.alternatives):
            folded = ABSENT if text in SEPARATORS else text.upper()
            slot[folded] = slot.get(folded, 0.0) + probability
        if likeliest(slot) != ABSENT or _without_absent(slot) >= FAINT:
            slots.append(slot)
    return tuple(slots)


def _without_absent(slot: Slot) -> float:
    return sum(probability for character, probability in slot.items() if character != ABSENT)


def pool(readings: Sequence[Reading]) -> tuple[Slot, ...]:
    """Lay the readings beside each other and average them place by place; the first one is the backbone.

    A reading without a partner at a place counts as "" there, with its whole weight.
    """
    whole = 0.0
    pooled: list[dict[str, float]] = []
    for reading in readings:
        pooled = _merge(pooled, whole, reading)
        whole += reading.weight
    return tuple({character: mass / whole for character, mass in slot.items()} for slot in pooled)


def corroborate(one: Sequence[Slot], other: Sequence[Slot]) -> tuple[Slot, ...]:
    """Two readers of different make beside each other: what both say is surer than either, the rest is averaged.

    Where both hold the same character likeliest, it is wrong only when both are, each by its own mistake:
    1 - (1 - a)(1 - b). Readings of one reader must be pooled first; they repeat one another's mistakes.
    """
    both: list[Slot] = []
    for left, right in _pairs(one, 1.0, other):
        a: Slot = one[left] if left is not None else {ABSENT: 1.0}
        b: Slot = other[right] if right is not None else {ABSENT: 1.0}
        slot = {character: (a.get(character, 0.0) + b.get(character, 0.0)) / 2 for character in {**a, **b}}
        top = likeliest(a)
        if top == likeliest(b):
            sure = 1 - (1 - min(1.0, a[top])) * (1 - min(1.0, b[top]))
            rest = max(1e-9, sum(slot.values()) - slot[top])
            slot = {character: mass / rest * (1 - sure) for character, mass in slot.items()} | {top: sure}
        both.append(slot)
    return tuple(both)


def likeliest(slot: Slot) -> str:
    """Its most probable character; "" where that is nothing."""
    return max(slot, key=slot.__getitem__)


def _merge(pooled: list[dict[str, float]], whole: float, reading: Reading) -> list[dict[str, float]]:
    merged: list[dict[str, float]] = []
    for left, right in _pairs(pooled, whole, reading.slots):
        slot = dict(pooled[left]) if left is not None else {ABSENT: whole}
        other: Slot = reading.slots[right] if right is not None else {ABSENT: 1.0}
        for character, probability in other.items():
            slot[character] = slot.get(character, 0.0) + probability * reading.weight
        merged.append(slot)
    return merged


def _pairs(pooled: Sequence[Slot], whole: float, slots: Sequence[Slot]) -> list[tuple[int | None, int | None]]:
    """Which pooled slot belongs to which new one, by the greatest total agreement (Needleman and Wunsch 1970)."""
    if not whole:
        return [(None, index) for index in range(len(slots))]
    rows, columns = len(pooled), len(slots)
    score = np.zeros((rows + 1, columns + 1))
    score[1:, 0] = GAP * np.arange(1, rows + 1)
    score[0, 1:] = GAP * np.arange(1, columns + 1)
    agree = np.array([[_agreement(a, b) / whole for b in slots] for a in pooled]).reshape(rows, columns)
    for i in range(1, rows + 1):
        for j in range(1, columns + 1):
            score[i, j] = max(score[i - 1, j - 1] + agree[i - 1, j - 1], score[i - 1, j] + GAP, score[i, j - 1] + GAP)
    return _walk_back(score, agree)


def _walk_back(score: npt.NDArray[np.float64], agree: npt.NDArray[np.float64]) -> list[tuple[int | None, int | None]]:
    pairs: list[tuple[int | None, int | None]] = []
    i, j = score.shape[0] - 1, score.shape[1] - 1
    while i or j:
        if i and j and np.isclose(score[i, j], score[i - 1, j - 1] + agree[i - 1, j - 1]):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif i and np.isclose(score[i, j], score[i - 1, j] + GAP):
            i -= 1
            pairs.append((i, None))
        else:
            j -= 1
            pairs.append((None, j))
    return pairs[::-1]


def _agreement(a: Slot, b: Slot) -> float:
    return sum(mass * b.get(character, 0.0) for character, mass in a.items() if character != ABSENT)
