"""Reads of many frames become one thing that went by: told once, soon when sure, and never two vehicles as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from edge_agent.app.vision_sightings import MOST_SIGHTINGS, SightingRules, Sightings, Told, overlap
from tests.unit.edge_agent.links.camera.parts import at, picture

IMAGE = picture()


@dataclass(frozen=True)
class Read:
    """As a plate or a container number."""

    text: str
    confidence: float = 0.95
    box: tuple[int, int, int, int] = (10, 10, 100, 30)
    unattended: bool = True


def unsure(text: str, confidence: float = 0.6, x: int = 10) -> Read:
    return Read(text, confidence, (x, 10, 100, 30), unattended=False)


def vote(reads: Sequence[Read]) -> Read:
    """The text that most reads have; sure when two sure ones have it."""
    texts = [read.text for read in reads]
    best = max(dict.fromkeys(texts), key=texts.count)
    same = [read for read in reads if read.text == best]
    return Read(best, max(read.confidence for read in same), unattended=sum(read.unattended for read in same) > 1)


class Lane:
    """Ten looks a second."""

    def __init__(self, rules: SightingRules | None = None) -> None:
        self.sightings = Sightings[Read](rules or SightingRules(), vote)
        self.now = 0.0
        self.told: list[tuple[float, Told[Read]]] = []

    def look(self, *reads: Read, times: int = 1) -> None:
        for _ in range(times):
            told = self.sightings.look(IMAGE, at(self.now), reads)
            self.told += [(round(self.now, 1), each) for each in told]
            self.now += 0.1

    @property
    def texts(self) -> list[str]:
        return [told.read.text for _, told in self.told]


def test_five_sure_reads_of_one_text_are_told_at_once_and_only_once() -> None:
    lane = Lane()
    lane.look(Read("A12345"), times=100)

    assert lane.texts == ["A12345"]
    when, told = lane.told[0]
    assert (when, told.frames, told.first) == (0.4, 5, at(0))


def test_what_is_voted_sure_is_told_after_two_seconds() -> None:
    lane = Lane()
    lane.look(Read("A12345"), times=2)
    lane.look(unsure("A12345"), times=40)

    assert [when for when, _ in lane.told] == [2.0]


def test_what_stays_unsure_is_told_at_the_end_of_patience() -> None:
    lane = Lane()
    lane.look(unsure("A12345"), times=100)

    assert [when for when, _ in lane.told] == [8.0]
    assert not lane.told[0][1].read.unattended


def test_what_drives_off_early_is_told_when_it_is_gone() -> None:
    lane = Lane()
    lane.look(unsure("A12345"), times=3)
    lane.look(times=20)

    assert lane.texts == ["A12345"]
    assert 1.5 <= lane.told[0][0] <= 2.0


def test_misreads_of_one_plate_are_voted_together() -> None:
    lane = Lane()
    for text in ("A12345", "A12346", "A12345", "B12345", "A12345"):
        lane.look(unsure(text))
    lane.look(times=20)

    assert lane.texts == ["A12345"]
    assert lane.told[0][1].frames == 5


def test_a_read_that_is_quite_wrong_belongs_to_the_plate_in_its_place() -> None:
    lane = Lane()
    lane.look(unsure("A12345"), times=2)
    lane.look(unsure("8TZZ"), times=1)
    lane.look(unsure("A12345"), times=3)
    lane.look(times=20)

    assert lane.texts == ["A12345"]


def test_two_sure_plates_that_differ_in_one_character_are_two_vehicles() -> None:
    lane = Lane()
    lane.look(Read("A12345"), times=10)
    lane.look(Read("A12346"), times=10)

    assert lane.texts == ["A12345", "A12346"]


def test_two_vehicles_in_one_picture_are_told_apart() -> None:
    lane = Lane()
    lane.look(Read("A12345"), Read("B99999", box=(400, 10, 100, 30)), times=10)

    assert sorted(lane.texts) == ["A12345", "B99999"]


def test_a_vehicle_that_stands_for_minutes_is_told_once() -> None:
    lane = Lane()
    lane.look(Read("A12345"), times=6)
    lane.now += 600  # nothing moves: nothing is looked at
    lane.look(Read("A12345"), times=5)
    lane.look(times=30)

    assert lane.texts == ["A12345"]


def test_a_plate_that_is_hidden_for_a_while_is_not_told_again_and_tomorrow_it_is() -> None:
    lane = Lane()
    lane.look(Read("A12345"), times=6)
    lane.look(times=100)
    lane.look(Read("A12345"), times=6)
    assert lane.texts == ["A12345"]
    lane.look(times=400)
    lane.look(Read("A12345"), times=6)
    assert lane.texts == ["A12345", "A12345"]


@pytest.mark.parametrize(("confidence", "told"), [(0.3, []), (0.7, ["SHOP"])])
def test_what_was_read_once_and_unsurely_is_no_plate(confidence: float, told: list[str]) -> None:
    lane = Lane()
    lane.look(unsure("SHOP", confidence))
    lane.look(times=20)

    assert lane.texts == told


def test_the_best_picture_is_the_one_that_was_read_most_surely() -> None:
    sightings = Sightings[Read](SightingRules(), vote)
    images = [picture(number) for number in range(3)]
    for number, confidence in enumerate((0.6, 0.8, 0.7)):
        sightings.look(images[number], at(number / 10), [unsure("A12345", confidence)])
    (told,) = sightings.end(at(1))

    assert told.best.image is images[1]
    assert told.best.at == at(0.1)


def test_at_the_end_of_the_pictures_what_was_under_way_is_told() -> None:
    lane = Lane()
    lane.look(unsure("A12345"), times=2)
    assert lane.sightings.under_way == 1

    assert [told.read.text for told in lane.sightings.end(at(5))] == ["A12345"]
    assert lane.sightings.end(at(6)) == []


def test_memory_is_bounded_however_much_is_read() -> None:
    lane = Lane()
    for number in range(200):
        reads = [unsure(f"{number:03}{place:03}XY", x=1000 * place) for place in range(20)]
        lane.look(*reads)
        assert len(lane.sightings._all) <= MOST_SIGHTINGS
    lane.look(Read("A12345"), times=300)
    assert all(len(each.reads) <= SightingRules().most_reads for each in lane.sightings._all)


def test_overlap_is_what_is_shared_of_what_is_covered() -> None:
    assert overlap((0, 0, 10, 10), (0, 0, 10, 10)) == 1
    assert overlap((0, 0, 10, 10), (5, 0, 10, 10)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 10, 10), (10, 0, 10, 10)) == 0
