"""Which vehicle comes to which lane, and in which order."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain

from edge_agent.simulate.story.playing import GATES, in_order, shared_out
from edge_agent.simulate.story.telling import Teller, Telling
from edge_agent.simulate.story.vehicles import INJECTIONS, clean

LANES = [lane for lanes in GATES.values() for lane in lanes]


def a_story() -> list[Telling]:
    teller = Teller(7, datetime(2026, 3, 1, 6, 30, tzinfo=UTC), "macun")
    tellings = [clean(teller) for _ in range(20)] + [each.tell(teller) for each in INJECTIONS for _ in range(2)]
    return [each for each in tellings if not each.told]


def test_everybody_comes_to_one_lane_of_the_right_kind_and_lanes_of_a_kind_share_alike() -> None:
    story = a_story()
    shares = shared_out(story, LANES)
    assert sorted(map(id, chain(*shares))) == sorted(map(id, story))
    for share, lane in zip(shares, LANES, strict=True):
        assert {each.where for each in share} == {lane.where}
    scales = [len(share) for share, lane in zip(shares, LANES, strict=True) if lane.where == "scale"]
    assert max(scales) - min(scales) <= 1


def test_who_waits_for_something_comes_after_everybody_else_of_the_lane() -> None:
    for share in shared_out(a_story(), LANES):
        waits = [each.waits for each in share]
        assert waits == sorted(waits)


def test_a_vehicle_comes_when_it_may() -> None:
    share = [each for each in a_story() if each.name in ("clean", "control order expired")]
    asked = [visit.when() for visit in in_order(share, lambda: False)]
    assert asked == [True] * 20 + [False] * 2
