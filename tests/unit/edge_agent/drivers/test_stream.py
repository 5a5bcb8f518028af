"""Lines out of a stream: whole, however it is cut, and never more than one held."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.stream import Line, LineSplitter

CHUNKS = [b"a", b"bc" * 5, b"\n", b"\r\n", b"\r", b"\x00", b"x" * 17]
STREAMS = st.lists(st.sampled_from(CHUNKS), max_size=30).map(b"".join)


def fed(data: bytes, cuts: list[int], mark: bytes = b"") -> list[Line | Garbled]:
    splitter = LineSplitter(16, mark)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    items = [item for start, end in pairwise(edges) for item in splitter.feed(data[start:end])]
    return items + splitter.flush()


@given(STREAMS, st.lists(st.integers(0, 600), max_size=20), st.sampled_from([b"", b"\x00", b"a\x00"]))
def test_however_the_stream_is_cut_the_lines_are_the_same_and_no_byte_is_lost(
    data: bytes, cuts: list[int], mark: bytes
) -> None:
    whole = fed(data, [], mark)

    assert fed(data, cuts, mark) == whole
    assert b"".join(item.raw for item in whole) == data
    assert all(len(item.raw) <= 16 for item in whole)


def test_what_has_no_line_end_is_handed_out_in_pieces_and_the_next_line_is_read() -> None:
    splitter = LineSplitter(16)
    items = [item for _ in range(5) for item in splitter.feed(b"z" * 10)] + splitter.feed(b"z\ngood\n")

    assert [type(item) for item in items] == [Garbled, Garbled, Garbled, Garbled, Line]
    assert items[-1] == Line(52, b"good\n")
    assert len(splitter._pending) == 0


def test_a_carriage_return_alone_ends_a_line_once_no_line_feed_follows() -> None:
    splitter = LineSplitter(16)

    assert splitter.feed(b"one\rtwo\r") == [Line(0, b"one\r")]
    assert splitter.feed(b"\n\r\nthree\r") == [Line(4, b"two\r\n"), Line(9, b"\r\n")]
    assert splitter.flush() == [Line(11, b"three\r")]


def test_a_mark_ends_a_line_whether_a_line_end_follows_or_not() -> None:
    lines = [line.raw for line in LineSplitter(16, b"\x03").feed(b"one\x03two\x03\r\nthree\n")]
    assert lines == [b"one\x03", b"two\x03\r\n", b"three\n"]


def test_a_rest_without_line_end_is_marked_as_such() -> None:
    splitter = LineSplitter(16)
    assert splitter.feed(b"one\ntw") == [Line(0, b"one\n")]
    assert splitter.flush() == [Line(4, b"tw", ended=False)]
    assert splitter.flush() == []
