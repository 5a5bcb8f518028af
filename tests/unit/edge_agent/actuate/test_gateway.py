"""A release opens once, a barrier comes down on nobody, and every opening has one outcome."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.actuate.gateway import (
    MOST_WAITING,
    Command,
    Gateway,
    GatewayState,
    Happening,
    Outcome,
    Release,
    Seen,
    Step,
    Stop,
    Trouble,
)
from edge_agent.actuate.settings import Actuator, Kind, LaneActuators
from edge_agent.actuate.words import Word
from edge_agent.app.gateway_wire import recalled, remembered
from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs

BARRIER = Actuator(
    "barrier", Kind.BARRIER, "io", {Word.OPEN: {"up": True}, Word.CLOSE: {"up": False}}, None, Word.CLOSE
)
LAMP = Actuator(
    "lamp",
    Kind.LAMP,
    "io",
    {Word.GREEN: {"g": True, "r": False}, Word.RED: {"r": True, "g": False}, Word.OFF: {"g": False, "r": False}},
    None,
    Word.RED,
)
LANE = LaneActuators("lane-1", (LAMP, BARRIER), "io", "loop-out", 30.0)
GO = Release("p1", 1, "decision")


def at(second: float) -> Moment:
    ns = int(second * SECOND)
    return Moment(WallNs(ns), MonoNs(ns), b"boot", synchronised=True)


class Played:
    """A gateway to which things happen one after the other."""

    def __init__(self, lane: LaneActuators = LANE, state: GatewayState | None = None) -> None:
        names = (f"a{number}" for number in count(1))
        self.gateway = Gateway(lane, lambda: next(names))
        self.state = state or GatewayState()
        self.commands: list[Command] = []
        self.outcomes: list[Outcome] = []
        self.unreleased = 0

    def happens(self, happening: Happening | None, second: float) -> Step:
        return self.taken(self.gateway.advance(self.state, happening, at(second)))

    def taken(self, step: Step) -> Step:
        self.state = step.state
        self.commands += step.commands
        self.outcomes += step.outcomes
        self.unreleased += step.unreleased
        return step

    def words(self) -> list[str]:
        said = [command.word.value for command in self.commands]
        self.commands.clear()
        return said

    def told(self) -> list[str]:
        return [outcome.text for outcome in self.outcomes]


def test_a_release_opens_and_whoever_passes_shuts_it_behind_them() -> None:
    gate = Played()
    gate.happens(GO, 0)
    assert gate.words() == ["open", "green"]
    gate.happens(Seen(occupied=True), 3)
    assert gate.words() == []
    gate.happens(Seen(occupied=False), 6)
    assert gate.words() == ["red", "close"]
    assert gate.told() == ["passed"]
    assert gate.outcomes[0].seen == at(6)


def test_a_second_revision_of_a_passage_opens_nothing() -> None:
    gate = Played()
    gate.happens(GO, 0)
    gate.happens(Seen(occupied=True), 1)
    gate.happens(Seen(occupied=False), 2)
    gate.words()
    gate.happens(replace(GO, revision=2), 3)
    gate.happens(Release("p1", 2, "act x"), 4)
    assert gate.words() == []


def test_who_did_not_drive_in_time_is_released_anew_by_a_person_only() -> None:
    gate = Played()
    gate.happens(GO, 0)
    gate.happens(None, 29.9)
    assert gate.outcomes == []
    gate.happens(None, 30)
    assert gate.told() == ["not passed within 30 s"]
    assert gate.words() == ["open", "green", "red", "close"]
    gate.happens(GO, 31)
    assert gate.words() == []
    gate.happens(Release("p1", 1, "act x"), 32)
    assert gate.words() == ["open", "green"]


def test_a_stop_takes_a_release_back_until_somebody_is_in_the_gateway() -> None:
    gate = Played()
    gate.happens(GO, 0)
    gate.words()
    gate.happens(Stop("p1", 2), 1)
    assert gate.words() == ["red", "close"]
    assert gate.told() == ["taken back before anybody passed"]
    gate = Played()
    gate.happens(GO, 0)
    gate.happens(Seen(occupied=True), 1)
    gate.words()
    gate.happens(Stop("p1", 2), 2)
    assert gate.words() == []


def test_a_stop_of_the_next_one_does_not_stop_the_one_that_drives() -> None:
    gate = Played()
    gate.happens(GO, 0)
    gate.words()
    gate.happens(Stop("p2", 1), 1)
    assert gate.words() == []
    gate.happens(Seen(occupied=True), 2)
    gate.happens(Seen(occupied=False), 3)
    assert gate.words() == ["red", "close"]


def test_releases_wait_for_each_other_and_the_barrier_stays_up_between_them() -> None:
    gate = Played()
    gate.happens(GO, 0)
    gate.happens(Release("p2", 1, "decision"), 1)
    gate.words()
    gate.happens(Seen(occupied=True), 2)
    gate.happens(Seen(occupied=False), 3)
    assert gate.words() == ["open", "green"]
    gate.happens(Seen(occupied=True), 4)
    gate.happens(Seen(occupied=False), 5)
    assert gate.words() == ["red", "close"]
    assert [outcome.opening.release.passage_id for outcome in gate.outcomes] == ["p1", "p2"]


def test_more_releases_than_vehicles_fit_are_not_remembered_as_used() -> None:
    gate = Played()
    for number in range(MOST_WAITING + 2):
        gate.happens(Release(f"p{number}", 1, "decision"), 0)
    assert len(gate.state.waiting) == MOST_WAITING
    assert gate.state.used == ("p0 decision",)


def test_whoever_goes_through_without_a_release_is_told_of() -> None:
    gate = Played()
    gate.happens(Seen(occupied=True), 0)
    assert gate.unreleased == 1
    gate.happens(Seen(occupied=False), 1)
    assert gate.words() == []


def test_trouble_says_the_fail_safe_words_but_closes_on_nobody() -> None:
    gate = Played()
    gate.happens(GO, 0)
    gate.words()
    gate.happens(Trouble("io does not answer"), 1)
    assert gate.words() == ["red", "close"]
    assert gate.told() == ["not known: io does not answer"]
    gate = Played()
    gate.happens(GO, 0)
    gate.happens(Seen(occupied=True), 1)
    gate.words()
    gate.happens(Trouble("io does not answer"), 2)
    assert gate.words() == ["red"]
    gate.happens(Seen(occupied=False), 3)
    assert gate.words() == ["red", "close"]


def test_after_a_restart_the_release_under_way_is_not_given_again() -> None:
    gate = Played()
    gate.happens(GO, 0)
    again = Played(state=gate.state)
    again.taken(again.gateway.resumed(again.state, at(1)))
    assert again.told() == ["not known: the agent was restarted"]
    again.happens(GO, 1)
    assert again.words() == ["red"]


def test_after_a_restart_the_barrier_comes_down_when_nobody_is_seen_under_it() -> None:
    gate = Played()
    gate.taken(gate.gateway.resumed(gate.state, at(1)))
    assert gate.words() == ["red"]
    gate.happens(Seen(occupied=True), 1)
    assert (gate.words(), gate.unreleased) == ([], 0)
    gate.happens(Seen(occupied=False), 2)
    assert gate.words() == ["red", "close"]
    unwatched = Played(replace(LANE, seen_device="", seen_input=""))
    unwatched.taken(unwatched.gateway.resumed(unwatched.state, at(1)))
    assert unwatched.words() == ["red", "close"]


def test_who_waited_behind_goes_on_after_a_restart_once_the_gateway_is_seen_empty() -> None:
    gate = Played()
    gate.happens(GO, 0)
    gate.happens(Release("p2", 1, "decision"), 1)
    again = Played(state=recalled(remembered(gate.state)))
    again.taken(again.gateway.resumed(again.state, at(1)))
    again.happens(None, 2)
    again.words()
    again.happens(Seen(occupied=False), 3)
    again.happens(None, 4)
    assert [command.passage_id for command in again.commands if command.word is Word.OPEN] == ["p2"]


def test_who_waited_long_ago_before_a_restart_is_not_let_through_by_it() -> None:
    gate = Played()
    gate.happens(GO, 0)
    gate.happens(Release("p2", 1, "decision"), 1)
    again = Played(state=recalled(remembered(gate.state)))
    again.taken(again.gateway.resumed(again.state, at(3600)))
    again.happens(Seen(occupied=False), 3601)
    again.happens(None, 3602)
    assert Word.OPEN not in {command.word for command in again.commands}
    again.happens(Release("p2", 1, "act x"), 3603)
    assert Word.OPEN in {command.word for command in again.commands}


def test_a_barrier_that_opens_when_in_trouble_stays_up() -> None:
    gate = Played(replace(LANE, actuators=(LAMP, replace(BARRIER, fail_safe=Word.OPEN))))
    gate.taken(gate.gateway.resumed(gate.state, at(1)))
    gate.happens(Seen(occupied=False), 1)
    assert gate.words() == ["red", "open"]


def test_a_lane_that_sees_nobody_is_shut_after_its_time_without_a_claim() -> None:
    gate = Played(replace(LANE, seen_device="", seen_input="", pass_within_s=8.0))
    gate.happens(GO, 0)
    gate.happens(None, 8)
    assert gate.words() == ["open", "green", "red", "close"]
    assert gate.told() == [""]


HAPPENINGS = st.one_of(
    st.builds(
        Release,
        st.sampled_from(["p1", "p2", "p3"]),
        st.integers(1, 3),
        st.sampled_from(["decision", "act x", "act y"]),
    ),
    st.builds(Stop, st.sampled_from(["p1", "p2", "p3"]), st.integers(1, 3)),
    st.builds(Seen, st.booleans()),
    st.builds(Trouble, st.just("trouble"), st.booleans()),
    st.none(),
)


@given(st.lists(st.tuples(HAPPENINGS, st.integers(0, 20), st.booleans()), max_size=60))
def test_whatever_happens_no_release_opens_twice_and_no_barrier_falls_on_somebody(
    story: list[tuple[Happening | None, int, bool]],
) -> None:
    gate, second = Played(), 0
    opened: list[str] = []
    occupied = False
    for happening, pause, crash in story:
        second += pause
        if isinstance(happening, Seen):
            occupied = happening.occupied
        step = gate.happens(happening, second)
        if crash:  # after the step was remembered; its commands may have been carried out
            opened += [f"{each.passage_id} {each.cause}" for each in step.commands if each.word is Word.OPEN]
            gate.state = recalled(remembered(gate.state))
            gate.taken(gate.gateway.resumed(gate.state, at(second)))
            step = gate.happens(Seen(occupied), second)
        for command in step.commands:
            if command.word is Word.OPEN:
                opened.append(f"{command.passage_id} {command.cause}")
            assert not (command.word is Word.CLOSE and occupied)
    assert len(opened) == len(set(opened))
    under_way = 1 if gate.state.opening is not None else 0
    assert len({outcome.opening.opening_id for outcome in gate.outcomes}) == len(gate.outcomes)
    assert len(gate.outcomes) + under_way == len(gate.state.used)
    passed = [outcome.opening.release.passage_id for outcome in gate.outcomes if outcome.text == "passed"]
    assert len(passed) == len(set(passed))
