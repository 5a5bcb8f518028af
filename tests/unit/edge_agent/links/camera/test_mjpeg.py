"""A motion JPEG stream as cameras send it, and as no camera should: parts in, within bounds."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from edge_agent.links.camera import mjpeg
from edge_agent.links.camera.mjpeg import MjpegParser, Part
from edge_agent.links.camera.source import CameraError
from edge_agent.model.readings import DeviceState
from tests.unit.edge_agent.links.camera.parts import at, jpeg

PICTURES = [jpeg(number) for number in range(3)]


def part(data: bytes, *fields: str, boundary: str = "--frame", end: bytes = b"\r\n") -> bytes:
    return "\r\n".join([boundary, "Content-Type: image/jpeg", *fields, "", ""]).encode() + data + end


def sized(data: bytes, length: int | None = None, boundary: str = "--frame") -> bytes:
    return part(data, f"Content-Length: {len(data) if length is None else length}", boundary=boundary)


def read(stream: bytes, chunk: int = 1 << 20) -> list[bytes]:
    parser, parts = MjpegParser(), list[Part]()
    for begin in range(0, len(stream), chunk):
        parts += parser.feed(stream[begin : begin + chunk], at(begin))
    return [each.data for each in parts]


@pytest.mark.parametrize("chunk", [1, 7, 100, 1 << 20])
def test_pictures_come_out_however_the_network_cuts_them(chunk: int) -> None:
    assert read(b"".join(map(sized, PICTURES)), chunk) == PICTURES


def test_a_picture_with_a_length_is_there_with_its_last_byte() -> None:
    parser = MjpegParser()
    assert [each.data for each in parser.feed(sized(PICTURES[0])[:-2], at(1))] == PICTURES[:1]


def test_a_picture_without_a_length_ends_at_the_next_boundary() -> None:
    found = read(b"".join(map(part, PICTURES)))
    assert [each.rstrip(b"\r\n") for each in found] == PICTURES[:2]


@pytest.mark.parametrize("boundary", ["--frame", "----WebKit", "--", "--a b"])
def test_the_boundary_is_whatever_the_stream_uses(boundary: str) -> None:
    stream = b"".join(sized(data, boundary=boundary) for data in PICTURES)
    if boundary == "--":
        with pytest.raises(CameraError, match="no motion JPEG"):
            read(stream)
    else:
        assert read(stream) == PICTURES


def test_a_length_that_is_too_short_is_not_believed() -> None:
    stream = b"".join(sized(data, len(data) // 2) for data in PICTURES)
    assert [each.rstrip(b"\r\n") for each in read(stream)] == PICTURES[:2]


def test_a_length_that_is_too_long_is_not_believed() -> None:
    stream = b"".join(sized(data, len(data) + 100_000) for data in PICTURES)
    assert [each.rstrip(b"\r\n") for each in read(stream, 500)] == PICTURES[:2]


def test_a_boundary_inside_a_picture_does_not_cut_it() -> None:
    tricky = PICTURES[0][:200] + b"\r\n--frame\r\n" + PICTURES[0][200:]
    assert read(sized(tricky) + sized(PICTURES[1])) == [tricky, PICTURES[1]]


def test_line_ends_may_be_bare_and_empty_lines_may_come_first() -> None:
    heads = [f"--frame\nContent-Length: {len(data)}\n\n".encode() for data in PICTURES]
    stream = b"\r\n\r\n" + b"".join(head + data + b"\n" for head, data in zip(heads, PICTURES, strict=True))
    assert read(stream) == PICTURES


def test_a_part_is_stamped_with_its_first_byte() -> None:
    parser = MjpegParser()
    stream = sized(PICTURES[0])
    assert parser.feed(stream[:10], at(5)) == []
    (only,) = parser.feed(stream[10:], at(9))
    assert only.at == at(5)


def test_empty_parts_are_passed_over() -> None:
    assert read(sized(b"") + part(b"") + sized(PICTURES[0])) == [PICTURES[0]]


def test_one_picture_instead_of_a_stream_says_what_to_write() -> None:
    with pytest.raises(CameraError, match='every = "1 s"') as caught:
        read(PICTURES[0])
    assert caught.value.state is DeviceState.UNREADABLE


@pytest.mark.parametrize("stream", [b"<html>login</html>\r\n" * 20, b"x" * 300, b"\x00" * 5000 + b"\n"])
def test_what_is_no_stream_is_told(stream: bytes) -> None:
    with pytest.raises(CameraError, match="no motion JPEG stream"):
        read(stream)


def test_a_head_without_end_is_told() -> None:
    with pytest.raises(CameraError, match="no end of its head"):
        read(b"--frame\r\n" + b"X-Fill: y\r\n" * 2000)


@pytest.mark.parametrize("length", [0, 1, 999_999_999])
def test_memory_is_bounded_whatever_is_sent(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mjpeg, "MOST_PART_BYTES", 50_000)
    parser = MjpegParser()
    parser.feed(f"--frame\r\nContent-Length: {length}\r\n\r\n".encode(), at(0))

    def flood() -> None:
        for _ in range(100):
            parser.feed(b"\xff\xd8" + b"\xaa" * 4000, at(1))

    with pytest.raises(CameraError, match="never ends it"):
        flood()
    assert len(parser._received) < 70_000


def test_no_bytes_whatever_break_the_parser() -> None:
    chance = random.Random(5)
    good = b"".join(map(sized, PICTURES))
    for _ in range(60):
        broken = bytearray(good)
        for _ in range(chance.randrange(1, 6)):
            place = chance.randrange(len(broken))
            broken[place : place + chance.randrange(40)] = chance.randbytes(chance.randrange(40))
        with suppress(CameraError):
            parts = read(bytes(broken), chance.randrange(1, 4000))
            assert sum(map(len, parts)) <= len(broken)
