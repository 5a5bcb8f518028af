from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.errors import EdgeAgentError
from edge_agent.simulate.frames import ToledoContinuousFrames, YaohuaA9Frames, rounded

CAPTURES = Path(__file__).resolve().parents[5] / "shared" / "captures"


def captured(protocol: str) -> dict[str, dict[str, Any]]:
    index = CAPTURES / protocol / "expected.jsonl"
    if not index.exists():
        pytest.skip(f"no captures beside this checkout ({index})")
    samples = [json.loads(line) for line in index.read_text(encoding="utf-8").splitlines()]
    return {sample["id"]: sample for sample in samples}


def test_a_yaohua_frame_equals_the_one_computed_by_hand_from_the_makers_table() -> None:
    # + 0 0 0 0 8 0, no decimals: 2B ^ 30^30^30^30 ^ 38 ^ 30 ^ 30 = 13h
    assert YaohuaA9Frames(Decimal(20)).encode(Decimal(80)) == bytes.fromhex("02 2b 30 30 30 30 38 30 30 31 33 03")


def test_yaohua_frames_equal_every_good_captured_frame_of_the_same_weight() -> None:
    compared = 0
    for name, sample in captured("yaohua_a9_tf0").items():
        if sample["bytes"] != 12 or not sample["expected"]["readings"]:
            continue
        reading = sample["expected"]["readings"][0]
        division = Decimal(1).scaleb(-reading.get("decimals", 0))
        assert YaohuaA9Frames(division).encode(Decimal(reading["weight"])).hex(" ") == sample["hex"], name
        compared += 1
    assert compared >= 5


@pytest.mark.parametrize(
    ("sample", "frames", "kilograms", "tare"),
    [
        ("gross_45000_stable_chk", ToledoContinuousFrames(Decimal(1)), 45000, 15000),
        ("gross_neg_20", ToledoContinuousFrames(Decimal(1), with_checksum=False, pad="0"), -20, 0),
        ("even_parity_read_as_8n1", ToledoContinuousFrames(Decimal(1), pad="0", even_parity=True), 12340, 0),
    ],
)
def test_toledo_frames_equal_the_captured_ones(
    sample: str, frames: ToledoContinuousFrames, kilograms: int, tare: int
) -> None:
    expected = captured("toledo_continuous")[sample]["hex"]
    assert frames.encode(Decimal(kilograms), tare_kilograms=Decimal(tare)).hex(" ") == expected


def test_a_toledo_division_of_twenty_is_sent_without_its_last_zero_and_the_status_word_says_so() -> None:
    frame = ToledoContinuousFrames(Decimal(20)).encode(Decimal(26116))
    # 31h: x10, increment 2; 30h: kilograms, gross, not in motion; 20h; 2612 tens
    assert frame[:-1] == b"\x02\x31\x30\x20  2612     0\r"


def test_toledo_motion_is_bit_3_of_the_second_status_word() -> None:
    frames = ToledoContinuousFrames(Decimal(10))
    still, moving = frames.encode(Decimal(26110)), frames.encode(Decimal(26110), in_motion=True)
    assert moving[2] ^ still[2] == 0b1000
    assert [n for n in range(18) if still[n] != moving[n]] == [2, 17]


@given(
    st.decimals(min_value=-99999, max_value=99999, places=3),
    st.sampled_from([Decimal(1), Decimal(2), Decimal(10), Decimal(50), Decimal("0.5")]),
    st.booleans(),
)
def test_toledo_frames_have_seven_bits_and_sum_to_nothing(
    kilograms: Decimal, division: Decimal, in_motion: bool
) -> None:
    frame = ToledoContinuousFrames(division).encode(kilograms, in_motion=in_motion)
    assert len(frame) == 18
    assert max(frame) < 0x80
    assert sum(frame) & 0x7F == 0


@given(st.decimals(min_value=-90000, max_value=90000, places=3))
def test_yaohua_frames_carry_the_weight_rounded_to_the_division(kilograms: Decimal) -> None:
    frame = YaohuaA9Frames(Decimal(20)).encode(kilograms)
    shown = int(frame[1:8])
    assert shown % 20 == 0
    assert abs(shown - kilograms) <= 10


def test_halves_are_rounded_away_from_zero_and_zero_has_no_sign() -> None:
    assert [str(rounded(Decimal(kg), Decimal(20))) for kg in (9, 10, -9, -10)] == ["0", "20", "0", "-20"]
    assert YaohuaA9Frames(Decimal(20)).encode(Decimal(-9))[1:2] == b"+"


@pytest.mark.parametrize("division", ["3", "0", "-10", "0.00001", "1000", "15"])
def test_a_division_that_no_scale_has_is_refused(division: str) -> None:
    with pytest.raises(EdgeAgentError, match="division"):
        ToledoContinuousFrames(Decimal(division))


def test_a_weight_with_more_than_six_digits_is_refused() -> None:
    with pytest.raises(EdgeAgentError, match="six digits"):
        YaohuaA9Frames(Decimal(1)).encode(Decimal(1_000_000))
