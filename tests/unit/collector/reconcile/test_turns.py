from __future__ import annotations

from collector.reconcile.turns import BACKLOG, STEP_NS, Turns

NOW = 1_790_000_000_000_000_000


def test_live_passages_are_before_every_backlog_and_later_ones_after_earlier_ones() -> None:
    turns = Turns()
    backlog = turns.next(1, NOW, live=False)
    live = turns.next(2, NOW + 10**18, live=True)
    assert live < backlog
    assert turns.next(3, NOW + 10**18 + 1, live=True) > live
    assert turns.next(3, NOW + 1, live=False) > backlog
    assert backlog < 2**63


def test_a_flood_waits_for_itself_and_another_agents_passage_does_not() -> None:
    turns = Turns()
    flood = [turns.next(1, NOW, live=True) for _ in range(1000)]
    assert flood == sorted(set(flood))
    assert turns.next(2, NOW + STEP_NS, live=True) < flood[2]


def test_after_a_pause_a_turn_is_the_time_again() -> None:
    turns = Turns()
    for _ in range(10):
        turns.next(1, NOW, live=True)
    assert turns.next(1, NOW + 60 * 10**9, live=True) == NOW + 60 * 10**9
    assert BACKLOG > NOW
