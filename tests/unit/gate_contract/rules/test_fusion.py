from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate_contract import iso6346
from gate_contract.orders import Opened
from gate_contract.rules import OrderIndex, Policy
from gate_contract.rules.characters import characters_of
from gate_contract.rules.facts import PassageFacts, PlateFact
from gate_contract.rules.fusion import fuse_containers, fuse_plates
from gate_contract.rules.matching import MatchKind, match_booking
from gate_contract.rules.plates import normalise
from gate_contract.rules.readings import ContainerFact
from gate_contract.v1 import passage_pb2, reading_pb2
from gate_contract.v1.decision_pb2 import ACTION_HOLD, Decision
from gate_contract.v1.order_pb2 import ControlOrder, Selector
from tests.unit.gate_contract.rules.builders import (
    HOLD,
    HOUR,
    NOON,
    PLATE,
    RELEASE,
    REVIEW,
    a_box,
    a_container,
    a_context,
    a_declaration,
    a_passage,
    a_plate,
    codes,
    judge,
    other_bookings,
    the_finding,
)

BOX = "CSQU3054383"
NEXT_BOX = "CSQU3054399"
"""Another of the same owner, one serial number later."""


def a_read(text: str, confidence: float | None = 0.9, *, camera: str = "camera-1") -> passage_pb2.PlateRead:
    return passage_pb2.PlateRead(device_id=camera, text=text, confidence=confidence)


def with_characters(text: str, *chances: float, camera: str = "camera-1") -> passage_pb2.PlateRead:
    characters = [
        reading_pb2.CharacterRead(text=each, confidence=chance) for each, chance in zip(text, chances, strict=True)
    ]
    return passage_pb2.PlateRead(device_id=camera, text=text, confidence=min(chances), characters=characters)


def facts(*reads: passage_pb2.PlateRead) -> list[PlateFact]:
    return [PlateFact.of(read) for read in reads]


def fused(*reads: passage_pb2.PlateRead, booked: Sequence[str] = ()) -> list[PlateFact]:
    return fuse_plates(facts(*reads), booked.__contains__)


def texts(found: list[PlateFact]) -> list[str]:
    return [each.text for each in found]


def test_one_read_is_left_as_it_is() -> None:
    (read,) = facts(a_read("琼AI234"))
    assert fuse_plates([read], lambda _plate: True) == [read]


def test_reads_that_say_the_same_are_the_surest_of_them() -> None:
    found = fused(a_read(PLATE, 0.7), a_read(PLATE, 0.9, camera="camera-2"), a_read(PLATE, None, camera="camera-3"))
    assert found == facts(a_read(PLATE, 0.9, camera="camera-2"))


def test_two_cameras_tell_together_what_neither_told_alone() -> None:
    one = with_characters("琼A1234S", 0.95, 0.95, 0.95, 0.95, 0.95, 0.95, 0.5)
    other = with_characters("琼A1Z345", 0.95, 0.95, 0.95, 0.6, 0.95, 0.95, 0.95, camera="camera-2")
    (found,) = fused(one, other)
    assert (found.text, found.device_id, found.late) == (PLATE, "camera-1 and camera-2", False)
    assert found.voted_from == tuple(facts(one, other))
    assert found.confidence is not None
    assert 0.3 < found.confidence < 0.95
    assert found.source == f"voted from 2 reads of camera-1 and camera-2, confidence {found.confidence:.2f}"


def test_the_grammar_decides_between_spellings_that_were_read() -> None:
    assert texts(fused(a_read("琼AI2345", 0.9), a_read(PLATE, 0.8, camera="camera-2"))) == [PLATE]
    assert texts(fused(a_read("琼A1234", 0.95), a_read(PLATE, 0.5, camera="camera-2"))) == [PLATE]


def test_a_booking_lifts_a_spelling_that_was_read_unless_a_majority_read_another() -> None:
    surer, booked = a_read("琼A12346", 0.99), a_read(PLATE, 0.4, camera="camera-2")
    assert texts(fused(surer, booked)) == ["琼A12346"]
    assert texts(fused(surer, booked, booked=[PLATE])) == [PLATE]
    third = a_read("琼A12346", 0.8, camera="camera-3")
    assert texts(fused(surer, booked, third, booked=[PLATE])) == ["琼A12346"]


def test_a_booking_brings_in_no_character_that_was_not_read() -> None:
    reads = (a_read("琼A1234S", 0.3), a_read("琼A1234B", 0.3, camera="camera-2"))
    assert texts(fused(*reads, booked=[PLATE])) == texts(fused(*reads))


def test_a_camera_that_repeats_its_mistake_is_one_witness() -> None:
    again = [a_read("琼A12346", 0.9) for _ in range(5)]
    others = [a_read(PLATE, 0.9, camera=f"camera-{number}") for number in (2, 3)]
    assert texts(fused(*again, *others)) == [PLATE]


def test_tractor_and_trailer_are_never_one_plate() -> None:
    found = fused(a_read("琼A1234挂", 0.6), a_read("琼A12345", 0.9, camera="camera-2"))
    assert sorted(texts(found)) == ["琼A12345", "琼A1234挂"]
    assert not any(each.voted_from for each in found)


def test_plates_that_differ_in_three_characters_are_two_vehicles() -> None:
    assert texts(fused(a_read("琼A12399", 0.8), a_read("琼A12456", 0.9))) == ["琼A12456", "琼A12399"]
    assert len(fused(a_read("琼A12399", 0.8), a_read("琼A12455", 0.9))) == 2
    assert len(fused(a_read("琼A12399", 0.8), a_read("琼A12355", 0.9))) == 1


def test_reads_without_a_confidence_come_last_also_when_they_are_voted() -> None:
    found = fused(a_read("京B11111", None), a_read("京B11112", None, camera="camera-2"), a_read(PLATE, 0.1))
    assert texts(found)[0] == PLATE
    assert found[1].confidence is None


def test_a_passage_with_very_many_reads_is_fused_in_little_time() -> None:
    chance = random.Random(7)
    reads = [a_read("琼A" + "".join(chance.choices("0123456789", k=5)), chance.random()) for _ in range(300)]
    found = fuse_plates(facts(*reads), lambda _plate: False)
    assert {each.text for each in found} <= {read.text for read in reads} | {e.text for e in found if e.voted_from}
    assert 250 < sum(len(each.voted_from) or 1 for each in found) <= 300


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        (PLATE, "琼A1234"),
        (PLATE, "琼A12346"),
        (PLATE, ["琼A", "12345"]),
        ("琼A·123 45", "琼A·123 45"),
    ],
)
def test_characters_that_do_not_make_up_the_text_are_not_used(text: str, characters: Sequence[str]) -> None:
    messages = [reading_pb2.CharacterRead(text=each, confidence=0.9) for each in characters]
    assert characters_of(normalise(text), messages, normalise) == ()


def test_characters_are_used_as_they_are_compared() -> None:
    choice = [
        reading_pb2.CharacterChoice(text="ｓ", confidence=0.3),
        reading_pb2.CharacterChoice(text="", confidence=0.1),
        reading_pb2.CharacterChoice(text="8", confidence=math.nan),
    ]
    (found,) = characters_of(
        "5", [reading_pb2.CharacterRead(text="５", confidence=0.6, alternatives=choice)], normalise
    )
    assert (found.confidence, found.alternatives) == (0.6, (("S", 0.3),))
    assert characters_of("5", [reading_pb2.CharacterRead(text="5", confidence=math.nan)], normalise) == ()


# Through the rule book.


def outvoted() -> list[passage_pb2.PlateRead]:
    return [a_read("琼A12346", 0.9, camera=f"camera-{number}") for number in (1, 2)] + [a_read(PLATE, 0.5, camera="x")]


def test_the_finding_shows_the_voted_plate_and_the_reads_it_came_from() -> None:
    finding = the_finding(judge(a_passage(plates=outvoted()), [a_declaration()]), "V01")
    assert finding.action == REVIEW
    assert [(each.name, each.value) for each in finding.inputs[:4]] == [
        ("plate_read", "琼A12346"),
        ("plate_voted_from", "琼A12346"),
        ("plate_voted_from", "琼A12346"),
        ("plate_voted_from", PLATE),
    ]
    assert finding.inputs[0].source.startswith("voted from 3 reads of camera-1 and camera-2 and x, confidence 0.")
    assert [each.source for each in finding.inputs[1:4]] == [
        "camera-1, confidence 0.90",
        "camera-2, confidence 0.90",
        "x, confidence 0.50",
    ]


def test_what_was_voted_and_is_booked_passes_without_a_finding() -> None:
    reads = [a_read("琼A1234S", 0.9), a_read("琼A12346", 0.8, camera="camera-2"), a_read(PLATE, 0.7, camera="camera-3")]
    assert codes(judge(a_passage(plates=reads), [a_declaration(), *other_bookings(20)])) == []


def test_another_vehicle_beside_it_is_told_and_not_voted() -> None:
    reads = [a_read("琼A12346", 0.9), a_read("京B99999", 0.3, camera="camera-2")]
    finding = the_finding(judge(a_passage(plates=reads), [a_declaration()]), "V01")
    assert [each.name for each in finding.inputs[:2]] == ["plate_read", "plate_also_read"]


def test_a_control_order_is_found_by_what_was_read_and_by_what_was_voted() -> None:
    one = with_characters("琼A1234X", 0.95, 0.95, 0.95, 0.95, 0.95, 0.95, 0.4)
    other = with_characters("琼A1734K", 0.95, 0.95, 0.95, 0.4, 0.95, 0.95, 0.95, camera="camera-2")

    def hit(plate: str) -> Decision:
        order = ControlOrder(
            order_id="O-1",
            version=1,
            authority="customs",
            selectors=[Selector(plate=plate)],
            action=ACTION_HOLD,
            valid_from_unix_ns=NOON - HOUR,
            expires_unix_ns=NOON + HOUR,
        )
        index = OrderIndex([Opened(order, "wang", "li", "active")])
        return judge(a_passage(plates=[one, other]), [], replace(a_context(), orders=index))

    for plate in ("琼A1234X", "琼A1734K", "琼A1234K"):
        assert hit(plate).action == HOLD
    assert hit("琼A1734X").action == RELEASE


# Containers.


def a_box_read(number: str, confidence: float = 0.9, camera: str = "camera-1") -> ContainerFact:
    seen = reading_pb2.ContainerSeen(number=number, confidence=confidence, unattended=True)
    return ContainerFact.of(reading_pb2.Reading(device_id=camera, container=seen))


def numbers(*reads: ContainerFact, booked: Sequence[str] = ()) -> list[str]:
    return [each.number for each in fuse_containers(reads, booked.__contains__)]


def test_two_views_of_a_container_tell_its_number_together() -> None:
    one, other = a_box_read("CSQU3054883"), a_box_read("CSQV3054383", camera="camera-2")
    found = fuse_containers([one, other], lambda _number: False)
    assert [each.number for each in found] == [BOX, BOX]
    assert [each.read_as for each in found] == ["CSQU3054883", "CSQV3054383"]
    assert found[0].source == "camera-1, read as CSQU3054883, confidence 0.90"


def test_a_broken_view_beside_a_right_one_is_that_one() -> None:
    assert numbers(a_box_read(BOX, 0.5), a_box_read("CSQU3054388", 0.99)) == [BOX, BOX]


def test_two_right_numbers_are_two_containers_and_a_view_between_them_is_neither() -> None:
    assert iso6346.is_valid(NEXT_BOX)
    assert numbers(a_box_read(BOX), a_box_read(NEXT_BOX)) == [BOX, NEXT_BOX]
    between = "CSQU3054393"
    assert numbers(a_box_read(BOX), a_box_read(NEXT_BOX), a_box_read(between)) == [BOX, NEXT_BOX, between]


@pytest.mark.parametrize(("seen", "listed"), ["FP", "HR", "GQ", "MW"])
def test_the_check_digit_does_not_decide_between_letters_that_it_cannot_tell_apart(seen: str, listed: str) -> None:
    other = f"{listed}BLU123456" + iso6346.check_digit(f"{listed}BLU123456")
    read = seen + other[1:]
    surer = [a_box_read(read, 0.95, "camera-1"), a_box_read(read, 0.95, "camera-2"), a_box_read(other, 0.6, "camera-3")]
    assert numbers(*surer, booked=[other]) == [read, read, read], "a majority is not talked round by the list"
    assert numbers(*surer[1:], booked=[other]) == [other, other]
    decision = judge(
        a_passage(
            readings=[a_container(read, device="camera-1"), a_container(read, device="camera-2"), a_container(other)]
        ),
        [a_declaration(equipment=[a_box(other)], box_tare="0")],
    )
    assert (decision.action, codes(decision)) == (HOLD, ["C02"])


def test_a_voted_number_that_is_not_listed_is_held_though_its_check_digit_is_right() -> None:
    views = [a_container("CSQU3054883"), a_container("CSQV3054383", device="camera-3")]
    decision = judge(a_passage(readings=views), [a_declaration(equipment=[a_box("MSKU1234565")], box_tare="0")])
    assert (decision.action, codes(decision)) == (HOLD, ["C02"])
    finding = the_finding(decision, "C02")
    assert [(each.value, "read as" in each.source) for each in finding.inputs[:2]] == [(BOX, True), (BOX, True)]
    listed = judge(a_passage(readings=views), [a_declaration(equipment=[a_box(BOX)], box_tare="0")])
    assert codes(listed) == []


def test_a_booking_is_found_by_a_container_that_no_single_view_tells() -> None:
    views = [a_container("CSQU3054883"), a_container("CSQV3054383", device="camera-3")]
    facts_of_it = PassageFacts.of(a_passage(plates=[], readings=views))
    found = match_booking(facts_of_it, [a_declaration(equipment=[a_box(BOX)])], Policy.default())
    assert (found.kind, [each.declaration_id for each in found.declarations]) == (MatchKind.CONTAINER, ["D-1"])


# Properties.

_chances = st.floats(0, 1)
_near = st.tuples(st.sampled_from("12ZI"), st.sampled_from("5S8B")).map(lambda two: f"琼A1{two[0]}34{two[1]}")


@st.composite
def plate_reads(draw: st.DrawFn, text: st.SearchStrategy[str] = _near) -> passage_pb2.PlateRead:
    found, camera = draw(text), f"camera-{draw(st.integers(1, 3))}"
    chance = random.Random(draw(st.integers(0, 1 << 16)))
    if chance.random() < 0.5:
        return with_characters(found, *(chance.random() for _ in found), camera=camera)
    return a_read(found, draw(st.one_of(st.none(), _chances)), camera=camera)


@settings(max_examples=50)
@given(st.lists(plate_reads(), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(reads: list[passage_pb2.PlateRead], chance: random.Random) -> None:
    (one,), (other,) = fused(*reads), fused(*chance.sample(reads, len(reads)))
    assert (one.text, one.confidence) == (other.text, other.confidence)


@settings(max_examples=50)
@given(st.lists(plate_reads(), min_size=1, max_size=5), st.data())
def test_an_agreeing_read_never_lowers_the_plate_that_won(
    reads: list[passage_pb2.PlateRead], data: st.DataObject
) -> None:
    (before,) = fused(*reads)
    (after,) = fused(*reads, data.draw(plate_reads(st.just(before.text))))
    assert after.text == before.text
    assert (after.confidence or 0) >= (before.confidence or 0) - 1e-12


@settings(max_examples=50)
@given(st.lists(plate_reads(st.just(PLATE)), min_size=1, max_size=4), st.booleans())
def test_unanimous_reads_stay(reads: list[passage_pb2.PlateRead], booked: bool) -> None:
    (found,) = fused(*reads, booked=["琼A12346"] if booked else [])
    assert found in facts(*reads)
    passage = PassageFacts.of(a_passage(plates=reads))
    assert match_booking(passage, [a_declaration()], Policy.default()).kind is MatchKind.EXACT


@settings(max_examples=30)
@given(st.lists(plate_reads(), min_size=1, max_size=4), st.lists(st.sampled_from([BOX, NEXT_BOX, "CSQU3054388"])))
def test_what_is_concluded_was_read_in_every_place(reads: list[passage_pb2.PlateRead], boxes: list[str]) -> None:
    (found,) = fused(*reads, booked=[PLATE])
    for place, character in enumerate(found.text):
        assert character in {read.text[place] for read in reads}
    voted = fuse_containers([a_box_read(number) for number in boxes], lambda _number: True)
    assert len(voted) == len(boxes)
    assert {each.number for each in voted} <= set(boxes)


def test_a_plate_that_is_seen_and_not_read_takes_no_part() -> None:
    assert codes(judge(a_passage(plates=[a_plate(""), PLATE]), [a_declaration()])) == []
