"""Plates in one spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.plate.plate_text import normal_plate


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("粤B12345", "粤B12345"),
        ("粤B·12345", "粤B12345"),
        (" 粤B 12-345. ", "粤B12345"),
        ("粤B•12345", "粤B12345"),
        ("粤Ｂ１２３４５", "粤B12345"),
        ("粤b12345", "粤B12345"),
        ("粤Z·1234港", "粤Z1234港"),
        ("1กข2345", "1กข2345"),
        ("EL 123-AB", "EL123AB"),
        ("WJ粤1234X", "WJ粤1234X"),
    ],
)
def test_separators_go_and_letters_are_half_width_and_upper_case(written: str, normal: str) -> None:
    assert normal_plate(written) == normal


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("蓝浙AX2P12", "浙AX2P12"),
        ("蓝苏A8HK52", "苏A8HK52"),
        ("黄粤B1234挂", "粤B1234挂"),
        ("绿粤BD12345", "粤BD12345"),
        ("黄绿粤B12345D", "粤B12345D"),
        ("黑粤Z1234港", "粤Z1234港"),
        ("黑黑A12345", "黑A12345"),
        ("白VA12345", "VA12345"),
    ],
)
def test_the_colour_before_a_mainland_plate_is_not_part_of_it(written: str, normal: str) -> None:
    assert normal_plate(written) == normal


def test_heilongjiang_is_a_province_and_not_the_colour_black() -> None:
    assert normal_plate("黑A12345") == "黑A12345"


@pytest.mark.parametrize(
    "written",
    [
        *(
            "",
            " ",
            "--",
            "-",
            "．－",
            "?",
            "***",
            "__",
            "unknown",
            "Unknown",
            "UNKNOWN",
            "<unknown>",
            "noPlate",
            "No Plate",
        ),
        *("NO_PLATE", "unlicensed", "NOT_READ", "unread", "Unrecognized", "null", "N/A", "无车牌", "未识别"),
    ],
)
def test_the_words_for_no_plate_are_no_plate(written: str) -> None:
    assert normal_plate(written) is None


@pytest.mark.parametrize(("written", "normal"), [("NA", "NA"), ("AB?12", "AB?12"), ("NULL 1", "NULL1"), ("กก1", "กก1")])
def test_what_only_resembles_such_a_word_is_a_plate(written: str, normal: str) -> None:
    assert normal_plate(written) == normal


@given(st.text())
def test_a_plate_never_holds_blanks_or_separators_and_is_never_empty(written: str) -> None:
    plate = normal_plate(written)
    assert plate is None or (plate and not any(letter.isspace() or letter in "·-." for letter in plate))
