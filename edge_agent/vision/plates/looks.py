"""One plate found in a picture, looked at by two readers of different make until they are sure or nothing is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from edge_agent.vision.containers.text import TextReader
from edge_agent.vision.image import Image
from edge_agent.vision.plates.detector import Corners
from edge_agent.vision.plates.grammar import LETTERS, SIGNS, Choice, as_read, choose, fold
from edge_agent.vision.plates.rectify import TIGHT, TWO_ROWS, Margins, flatten, in_one_row, rows_of
from edge_agent.vision.plates.segfree import PlateNetwork
from edge_agent.vision.plates.slots import Reading, Slot, corroborate, pool, slots_of_characters
from gate_contract.rules.plates import PROVINCES

ALPHABET: Final = PROVINCES + SIGNS + LETTERS + "IO0123456789" + "·•.:-"
"""What the text reader may read on a plate: with I and O, which the grammar then takes for digits, and with the marks
that would otherwise be forced into letters."""

JITTER: Final = (Margins.even(0.03, 0.06), Margins.even(-0.015, -0.04))
"""Other crops of an unsure plate: corners are found to a few hundredths of its size."""
DOUBLE_CROPS: Final = (Margins(0.02, 0.12, 0.02, 0.04), TIGHT)
"""Crops of a plate of two rows: the detector's upper corners lie low on it."""
ENOUGH: Final = 0.9
FOREIGN: Final = 0.5
"""Confidence from which a text without a province is a plate of another region, where the grammar's text has less."""
FOREIGN_LENGTH: Final = range(5, 9)


@dataclass(frozen=True, slots=True)
class Judged:
    """What the readers make of one plate.

    Attributes:
        choice: text, characters and layout.
        agreed: both readers, each by itself, come to this text.
        double: it was read in two rows.
        foreign: it has no province and reads well: a plate of another region.
    """

    choice: Choice
    agreed: bool = False
    double: bool = False
    foreign: bool = False


class Looker:
    """The network for whole plates and the text reader, on crops of one plate."""

    def __init__(self, cv2: Any, network: PlateNetwork, text: TextReader) -> None:
        self._cv2, self._network, self._text = cv2, network, text

    def one_row(self, image: Image, corners: Corners, colour: str, *, thorough: bool, military: bool = False) -> Judged:
        """Read it as one row: once by each reader; when they are not sure, again on other crops.

        Args:
            image: uint8 (height, width, 3), blue green red.
            corners: of the plate.
            colour: of its ground.
            thorough: other crops are tried.
            military: its letters at the left are red, as only the forces' are.
        """
        whole: list[tuple[Slot, ...]] = []
        lines: list[tuple[Slot, ...]] = []
        judged = Judged(as_read(()))
        for margins in (TIGHT, *JITTER) if thorough else (TIGHT,):
            flat = flatten(self._cv2, image, corners, margins=margins)
            whole.append(self._network.read(flat))
            lines.append(self.line(flat))
            judged = _judge(whole, lines, colour, military)
            if judged.agreed and judged.choice.weakest >= ENOUGH:
                break
        return _or_foreign(judged, lines, colour)

    def two_rows(self, image: Image, corners: Corners, colour: str, *, thorough: bool) -> Judged:
        """Read it as two rows: joined into one line, and row by row; by the text reader alone."""
        readings: list[Reading] = []
        judged = Judged(as_read(()), double=True)
        for margins in DOUBLE_CROPS if thorough else DOUBLE_CROPS[:1]:
            upper, lower = rows_of(flatten(self._cv2, image, corners, TWO_ROWS, margins))
            readings.append(Reading(fold(self.line(in_one_row(self._cv2, upper, lower)))))
            readings.append(Reading(fold(self.line(upper) + self.line(lower))))
            judged = Judged(choose(pool(readings), colour), double=True)
            if judged.choice.layout and judged.choice.weakest >= ENOUGH:
                break
        return judged

    def line(self, crop: Image) -> tuple[Slot, ...]:
        """What the text reader sees in a line."""
        return slots_of_characters(self._text.read_line(crop, alphabet=ALPHABET).characters)


def _judge(whole: Sequence[tuple[Slot, ...]], lines: Sequence[tuple[Slot, ...]], colour: str, military: bool) -> Judged:
    first = pool([Reading(slots) for slots in whole])
    second = fold(pool([Reading(slots) for slots in lines]))
    choice = choose(corroborate(first, second), colour, military=military)
    alone = {choose(slots, colour, military=military).text for slots in (first, second)}
    return Judged(choice, agreed=choice.layout is not None and alone == {choice.text})


def _or_foreign(judged: Judged, lines: Sequence[tuple[Slot, ...]], colour: str) -> Judged:
    """The text reader's own text when it has no province, reads well, and the grammar had to bend it to a plate."""
    choice = judged.choice
    if judged.agreed or colour in ("blue", "green") or (choice.layout and choice.weakest >= FOREIGN):
        return judged
    plain = as_read(pool([Reading(slots) for slots in lines]))
    readable = len(plain.text) in FOREIGN_LENGTH and plain.text.isascii() and any(map(str.isdigit, plain.text))
    return Judged(plain, foreign=True) if readable and plain.weakest >= FOREIGN else judged
