"""Documents in one shape: JSON and Dahua's lines."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.plate.tree import MAX_PAIRS, TreeError, read_json, read_pairs, text_of


def test_names_are_lower_case_and_numbers_keep_every_digit() -> None:
    tree = read_json('{"CarID": 123456789012345678901, "Sure": 0.10, "State": true, "Of": ["粤", null]}'.encode())
    assert tree == {"carid": 123456789012345678901, "sure": Decimal("0.10"), "state": True, "of": ["粤", None]}
    assert isinstance(tree, dict)
    assert text_of(tree["sure"]) == "0.10"


def test_json_in_a_chinese_encoding_is_read() -> None:
    assert read_json('{"a": "粤B12345"}'.encode("gbk")) == {"a": "粤B12345"}


@pytest.mark.parametrize("raw", [b"", b"{", b'{"a": NaN}', b'{"a": Infinity}', b"\xff\xfe\xfd\xff", b"[" * 100_000])
def test_what_is_no_json_is_the_one_error(raw: bytes) -> None:
    with pytest.raises(TreeError):
        read_json(raw)


def test_lines_with_dots_and_indices_become_trees_and_lists() -> None:
    raw = (
        b"found=2\r\nrecords[0].PlateNumber=SSE00\r\nrecords[0].TrafficCar.VehicleColor=White\r\n"
        b"records[1].PlateNumber=\r\nrecords[1].BoundingBox[0]=12\r\nrecords[1].BoundingBox[1]=34\r\nnonsense\r\n"
    )
    assert read_pairs(raw) == {
        "found": "2",
        "records": [
            {"platenumber": "SSE00", "trafficcar": {"vehiclecolor": "White"}},
            {"platenumber": "", "boundingbox": ["12", "34"]},
        ],
    }


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"records[7].a=1", "leaves numbers out"),
        (b"a=1\na.b=2", "used in two ways"),
        (b"a.b=1\na[0]=2", "used in two ways"),
        (b"a=1\n" * (MAX_PAIRS + 1), "more than"),
        (b"a" + b".a" * 60 + b"=1", "makes no sense"),
    ],
)
def test_lines_that_contradict_each_other_are_the_one_error(raw: bytes, why: str) -> None:
    with pytest.raises(TreeError, match=why):
        read_pairs(raw)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("  x ", "x"),
        (7, "7"),
        (Decimal("1.50"), "1.50"),
        ({"#text": "x", "@a": "b"}, "x"),
        (None, ""),
        (True, ""),
        ([], ""),
        ({}, ""),
    ],
)
def test_the_text_of_a_leaf(value: object, text: str) -> None:
    assert text_of(value) == text  # type: ignore[arg-type] # values as JSON has them


@given(
    st.one_of(
        st.binary(max_size=100),
        st.lists(st.sampled_from([b"a", b".", b"[0]", b"[1]", b"=", b"\n"]), max_size=30).map(b"".join),
    )
)
def test_no_bytes_end_in_anything_but_a_tree_or_the_one_error(raw: bytes) -> None:
    with contextlib.suppress(TreeError):
        read_pairs(raw)
    with contextlib.suppress(TreeError):
        read_json(raw)
