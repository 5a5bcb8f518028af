"""HTTP requests from bytes, without I/O."""

from __future__ import annotations

import contextlib
import itertools
import time
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.links.http_request import (
    MAX_CHUNK_LINE_BYTES,
    MAX_TRAILER_BYTES,
    ChunkedBody,
    RefusedRequestError,
    SizedBody,
    body_of,
    head_end,
    parse_head,
)


def head(*fields: str, line: str = "POST /push/a HTTP/1.1") -> bytes:
    return "\r\n".join([line, *fields, "", ""]).encode("latin-1")


def test_a_head_gives_method_path_and_fields() -> None:
    parsed = parse_head(head("Content-Type:  text/xml ", "X-Empty:", "A: 1", "a: 2", line="POST /push/a?x=y HTTP/1.0"))
    assert (parsed.method, parsed.path, parsed.minor_version) == ("POST", "/push/a", 0)
    assert parsed.fields == {"content-type": "text/xml", "x-empty": "", "a": "1, 2"}


@pytest.mark.parametrize("target", ["http://10.0.0.1:80/push/a", "HTTP://gate/push/a?b", "/push/a"])
def test_a_target_with_scheme_and_host_means_its_path(target: str) -> None:
    assert parse_head(head(line=f"POST {target} HTTP/1.1")).path == "/push/a"


def test_line_feeds_alone_end_lines() -> None:
    assert parse_head(b"POST / HTTP/1.1\nA: b\n\n").fields == {"a": "b"}
    assert head_end(b"POST / HTTP/1.1\nA: b\n\nrest", 0) == 22


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", HTTPStatus.BAD_REQUEST),  # a TLS hello
        (head(line="POST /a b HTTP/1.1"), HTTPStatus.BAD_REQUEST),
        (head(line="POST /a"), HTTPStatus.BAD_REQUEST),
        (head(line="POST /a HTTP/2.0"), HTTPStatus.HTTP_VERSION_NOT_SUPPORTED),
        (head("no colon"), HTTPStatus.BAD_REQUEST),
        (head("A : b"), HTTPStatus.BAD_REQUEST),
        (head("A: b", " folded"), HTTPStatus.BAD_REQUEST),
    ],
)
def test_what_is_no_head_is_refused(raw: bytes, status: HTTPStatus) -> None:
    with pytest.raises(RefusedRequestError) as refused:
        parse_head(raw)
    assert refused.value.status is status


@pytest.mark.parametrize(
    ("version", "connection", "keeps"),
    [
        ("1.1", "", True),
        ("1.1", "close", False),
        ("1.1", "Keep-Alive", True),
        ("1.0", "", False),
        ("1.0", "Keep-Alive", True),
    ],
)
def test_keep_alive_follows_the_version_and_the_field(version: str, connection: str, keeps: bool) -> None:
    assert parse_head(head(f"Connection: {connection}", line=f"POST / HTTP/{version}")).keeps_alive is keeps


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ([], HTTPStatus.LENGTH_REQUIRED),
        (["Content-Length: -1"], HTTPStatus.BAD_REQUEST),
        (["Content-Length: ten"], HTTPStatus.BAD_REQUEST),
        (["Content-Length: 5", "Content-Length: 6"], HTTPStatus.BAD_REQUEST),
        (["Content-Length: 5", "Transfer-Encoding: chunked"], HTTPStatus.BAD_REQUEST),
        (["Transfer-Encoding: gzip, chunked"], HTTPStatus.NOT_IMPLEMENTED),
        (["Content-Length: 101"], HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    ],
)
def test_a_body_whose_length_is_missing_contradictory_or_too_large_is_refused(
    fields: list[str], status: HTTPStatus
) -> None:
    with pytest.raises(RefusedRequestError) as refused:
        body_of(parse_head(head(*fields)), 100)
    assert refused.value.status is status


def test_chunks_in_http_1_0_are_refused() -> None:
    with pytest.raises(RefusedRequestError):
        body_of(parse_head(head("Transfer-Encoding: chunked", line="POST / HTTP/1.0")), 100)


def test_a_length_given_twice_alike_is_a_length() -> None:
    body = body_of(parse_head(head("Content-Length: 3", "Content-Length: 3")), 100)
    assert isinstance(body, SizedBody)
    assert body.length == 3


def _chopped(wire: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(wire), *(cut % (len(wire) + 1) for cut in cuts)})
    return [wire[start:end] for start, end in itertools.pairwise(edges)]


CUTS = st.lists(st.integers(0, 400), max_size=12)


@given(st.binary(max_size=80), st.binary(max_size=20), CUTS)
def test_a_sized_body_comes_whole_however_it_is_chopped(content: bytes, after: bytes, cuts: list[int]) -> None:
    body = SizedBody(len(content))
    rest, left = body.feed(b""), b""
    for piece in _chopped(content + after, cuts):
        if rest is None:
            rest = body.feed(piece)
        else:
            left += piece
    assert rest is not None
    assert (body.content(), rest + left) == (content, after)


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=5), st.binary(max_size=20), CUTS, st.booleans())
def test_a_chunked_body_comes_whole_however_it_is_chopped(
    chunks: list[bytes], after: bytes, cuts: list[int], trailer: bool
) -> None:
    wire = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    wire += b"0\r\n" + (b"Digest: x\r\n" if trailer else b"") + b"\r\n"
    body = ChunkedBody(1000)
    rest, left = None, b""
    for piece in _chopped(wire + after, cuts):
        if rest is None:
            rest = body.feed(piece)
        else:
            left += piece
    assert rest is not None
    assert (body.content(), rest + left) == (b"".join(chunks), after)


@pytest.mark.parametrize(
    ("wire", "status"),
    [
        (b"g\r\n", HTTPStatus.BAD_REQUEST),
        (b"\r\n", HTTPStatus.BAD_REQUEST),
        (b"-1\r\n", HTTPStatus.BAD_REQUEST),
        (b"3\r\nabcdef\r\n", HTTPStatus.BAD_REQUEST),
        (b"1" * MAX_CHUNK_LINE_BYTES, HTTPStatus.BAD_REQUEST),
        (b"0\r\n" + b"a: b\r\n" * MAX_TRAILER_BYTES, HTTPStatus.BAD_REQUEST),
        (b"65\r\n", HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        (b"64\r\n" + b"x" * 100 + b"\r\n1\r\n", HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        (b"ffffffffffff\r\n", HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    ],
)
def test_broken_and_endless_chunks_are_refused(wire: bytes, status: HTTPStatus) -> None:
    with pytest.raises(RefusedRequestError) as refused:
        ChunkedBody(100).feed(wire)
    assert refused.value.status is status


def test_a_head_of_blanks_takes_time_in_proportion() -> None:
    began = time.process_time()
    parsed = parse_head(head("A: x" + (" " * 8_000 + "y") * 4))
    assert time.process_time() - began < 0.5  # about 1 ms
    assert len(parsed.fields["a"]) == 32_005


def test_a_body_in_chunks_of_one_byte_takes_time_in_proportion() -> None:
    body = ChunkedBody(80_000)
    assert body.feed(b"1\r\nx\r\n" * 80_000) is None
    assert body.size == 80_000


@given(st.binary(max_size=120))
def test_no_head_ends_in_anything_but_a_request_or_a_refusal(raw: bytes) -> None:
    with contextlib.suppress(RefusedRequestError):
        assert parse_head(raw + b"\r\n\r\n").path
