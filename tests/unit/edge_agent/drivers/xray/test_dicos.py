"""DICOS files: only tags, only whole files; nothing in them stops us. Values are in tests/captures/xray/dicos."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.drivers.xray import dicos
from edge_agent.drivers.xray.dicos import NotDicosError, is_dicom, read_dicos

WHOLE = (Path(__file__).resolve().parents[4] / "captures" / "xray" / "dicos" / "alarm.dcs").read_bytes()


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")  # it says what it puts up with
@settings(max_examples=150, deadline=None)
@given(st.integers(132, len(WHOLE) - 1), st.binary(min_size=1, max_size=8))
def test_no_damaged_file_stops_us(at: int, damage: bytes) -> None:
    data = WHOLE[:at] + damage + WHOLE[at + len(damage) :]
    assert is_dicom(data)
    try:
        tags = read_dicos(data)
    except NotDicosError:
        return
    assert tags.scan("x.dcs").verdict in {"alarm", "clear", None}


def test_a_file_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicos, "MOST_BYTES", 100)
    with pytest.raises(NotDicosError, match="at most 100 are read"):
        read_dicos(WHOLE)


def test_a_file_that_is_cut_before_its_first_tag_is_none() -> None:
    with pytest.raises(NotDicosError, match="no SOP class"):
        read_dicos(WHOLE[:200])


@pytest.mark.parametrize(("word", "verdict"), [("ALARM", "alarm"), ("clear", "clear"), ("UNKNOWN", None), (None, None)])
def test_the_alarm_decision_is_the_verdict_in_capital_letters_and_small_ones(word: str | None, verdict: str) -> None:
    tags = replace(read_dicos(WHOLE), alarm_decision=word)

    assert (tags.scan(None).verdict, tags.scan(None).device_verdict) == (verdict, word)
