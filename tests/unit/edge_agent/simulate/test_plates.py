from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.simulate import plates
from edge_agent.simulate.anpr import PlateColour

colours = st.sampled_from(list(plates.SHAPES))
chances = st.integers().map(random.Random)


@given(colours, chances)
def test_every_plate_made_is_valid_for_its_colour(colour: PlateColour, chance: random.Random) -> None:
    plate = plates.make_plate(colour, chance)
    assert plates.valid(plate, colour)
    assert not set(plate) & set("IO")


def test_validity_follows_the_published_shapes() -> None:
    assert plates.valid("琼A12345", "yellow")
    assert plates.valid("琼AF12345", "newEnergyGreen")
    assert plates.valid("琼A12345D", "newEnergyYellowGreen")
    assert not plates.valid("琼A1234", "yellow")
    assert not plates.valid("琼A1234O", "yellow")
    assert not plates.valid("琼A12345D", "newEnergyGreen")
    assert not plates.valid("港A12345", "blue")


@given(colours, chances)
def test_a_lookalike_is_a_valid_plate_with_one_confusable_character_changed(
    colour: PlateColour, chance: random.Random
) -> None:
    plate = plates.make_plate(colour, chance)
    twin = plates.lookalike_of(plate, colour, chance)
    if twin is None:
        return
    assert plates.valid(twin, colour)
    changed = [{one, other} for one, other in zip(plate, twin, strict=True) if one != other]
    assert len(changed) == 1
    assert any(changed[0] <= set(group) for group in plates.LOOKALIKES)
    assert plates.edits_apart(plate, twin) == 0


def test_some_plates_have_no_lookalike_and_most_have() -> None:
    chance = random.Random(1)
    assert plates.lookalike_of("琼A34937", "yellow", chance) is None
    assert plates.lookalike_of("琼A38937", "yellow", chance) == "琼A3B937"
    assert plates.lookalike_of("琼A38937D", "newEnergyYellowGreen", chance) is None  # letters stand in one place only


@given(colours, chances)
def test_a_wrong_plate_differs_in_two_characters_that_no_camera_confuses(
    colour: PlateColour, chance: random.Random
) -> None:
    plate = plates.make_plate(colour, chance)
    other = plates.other_plate_than(plate, colour, chance)
    assert plates.valid(other, colour)
    assert sum(one != two for one, two in zip(plate, other, strict=True)) == 2
    assert plates.edits_apart(plate, other) == 2


def test_edits_count_lookalikes_as_equal_and_a_swap_as_one() -> None:
    assert plates.edits_apart("琼A12345", "琼A12345") == 0
    assert plates.edits_apart("琼A82345", "琼AB2345") == 0
    assert plates.edits_apart("琼A12345", "琼A12354") == 1
    assert plates.edits_apart("琼A12345", "琼A1234") == 1
    assert plates.fewest_edits("琼A12345", ["粤B77777", "琼A12377"]) == 2
