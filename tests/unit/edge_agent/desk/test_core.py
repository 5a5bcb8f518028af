"""One lane's desk: who is released, when, and how often that is told."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.desk.core import acted, decided, officers_came, put_by, resumed, told_to_open
from edge_agent.desk.memory import recall, remember
from edge_agent.desk.state import MOST_RELEASED, MOST_STOPPED, LaneDesk, Opening, Release, Turn
from gate_contract.v1 import act_pb2 as pb
from gate_contract.v1.decision_pb2 import ACTION_HOLD, ACTION_RELEASE
from tests.unit.edge_agent.desk.desk_doubles import OFFICERS, act, opened, signed, told

EMPTY = LaneDesk("L1")
RELEASE = pb.Override(action=ACTION_RELEASE)


def after(lane: LaneDesk, message: pb.OfficerAct) -> Turn:
    return acted(lane, message.passage_id, *opened(message))


def test_what_nothing_speaks_against_is_released_once_by_its_decision() -> None:
    turn = decided(EMPTY, told("P1"))
    assert turn.releases == (Release("L1", "P1", 1, "decision"),)
    assert decided(turn.lane, told("P1")).releases == ()
    assert decided(turn.lane, told("P1", revision=2)).releases == ()


def test_what_is_held_is_stopped_until_every_authority_has_settled_its_own() -> None:
    turn = decided(EMPTY, told("P1", "D02", "P02"))
    assert (turn.releases, [stop.passage_id for stop in turn.stops]) == ((), ["P1"])
    turn = after(turn.lane, act("C-1", "P1", "a1"))
    assert turn.releases == ()
    turn = after(turn.lane, act("B-1", "P1", "a2"))
    assert turn.releases == (Release("L1", "P1", 1, "act a2"),)
    assert after(turn.lane, act("B-1", "P1", "a2")).releases == ()


def test_a_revision_with_a_new_hold_stops_again_and_acts_go_on_to_count() -> None:
    lane = after(decided(EMPTY, told("P1", "D02", at=10)).lane, act("C-1", "P1", "a1", at=20)).lane
    same = decided(lane, told("P1", "D02", revision=2, at=30))
    assert (same.releases, same.stops) == ((), ())
    worse = decided(same.lane, told("P1", "D02", "V01", revision=3, at=40))
    assert [stop.revision for stop in worse.stops] == [3]
    assert [hold.code for hold in worse.lane.kept[0].standing.holds if hold.stands] == ["V01"]
    assert after(worse.lane, act("C-1", "P1", "a2", at=50)).releases == (Release("L1", "P1", 3, "act a2"),)


def test_a_passage_behind_a_newer_one_opens_nothing_until_an_officer_says_so_before_it() -> None:
    lane = decided(decided(EMPTY, told("P1", "D02")).lane, told("P2", "D02")).lane
    turn = after(lane, act("C-1", "P1", "a1"))
    assert turn.releases == ()
    assert turn.lane.kept[0].released
    assert turn.lane.kept[0].opening is Opening.NOT
    turn = after(turn.lane, act("C-1", "P1", "a2", override=RELEASE))
    assert turn.releases == (Release("L1", "P1", 1, "act a2"),)
    assert not turn.lane.kept[1].released


def test_an_override_to_release_opens_anew_for_who_did_not_drive() -> None:
    lane = decided(EMPTY, told("P1")).lane
    assert after(lane, act("C-1", "P1", "a1", override=RELEASE)).releases == (Release("L1", "P1", 1, "act a1"),)
    assert after(lane, act("C-1", "P1", "a2")).releases == ()


def test_an_override_to_hold_stops_who_was_released() -> None:
    lane = decided(EMPTY, told("P1")).lane
    turn = after(lane, act("C-1", "P1", "a1", override=pb.Override(action=ACTION_HOLD)))
    assert [stop.passage_id for stop in turn.stops] == ["P1"]
    assert not turn.lane.kept[0].released


def test_who_backed_out_is_never_let_through() -> None:
    lane = decided(EMPTY, told("P1", "D02")).lane
    gone = decided(lane, told("P1", revision=2, gone=True))
    assert gone.releases == ()
    assert gone.lane.stopped == ()
    assert after(gone.lane, act("C-1", "P1", "a1", override=RELEASE)).releases == ()
    assert decided(EMPTY, told("P1", gone=True)).releases == ()


def test_a_decision_found_long_after_opens_nothing_but_is_kept_as_released() -> None:
    turn = decided(EMPTY, told("P1"), may_open=False)
    assert turn.releases == ()
    assert turn.lane.kept[0].released


def test_the_revision_of_a_passage_that_was_forgotten_opens_nothing() -> None:
    assert decided(EMPTY, told("P1", revision=2)).releases == ()
    assert decided(EMPTY, told("P1", "D02", revision=2)).stops


def test_the_oldest_are_forgotten_and_those_still_stopped_are_told() -> None:
    lane, forgotten = EMPTY, list[str]()
    for number in range(MOST_STOPPED + 2):
        turn = decided(lane, told(f"P{number}", "D02"))
        lane, forgotten = turn.lane, [*forgotten, *turn.forgotten]
    assert (forgotten, len(lane.stopped)) == (["P0", "P1"], MOST_STOPPED)
    for number in range(MOST_RELEASED + 3):
        turn = decided(lane, told(f"R{number}"))
        lane = turn.lane
        assert turn.forgotten == ()
    assert len(lane.kept) == MOST_STOPPED + MOST_RELEASED


def test_an_act_whose_officer_comes_to_be_known_later_counts_then() -> None:
    message = act("C-1", "P1")
    lane = put_by(decided(EMPTY, told("P1", "D02")).lane, "P1", signed(message))
    assert list(officers_came(lane, {})) == []
    ((passage_id, data, found),) = officers_came(lane, OFFICERS)
    turn = acted(lane, passage_id, data, found)
    assert turn.releases == (Release("L1", "P1", 1, "act a"),)
    assert turn.lane.kept[0].waiting == ()


def test_after_a_crash_between_remembering_and_telling_nobody_is_told_again() -> None:
    turn = decided(EMPTY, told("P1"))
    lane = recall("L1", remember(turn.lane))
    assert lane is not None
    assert lane.kept[0].opening is Opening.UNSURE
    assert decided(lane, told("P1", revision=2)).releases == ()
    done = recall("L1", remember(told_to_open(turn.lane, turn.releases)))
    assert done is not None
    assert done.kept[0].opening is Opening.DONE


def test_memory_gives_back_what_it_was_given_and_refuses_the_rest() -> None:
    lane = after(decided(EMPTY, told("P1", "D02", "V01")).lane, act("C-1", "P1", lift=pb.LiftHolds(codes=["D02"]))).lane
    lane = put_by(decided(lane, told("P1", "V01", revision=2)).lane, "P1", b"later")
    assert recall("L1", remember(lane)) == resumed(lane)
    for data in (b"", b"{}", b"[]", b'{"format": 2}', remember(lane)[:-9], b"\xff"):
        assert recall("L1", data) is None


EVENTS = st.one_of(
    st.tuples(
        st.just("decided"),
        st.sampled_from(["P1", "P2", "P3"]),
        st.integers(1, 4),
        st.sets(st.sampled_from(["D02", "V01", "W01", "P02"])),
    ),
    st.tuples(
        st.just("acted"),
        st.sampled_from(["P1", "P2", "P3"]),
        st.sampled_from(["C-1", "B-1"]),
        st.sampled_from(["lift", "inspect", "release", "hold"]),
    ),
    st.tuples(st.just("crash"), st.booleans(), st.just(0), st.just(0)),
)
WHAT: dict[str, dict[str, Any]] = {
    "lift": {"lift": pb.LiftHolds()},
    "inspect": {"inspection": pb.Inspection(result=pb.INSPECTION_RESULT_AS_DECLARED)},
    "release": {"override": RELEASE},
    "hold": {"override": pb.Override(action=ACTION_HOLD)},
}


@given(st.lists(EVENTS, max_size=14), st.randoms(use_true_random=False))
def test_whatever_happens_in_whatever_order_a_release_is_told_once_and_only_when_nothing_stands(
    events: list[tuple[Any, ...]], random: Random
) -> None:
    """Each event may be told twice, and the agent may end before or after those who open were told."""
    lane, durable, whole = EMPTY, remember(EMPTY), True
    heard: Counter[tuple[str, str]] = Counter()
    first: dict[str, int] = {}
    for number, (kind, *about) in enumerate(events):
        if kind == "crash":
            lane, whole = recall("L1", durable) or EMPTY, False
            continue
        for _ in range(random.choice([1, 1, 2])):
            turn = happened(lane, kind, about, number)
            durable = remember(turn.lane)
            if random.random() < 0.1:  # it ended before anybody was told
                lane, whole = recall("L1", durable) or EMPTY, False
                continue
            for release in turn.releases:
                heard[release.passage_id, release.cause] += 1
                kept = turn.lane.find(release.passage_id)
                assert kept is not None
                assert kept.standing.released
            lane = told_to_open(turn.lane, turn.releases)
        for each in lane.kept:
            first.setdefault(each.passage_id, each.revision)
            assert each.released == each.standing.released
    assert all(count == 1 for count in heard.values())
    if whole and lane.kept and lane.kept[-1].released and first[lane.kept[-1].passage_id] == 1:
        assert any(passage_id == lane.kept[-1].passage_id for passage_id, _ in heard)


def happened(lane: LaneDesk, kind: str, about: list[Any], number: int) -> Turn:
    at = 10 * (number + 1)
    if kind == "decided":
        passage_id, revision, codes = about
        return decided(lane, told(passage_id, *sorted(codes), revision=revision, at=at))
    passage_id, officer, what = about
    return after(lane, act(officer, passage_id, f"a{number}", at=at, **WHAT[what]))
