from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate_contract.rules import plates
from gate_contract.rules.voting import FLOOR, MOST_CANDIDATES, PLAUSIBLE, Outcome, Vote, outcome, vote_of

Said = tuple[float, Mapping[str, float]]


def alike(one: str, other: str) -> bool:
    return plates.folded(one) == plates.folded(other)


def a_vote(text: str, confidence: float | None = 0.9, characters: Sequence[Said] = ()) -> Vote:
    return vote_of(text, confidence, characters, alike)


def plain(_text: str) -> float:
    return 0.0


def voted(*votes: Vote) -> str:
    return outcome(votes, plain).text


def test_two_cameras_that_each_misread_another_character_tell_the_whole_plate() -> None:
    one = a_vote("琼A1234S", characters=[*[(0.95, {})] * 6, (0.5, {"5": 0.4})])
    other = a_vote("琼AI2345", characters=[(0.95, {}), (0.95, {}), (0.5, {"1": 0.45}), *[(0.95, {})] * 4])
    assert voted(one, other) == "琼A12345"


def test_the_surer_character_wins_and_not_the_surer_read() -> None:
    sure_but_for_the_last = a_vote("琼A12346", characters=[*[(0.99, {})] * 6, (0.4, {})])
    unsure_but_for_the_last = a_vote("琼A12345", characters=[*[(0.6, {})] * 6, (0.95, {})])
    assert voted(sure_but_for_the_last, unsure_but_for_the_last) == "琼A12345"


def test_a_majority_outvotes_one_surer_read() -> None:
    assert voted(a_vote("琼A12346", 0.99), a_vote("琼A12345", 0.7), a_vote("琼A12345", 0.7)) == "琼A12345"


def test_a_character_that_the_other_camera_thought_of_is_likelier_than_one_that_it_did_not() -> None:
    thought_of = a_vote("琼A1234S", characters=[*[(0.9, {})] * 6, (0.5, {"X": 0.45})])
    assert thought_of.likelihood("琼A1234X") > thought_of.likelihood("琼A12345") > thought_of.likelihood("琼A1234Y")


def test_a_read_that_lost_a_character_votes_for_the_others() -> None:
    lost = a_vote("琼A1345", 0.8)
    assert voted(lost, a_vote("琼A12345", 0.8), a_vote("琼A12346", 0.7)) == "琼A12345"
    assert lost.likelihood("琼A12345") == pytest.approx(math.log(0.8 * FLOOR))


def test_nothing_is_concluded_that_no_read_has_in_that_place() -> None:
    reads = [a_vote("琼A1234S", characters=[*[(0.9, {})] * 6, (0.4, {"5": 0.39})]), a_vote("琼A1234G", 0.9)]
    assert outcome(reads, lambda text: 100.0 * (text == "琼A12345")).text in {"琼A1234S", "琼A1234G"}


def test_what_is_plausible_decides_between_equals_and_not_against_a_majority() -> None:
    def prior(text: str) -> float:
        return PLAUSIBLE * (text == "琼A12346")

    surer, less_sure = a_vote("琼A12345", 0.9), a_vote("琼A12346", 0.4)
    assert voted(surer, less_sure) == "琼A12345"
    assert outcome([surer, less_sure], prior).text == "琼A12346"
    assert outcome([surer, surer, less_sure], prior).text == "琼A12345"


def test_a_camera_that_repeats_itself_is_heard_once_as_surely_as_it_ever_was() -> None:
    first, again = a_vote("琼A12345", 0.4), a_vote("琼A12345", 0.9)
    joined = first.joined(again)
    assert joined.characters.sure == again.characters.sure
    assert joined.likelihood("琼A12345") == again.likelihood("琼A12345")
    torn = a_vote("琼A12345", characters=[*[(0.9, {})] * 6, (0.5, {"6": 0.4})])
    assert joined.joined(torn).likelihood("琼A12346") == again.likelihood("琼A12346")


def test_reads_that_agree_in_nothing_are_voted_in_little_time() -> None:
    chance = random.Random(4)
    votes = [a_vote("".join(chance.choices("ABCDEFGH12345", k=8)), 0.5) for _ in range(30)]
    assert outcome(votes, plain).text in {vote.text for vote in votes}
    assert len({vote.text for vote in votes}) ** 8 > MOST_CANDIDATES


_texts = st.text("1I2ZS5", min_size=5, max_size=5).map("琼A".__add__)
_chances = st.floats(0, 1)


@st.composite
def votes(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> Vote:
    """Of one text; half of the readers say how sure they are of each character."""
    text, confidence = draw(texts), draw(st.one_of(st.none(), _chances))
    chance = random.Random(draw(st.integers(0, 1 << 16)))
    characters = [
        (chance.random(), {each: chance.random() for each in chance.sample("1IZ2S5B8", chance.randrange(3))})
        for _ in text
    ]
    return a_vote(text, confidence, characters if chance.random() < 0.5 else [])


@st.composite
def ballots(draw: st.DrawFn) -> list[Vote]:
    """A few reads that differ in at most three places: a passage's."""
    base = draw(_texts)
    places = draw(st.sampled_from([(), (2,), (3, 6), (2, 4, 5)]))
    changes = st.text("1I5SX", min_size=len(places), max_size=len(places))

    def near(new: str) -> str:
        changed = dict(zip(places, new, strict=True))
        return "".join(changed.get(at, character) for at, character in enumerate(base))

    return draw(st.lists(votes(changes.map(near)), min_size=1, max_size=5))


def prior(text: str) -> float:
    return PLAUSIBLE * (plates.kind_of(text) is not None)


@settings(max_examples=50)
@given(ballots(), st.randoms(use_true_random=False))
def test_the_order_of_the_votes_does_not_matter(given_votes: list[Vote], chance: random.Random) -> None:
    shuffled = chance.sample(given_votes, len(given_votes))
    assert outcome(shuffled, prior) == outcome(given_votes, prior)


@settings(max_examples=50)
@given(_texts, st.data())
def test_what_all_read_alike_stays_whatever_speaks_against_it(text: str, data: st.DataObject) -> None:
    alikes = data.draw(st.lists(votes(st.just(text)), min_size=1, max_size=4))
    assert outcome(alikes, lambda each: 100.0 * (each != text)) == Outcome(text, 1.0)


@settings(max_examples=50)
@given(ballots(), st.data())
def test_a_vote_that_agrees_never_lowers_the_winner(given_votes: list[Vote], data: st.DataObject) -> None:
    before = outcome(given_votes, prior)
    after = outcome([*given_votes, data.draw(votes(st.just(before.text)))], prior)
    assert after.text == before.text
    assert after.share >= before.share - 1e-12


@settings(max_examples=50)
@given(votes(_texts), votes(_texts))
def test_no_text_is_likelier_than_the_one_that_was_read(vote: Vote, other: Vote) -> None:
    assert vote.likelihood(other.text) <= vote.likelihood(vote.text)


@settings(max_examples=50)
@given(st.data())
def test_repetitions_are_heard_the_same_in_any_order(data: st.DataObject) -> None:
    one, two, three = (data.draw(votes(st.just("琼A12345"))) for _ in range(3))
    ways = [one.joined(two).joined(three), three.joined(one.joined(two)), two.joined(three).joined(one)]
    for text in ("琼A12345", "琼A1234S", "琼A1I345", "琼AB2345"):
        assert len({way.likelihood(text) for way in ways}) == 1
