"""How fast evidence goes."""

from __future__ import annotations

import pytest

from edge_agent.uplink.pace import LEAST_BYTES, MOST_BYTES, PIECE_S, RATE_BYTES_S, Pace


def settle(bytes_s: float, round_trip_s: float) -> Pace:
    pace = Pace()
    for _ in range(20):
        pace.took(pace.piece_bytes, round_trip_s, round_trip_s + pace.piece_bytes / bytes_s)
    return pace


@pytest.mark.parametrize("round_trip_s", [0.001, 0.4])
def test_a_piece_is_what_the_line_takes_in_its_time(round_trip_s: float) -> None:
    assert PIECE_S / 2 <= settle(1_000_000, round_trip_s).piece_bytes / 1_000_000 <= PIECE_S * 1.01


def test_pieces_have_bounds() -> None:
    assert settle(1_000, 0.0).piece_bytes == LEAST_BYTES
    assert settle(1e9, 0.0).piece_bytes == MOST_BYTES


def test_the_end_of_a_small_blob_says_nothing_of_a_fast_line() -> None:
    pace = Pace()
    pace.took(100, 0.0, 0.001)
    assert pace.piece_bytes == LEAST_BYTES


def test_evidence_keeps_below_its_rate_and_takes_a_small_part_of_a_busy_line() -> None:
    pace = Pace()
    assert pace.pause_s(RATE_BYTES_S, 0.25, busy=False) == 0.75
    assert pace.pause_s(1, 0.25, busy=False) == 0.0
    assert pace.pause_s(1, 0.25, busy=True) == 0.75
