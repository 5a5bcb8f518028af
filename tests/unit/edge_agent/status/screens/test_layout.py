from __future__ import annotations

import sys

import pytest

from edge_agent.status.screens.layout import columns, paint, plain, width


def test_a_chinese_character_takes_two_cells_and_an_accent_none() -> None:
    assert [width(text) for text in ("", "scale-1", "琼A12345", "（）", "e\N{COMBINING ACUTE ACCENT}")] == [
        0,
        7,
        8,
        4,
        1,
    ]


def test_columns_line_up_by_cells_and_the_last_one_is_not_padded() -> None:
    assert columns([["设备", "a", "x"], ["scale-1", "bcd", ""]]) == [["设备   ", "a  ", "x"], ["scale-1", "bcd", ""]]


def test_no_rows_are_no_rows() -> None:
    assert columns([]) == []


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert plain("琼A1\x1b[2J\r\n\x07\x9b\N{RIGHT-TO-LEFT OVERRIDE}") == "琼A1\ufffd[2J" + "\ufffd" * 5


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    assert paint("down", "red") == "down"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert paint("down", "red") == "\x1b[31mdown\x1b[0m"
    assert paint("ok", "green", bold=True) == "\x1b[1;32mok\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert paint("down", "red") == "down"
