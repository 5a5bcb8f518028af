"""A scanner's lines, stuck together, cut and with noise between: each good one is a scan, the rest is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.stream import Heard
from edge_agent.drivers.xray.driver import XrayDriver
from edge_agent.drivers.xray.schema import XrayProfile
from edge_agent.model.lane_readings import Scan
from edge_agent.profiles import load_profile

FIXED = load_profile("xray/line-fixed", of=XrayProfile)
WIDTHS = (12, 4, 8, 3, 32)


def line(name: str, *, confidence: str = "097") -> bytes:
    fields = (name, "OK", "truck", confidence, f"{name}.jpg")
    text = "".join(f"{field:{width}}" for field, width in zip(fields, WIDTHS, strict=True))
    return b"\x02" + text.encode() + b"\x03"


def read(data: bytes) -> tuple[list[str], list[bytes]]:
    """The names of the scans, and what is garbled."""
    driver = XrayDriver(FIXED)
    items: list[Heard[Scan] | Garbled] = driver.feed(data) + driver.flush()
    scans = [str(item.said.scan_id) for item in items if isinstance(item, Heard)]
    return scans, [item.raw for item in items if isinstance(item, Garbled)]


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r", b""])
def test_lines_with_an_end_mark_are_read_with_and_without_a_line_end(end: bytes) -> None:
    assert read(line("S1") + end + line("S2") + end) == (["S1", "S2"], [])


def test_a_line_whose_end_was_lost_is_no_scan_and_takes_no_other_with_it() -> None:
    cut = line("S1")[:32]
    assert read(cut + line("S2") + b"\r\n") == (["S2"], [cut])


def test_noise_in_front_of_a_line_costs_itself_alone() -> None:
    assert read(b"\xff\x00id7:" + line("S1") + b"\r\n") == (["S1"], [b"\xff\x00id7:"])


def test_a_line_that_the_input_ends_in_is_no_scan() -> None:
    assert read(line("S1")[:-1]) == ([], [line("S1")[:-1]])


def test_a_confidence_beyond_the_whole_is_garbled_and_a_missing_one_is_none() -> None:
    assert read(line("S1", confidence="999"))[0] == []
    (heard,) = XrayDriver(FIXED).feed(line("S1", confidence="") + b"\r\n")
    assert isinstance(heard, Heard)
    assert heard.said.confidence is None


@given(st.lists(st.sampled_from([line("S1"), line("S2")[:20], b"\r\n", b"noise", b"\x02"])).map(b"".join))
def test_however_the_stream_is_cut_the_scans_are_the_same(data: bytes) -> None:
    cut = XrayDriver(FIXED)
    items = [item for byte in data for item in cut.feed(bytes((byte,)))] + cut.flush()
    whole = XrayDriver(FIXED)
    assert items == whole.feed(data) + whole.flush()
