"""What a file has around a camera's bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.plate.recording import Recording

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n"
BODY = b"--b\r\nContent-Type: application/xml\r\n\r\n<E><eventType>VMD</eventType></E>\r\n"


def chunked(body: bytes, size: int, end: bytes = b"\r\n") -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x%b%b%b" % (len(piece), end, piece, end) for piece in pieces) + b"0" + end + end


def taken_off(raw: bytes, size: int = 65_536) -> bytes:
    recording = Recording()
    parts = [recording.feed(raw[at : at + size]) for at in range(0, len(raw), size)]
    return b"".join((*parts, recording.flush()))


@pytest.mark.parametrize("size", [1, 7, 65_536])
@pytest.mark.parametrize("chunk", [1, 20, 65_536])
@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_chunks_are_joined_however_they_and_the_file_are_cut(size: int, chunk: int, end: bytes) -> None:
    raw = HEAD + chunked(BODY, chunk, end) + HEAD + chunked(BODY, chunk, end) + b"POST / HTTP/1.1\r\n\r\n<E/>"
    assert taken_off(raw, size) == HEAD + BODY + HEAD + BODY + b"POST / HTTP/1.1\r\n\r\n<E/>"


@pytest.mark.parametrize("size", [1, 65_536])
@pytest.mark.parametrize(
    "raw",
    [
        HEAD + BODY,  # joined before it was written
        HEAD.replace(b"Transfer-Encoding: chunked\r\n", b"") + b"1\r\nx\r\n",
        b"a\r\nCode=TrafficJunction\r\n",
        b"xHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        HEAD[:-2],
        b"HTTP",
        b"POST /push " + b"x" * 9_000,
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 2_000 + b"\r\n",
    ],
)
def test_without_chunks_nothing_is_taken_off(raw: bytes, size: int) -> None:
    assert taken_off(raw, size) == raw


def test_a_broken_off_chunk_is_kept_as_far_as_it_came_and_a_wrong_length_ends_the_chunks() -> None:
    assert taken_off(HEAD + b"ff\r\n<E>") == HEAD + b"<E>"
    assert taken_off(HEAD + b"2\r\n<E/>\r\n") == HEAD + b"<E/>\r\n"


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-be"])
@pytest.mark.parametrize("size", [1, 3, 65_536])
def test_a_file_in_utf_16_becomes_utf_8(codec: str, size: int) -> None:
    mark = "" if codec == "utf-16" else "\ufeff"
    assert taken_off((mark + "<E>粤B12345</E>").encode(codec), size) == "<E>粤B12345</E>".encode()


@given(st.binary(), st.integers(1, 9))
def test_what_comes_out_does_not_depend_on_how_it_was_cut(raw: bytes, size: int) -> None:
    assert taken_off(HEAD + raw, size) == taken_off(HEAD + raw)
