"""Who asks wrongly too often has to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from collector.agents.guesses import ALLOWED, MAX_PEERS, WITHIN, Guesses

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def after_refusals(peer: str, *, number: int = ALLOWED) -> Guesses:
    guesses = Guesses()
    for second in range(number):
        guesses.refused(peer, NOW + second * SECOND)
    return guesses


def test_a_peer_waits_until_its_oldest_counted_refusal_is_a_minute_old() -> None:
    guesses = after_refusals("ipv4:10.0.0.7:50001")
    assert guesses.wait("ipv4:10.0.0.7:50002", NOW + 20 * SECOND) == 40 * SECOND
    assert guesses.wait("ipv4:10.0.0.7:50002", NOW + WITHIN) == timedelta()


def test_fewer_refusals_cost_nothing() -> None:
    assert after_refusals("ipv4:10.0.0.7:50001", number=ALLOWED - 1).wait("ipv4:10.0.0.7:5", NOW) == timedelta()


def test_other_hosts_are_not_held_up() -> None:
    assert after_refusals("ipv4:10.0.0.7:50001").wait("ipv4:10.0.0.8:50001", NOW) == timedelta()


def test_an_ipv6_network_of_one_customer_counts_as_one_host() -> None:
    guesses = after_refusals("ipv6:%5B2001:db8:1:2::7%5D:50001")
    assert guesses.wait("ipv6:%5B2001:db8:1:2:9::1%5D:50001", NOW) > timedelta()
    assert guesses.wait("ipv6:%5B2001:db8:1:3::7%5D:50001", NOW) == timedelta()


def test_a_clock_that_was_set_back_does_not_lock_out_for_longer() -> None:
    guesses = after_refusals("ipv4:10.0.0.7:50001")
    assert guesses.wait("ipv4:10.0.0.7:50001", NOW - timedelta(days=1)) == WITHIN


def test_the_peers_remembered_are_bounded() -> None:
    guesses = after_refusals("ipv4:10.0.0.7:1")
    for number in range(MAX_PEERS):
        guesses.refused(f"ipv4:10.1.{number >> 8}.{number & 255}:1", NOW)
    assert len(guesses._refused) == MAX_PEERS
    assert guesses.wait("ipv4:10.0.0.7:1", NOW) == timedelta()
