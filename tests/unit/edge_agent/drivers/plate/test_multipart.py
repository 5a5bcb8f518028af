"""Taking multipart bodies apart, as cameras send them and as nobody should."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.plate.multipart import MAX_PART_HEADER_BYTES, Multipart, MultipartError, parse_multipart

FORM = "multipart/form-data; boundary=boundary"
JPEG = b"\xff\xd8\xff\xe0{data={plate}}\r\n--boundar\r\n--boundaryX\r\n\xff\xd9"


def part(body: bytes, *headers: str, line_end: str = "\r\n") -> bytes:
    lines = ["--boundary", *headers, "", ""]
    return line_end.join(lines).encode() + body + line_end.encode()


def bodies(message: Multipart) -> list[bytes]:
    return [one.body for one in message.parts]


def test_a_form_gives_its_parts_with_names_types_and_bytes() -> None:
    xml = part(b"<a/>", 'Content-Disposition: form-data; name="anpr.xml"; filename="e.xml"', "Content-Type: text/xml")
    picture = part(JPEG, "content-disposition: form-data;name=vehicle;filename=v.jpg", "CONTENT-TYPE: image/jpeg")
    message = parse_multipart(FORM, xml + picture + b"--boundary--\r\n")
    first, second = message.parts
    assert (first.name, first.filename, first.content_type, first.body) == ("anpr.xml", "e.xml", "text/xml", b"<a/>")
    assert (second.name, second.filename, second.content_type, second.body) == ("vehicle", "v.jpg", "image/jpeg", JPEG)
    assert message.faults == ()
    assert not message.truncated


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/mixed; boundary=boundary",
        'multipart/form-data; boundary="boundary"',
        "Multipart/Form-Data; charset=utf-8; BOUNDARY = boundary ; x=y",
    ],
)
def test_the_boundary_may_be_quoted_or_not_in_any_case(content_type: str) -> None:
    message = parse_multipart(content_type, part(b"x", "A: b") + b"--boundary--")
    assert bodies(message) == [b"x"]
    assert message.faults == ()


@pytest.mark.parametrize("content_type", ["", "text/plain", "multipart/form-data", "multipart/mixed; boundary=other"])
def test_a_boundary_that_is_not_declared_is_taken_from_the_body_and_said(content_type: str) -> None:
    message = parse_multipart(content_type, b"\r\n" + part(b"x", "A: b") + b"--boundary--\r\n")
    assert bodies(message) == [b"x"]
    assert "the body's own is used" in message.faults[0]


def test_a_boundary_declared_with_the_dashes_of_its_line_is_understood() -> None:
    message = parse_multipart("multipart/mixed; boundary=--boundary", part(b"x", "A: b") + b"--boundary--\r\n")
    assert bodies(message) == [b"x"]
    assert "dashes" in message.faults[0]


def test_line_feeds_alone_end_headers_and_parts() -> None:
    message = parse_multipart(FORM, part(b"x\r", "A: b", line_end="\n") + b"--boundary--\n")
    assert bodies(message) == [b"x"]  # CR LF before a boundary line belongs to that line


def test_a_preamble_and_an_epilogue_are_no_parts() -> None:
    message = parse_multipart(FORM, b"hello\r\n" + part(b"x", "A: b") + b"--boundary--\r\n" + part(b"y", "A: b"))
    assert bodies(message) == [b"x"]


def test_the_content_id_names_a_part_without_a_form_name() -> None:
    message = parse_multipart(FORM, part(b"x", "Content-ID: <licensePlatePicture>") + b"--boundary--")
    assert message.parts[0].name == "licensePlatePicture"


def test_a_right_length_wins_over_boundary_lines_inside_a_picture() -> None:
    inside = b"\xff\xd8\r\n--boundary\r\nContent-Type: text/plain\r\n\r\n\r\n--boundary--\r\n\xff\xd9"
    body = part(inside, f"Content-Length: {len(inside)}") + part(b"last", "Content-Length: 4") + b"--boundary--\r\n"
    message = parse_multipart(FORM, body)
    assert bodies(message) == [inside, b"last"]
    assert message.faults == ()


@pytest.mark.parametrize("length", ["0", "3", "7", "900", "99999999999999", "-4", "four", ""])
def test_a_length_that_leads_to_no_boundary_line_is_a_lie_and_the_boundary_wins(length: str) -> None:
    message = parse_multipart(FORM, part(b"abcd", f"Content-Length: {length}") + part(b"z", "A: b") + b"--boundary--")
    assert bodies(message) == [b"abcd", b"z"]
    assert not message.truncated
    assert [("says Content-Length" in fault) for fault in message.faults] == ([True] if length else [])


def test_a_length_to_the_end_of_the_message_loses_against_a_boundary_line_before_it() -> None:
    rest = b"abcd\r\n--boundary\r\nA: b\r\n\r\nz\r\n--boundary--\r\n"
    body = f"--boundary\r\nContent-Length: {len(rest)}\r\n\r\n".encode() + rest
    assert bodies(parse_multipart(FORM, body)) == [b"abcd", b"z"]


def test_a_length_may_count_the_line_break_before_the_boundary() -> None:
    message = parse_multipart(FORM, part(b"abcd", "Content-Length: 6") + b"--boundary--\r\n")
    assert bodies(message) == [b"abcd\r\n"]
    assert message.faults == ()


def test_an_empty_part_is_a_part() -> None:
    empty = b"--boundary\r\nContent-Type: image/pjpeg\r\nContent-Length: 0\r\n\r\n"
    assert bodies(parse_multipart(FORM, empty + b"--boundary--\r\n")) == [b""]
    assert bodies(parse_multipart(FORM, empty + b"\r\n" + empty + b"--boundary--\r\n")) == [b"", b""]


def test_without_a_final_boundary_whole_parts_are_kept_and_the_cut_is_said() -> None:
    message = parse_multipart(FORM, part(b"abcd", "Content-Length: 4") + part(b"xy", "Content-Length: 900"))
    assert bodies(message) == [b"abcd", b"xy\r\n"]
    assert [one.complete for one in message.parts] == [True, False]
    assert message.truncated
    assert message.faults == ("no final boundary; part 2 is perhaps not complete",)


@pytest.mark.parametrize("cut", range(1, len(b"\r\n--boundary--\r\n")))
def test_a_part_whose_length_leads_into_a_cut_boundary_line_is_whole(cut: int) -> None:
    whole = part(b"abcd", "Content-Length: 4") + b"--boundary--\r\n"
    message = parse_multipart(FORM, whole[:-cut])
    assert bodies(message) == [b"abcd"]
    assert message.parts[0].complete


def test_a_message_cut_in_the_headers_of_a_part_keeps_the_parts_before() -> None:
    message = parse_multipart(FORM, part(b"abcd", "A: b") + b"--boundary\r\nContent-Type: image/jp")
    assert bodies(message) == [b"abcd"]
    assert message.faults == ("the message ends inside the headers of part 2",)
    assert message.truncated


@pytest.mark.parametrize("content_type", ["application/xml", 'text/xml; charset="UTF-8"', "", FORM])
def test_a_bare_document_is_one_part_without_a_name(content_type: str) -> None:
    message = parse_multipart(content_type, b"\xef\xbb\xbf<a/>")
    assert bodies(message) == [b"\xef\xbb\xbf<a/>"]
    assert message.parts[0].name == ""
    assert bool(message.faults) == (content_type == FORM)


@pytest.mark.parametrize(
    ("content_type", "body", "why"),
    [
        (FORM, b"", "empty"),
        (FORM, b"plain words", "no boundary line and no XML"),
        ("image/jpeg", JPEG, "no boundary line and no XML"),
        (FORM, part(b"x", "A: b") * 17, "more than 16 parts"),
        (FORM, part(b"x", "A: " + "b" * MAX_PART_HEADER_BYTES), "headers of part 1 exceed"),
    ],
)
def test_what_cannot_be_taken_apart_is_one_error_with_the_reason(content_type: str, body: bytes, why: str) -> None:
    with pytest.raises(MultipartError, match=why):
        parse_multipart(content_type, body)


CONTENTS = st.binary(max_size=60).filter(lambda content: b"--boundary" not in content)


@given(st.lists(st.tuples(CONTENTS, st.booleans()), min_size=1, max_size=8), st.sampled_from(["\r\n", "\n"]))
def test_any_parts_come_back_as_they_were_sent(sent: list[tuple[bytes, bool]], line_end: str) -> None:
    # Without a length, and LF alone before the boundary, a CR at the end cannot be told from the line break.
    sent = [(content, with_length or content.endswith(b"\r")) for content, with_length in sent]
    message = b"".join(
        part(content, *([f"Content-Length: {len(content)}"] if with_length else []), "A: b", line_end=line_end)
        for content, with_length in sent
    )
    parsed = parse_multipart(FORM, message + b"--boundary--" + line_end.encode())
    assert bodies(parsed) == [content for content, _ in sent]
    assert parsed.faults == ()


PIECES = st.sampled_from(
    [
        b"--boundary",
        b"--",
        b"\r\n",
        b"\n",
        b"\r",
        b"Content-Length: 3",
        b"Content-Length:",
        b":",
        b"x",
        b" ",
        b"<a/>",
        b"\xff",
    ]
)


@given(
    st.one_of(st.text(max_size=60), st.sampled_from([FORM, "multipart/mixed", "application/xml", ""])),
    st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=40).map(b"".join)),
)
def test_no_input_ends_in_anything_but_a_message_or_the_one_error(content_type: str, body: bytes) -> None:
    with contextlib.suppress(MultipartError):
        message = parse_multipart(content_type, body)
        assert sum(len(one.body) for one in message.parts) <= len(body)


@pytest.mark.parametrize(
    "body",
    [
        b"--boundary\r\nA: b\r\n\r\n" + b"\n--boundary \t \tx" * 100_000,
        b"--boundary" + b" " * 2_000_000,
        b"--" + b"-" * 2_000_000,
        b"\n" * 2_000_000,
        b"--boundary\r\n" * 100_000,
    ],
    ids=["near-boundaries", "blanks", "dashes", "empty lines", "boundaries"],
)
def test_a_hostile_body_takes_time_in_proportion_to_its_length(body: bytes) -> None:
    began = time.process_time()
    with contextlib.suppress(MultipartError):
        parse_multipart(FORM, body)
    assert time.process_time() - began < 2.0  # about 0.1 s; 10 s and more where a byte is looked at again and again
