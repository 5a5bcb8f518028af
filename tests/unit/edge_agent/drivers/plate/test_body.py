"""Taking apart what cameras send, as they send it and as nobody should."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.plate.body import BodyReader, read_all
from edge_agent.drivers.plate.parts import Document, Fault, Noise, Picture, Token
from edge_agent.drivers.plate.pictures import MAX_PICTURE_BYTES
from edge_agent.drivers.plate.steps import MAX_DOCUMENT_BYTES, MAX_HEADER_BYTES, MAX_NOISE_BYTES

CAPTURES = Path(__file__).parents[4] / "captures" / "plate"
JPEG = b"\xff\xd8\xff\xe0{data={plate}} <EventNotificationAlert> Code=X;data={\r\n--boundar\r\n\xff\xd9"
XML = b"<E><plate>A1</plate></E>"
EVENT = b'Code=TrafficJunction;action=Pulse;index=0;data={\n "a": {"b": "}"}\n}'


def part(body: bytes, *headers: str, boundary: str = "boundary", line_end: str = "\r\n") -> bytes:
    return line_end.join([f"--{boundary}", *headers, "", ""]).encode() + body + line_end.encode()


def picture(body: bytes = JPEG, length: int | None = None, name: str = "v") -> bytes:
    said = [f"Content-Length: {len(body) if length is None else length}"]
    return part(body, f'Content-Disposition: form-data; name="{name}"', "Content-Type: image/jpeg", *said)


def document(body: bytes = XML) -> bytes:
    return part(body, "Content-Type: text/xml", f"Content-Length: {len(body)}")


def cut(data: bytes, sizes: list[int]) -> list[Token]:
    """What comes of the bytes when they come in pieces of these sizes, over and over."""
    reader, tokens, at, turn = BodyReader(), [], 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        tokens += reader.feed(data[at : at + size])
        at, turn = at + size, turn + 1
    return tokens + reader.flush()


def raws(tokens: list[Token]) -> list[bytes]:
    return [token.raw for token in tokens if isinstance(token, Document)]


def pictures(tokens: list[Token]) -> list[bytes]:
    return [token.body for token in tokens if isinstance(token, Picture)]


@pytest.mark.parametrize(
    ("raw", "form"),
    [
        (XML, "xml"),
        (b'<?xml version="1.0"?>\n<!-- x --><a b="1>2"/>', "xml"),
        (b'{"a": [1, 2, {"b": "}\\""}]}', "json"),
        (b"[\n {}\n]", "json"),
        (EVENT, "dahua"),
        (b"Code=Heartbeat;action=Pulse", "dahua"),
        (b"Heartbeat", "word"),
    ],
)
@pytest.mark.parametrize(
    "around", [(b"", b""), (b"\xef\xbb\xbf", b"\r\n\0\0"), (b"--b\r\nA: b\r\n\r\n", b"\r\n--b--\r\n")]
)
def test_a_document_is_known_by_how_it_begins_and_ends_by_itself(
    raw: bytes, form: str, around: tuple[bytes, bytes]
) -> None:
    (token,) = read_all(around[0] + raw + around[1])
    assert token == Document(form, raw)  # type: ignore[arg-type] # one of Form's


PAIRS = b"records[0].PlateNumber=A\r\nrecords[1].PlateNumber=BC"
PART = b"--b\r\nContent-Length: %d\r\n\r\n" % len(PAIRS)


@pytest.mark.parametrize(
    "around", [(b"", b"\r\n"), (b"--b\r\nA: b\r\n\r\n", b"\r\n--b--"), (PART, b""), (b"", b"\nHeartbeat")]
)
def test_lines_of_pairs_are_a_document_up_to_a_line_that_is_none(around: tuple[bytes, bytes]) -> None:
    token, *others = read_all(around[0] + PAIRS + around[1])
    assert token == Document("pairs", PAIRS)
    assert others == ([Document("word", b"Heartbeat")] if b"Heartbeat" in around[1] else [])


@pytest.mark.parametrize("before", [b"", b"--b\r\nContent-Length: 999\r\n\r\n"])
def test_a_last_pair_without_its_end_may_be_cut_and_is_left_out(before: bytes) -> None:
    fault = Fault("The last line has no end and is left out")
    assert read_all(before + PAIRS) == [Document("pairs", b"records[0].PlateNumber=A"), fault]
    assert read_all(before + PAIRS[:24]) == [Noise(PAIRS[:24], "a line that is cut")]


def test_pairs_that_begin_again_are_the_next_answer() -> None:
    assert raws(read_all((PAIRS + b"\r\n") * 2)) == [PAIRS, PAIRS]


def test_the_value_of_a_name_is_no_document_of_its_own() -> None:
    assert raws(read_all(b'Number": "A1", "WhiteList": {"PlateNumber": "B2"}, "List":[{"PlateNumber":"C3"}]}\n')) == []
    assert raws(read_all(b'topic/lpr {"a": 1}\n2026 body: {"b": 2}\n')) == [b'{"a": 1}', b'{"b": 2}']


@pytest.mark.parametrize("raw", [XML, EVENT, b'{"a": {}}'])
def test_a_document_comes_out_as_soon_as_it_is_whole_whatever_its_length_says(raw: bytes) -> None:
    reader = BodyReader()
    for said in (0, len(raw), 3, 900):
        head = f"--b\r\nContent-Length: {said}\r\n\r\n".encode()
        assert raws(reader.feed(head + raw[:-1])) == []
        assert raws(reader.feed(raw[-1:])) == [raw]


def test_a_form_gives_its_document_and_its_pictures_with_their_names() -> None:
    body = document() + picture(name="licensePlatePicture") + picture(JPEG + b"\xff\xd9") + b"--boundary--\r\n"
    assert read_all(body) == [
        Document("xml", XML),
        Picture("licensePlatePicture", "image/jpeg", JPEG),
        Picture("v", "image/jpeg", JPEG + b"\xff\xd9"),
    ]


@pytest.mark.parametrize(
    "head",
    [
        b"POST /push HTTP/1.1\r\nHost: gate\r\nContent-Type: multipart/form-data; boundary=boundary\r\n\r\n",
        b'HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed; boundary="boundary"\r\n\r\n',
        b"Content-Type: multipart/form-data; boundary=boundary\n\n",
    ],
)
def test_a_message_may_come_with_its_http_head(head: bytes) -> None:
    assert raws(read_all(head + document() + b"--boundary--\r\n")) == [XML]


@pytest.mark.parametrize("length", [0, 3, 7, len(JPEG) + 1, 90_000, 99_999_999])
def test_a_length_that_leads_nowhere_is_a_lie_and_the_boundary_line_decides(length: int) -> None:
    tokens = read_all(picture(length=length) + document() + b"--boundary--\r\n")
    assert pictures(tokens) == [JPEG]
    assert raws(tokens) == [XML]


def test_a_length_is_believed_over_boundary_lines_inside_a_picture() -> None:
    inside = b"\xff\xd8\xff\r\n--boundary\r\nContent-Type: text/plain\r\n\r\nHeartbeat\r\n--boundary--\r\nx\xff\xd9"
    tokens = read_all(picture(inside) + document() + b"--boundary--\r\n")
    assert pictures(tokens) == [inside]
    assert raws(tokens) == [XML]


def test_a_picture_is_whole_when_its_length_leads_to_its_own_end_though_nothing_follows_yet() -> None:
    reader = BodyReader()
    assert pictures(reader.feed(picture()[: -len("\r\n")])) == [JPEG]


def test_a_picture_whose_lie_about_its_length_would_wait_for_ever_ends_at_the_next_boundary() -> None:
    reader = BodyReader()
    tokens = reader.feed(picture(length=5_000_000) + b"--boundary\r\n")
    assert pictures(tokens) == [JPEG]


def test_a_cut_picture_is_left_out_and_said_unless_its_own_end_is_there() -> None:
    head = b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: 900\r\n\r\n"
    assert pictures(read_all(head + JPEG)) == [JPEG]
    tokens = read_all(head + JPEG[:-2])
    assert pictures(tokens) == []
    assert any(isinstance(token, Fault) and "was cut" in token.text for token in tokens)


def test_an_empty_picture_is_a_fault_and_costs_nothing_else() -> None:
    tokens = read_all(part(b"", "Content-Type: image/jpeg", "Content-Length: 0") + document() + b"--boundary--")
    assert [type(token) for token in tokens] == [Fault, Document]


def test_png_is_told_by_its_first_bytes_whatever_type_is_declared() -> None:
    png = b"\x89PNG\r\n\x1a\nIEND\xaeB`\x82"
    (token,) = read_all(part(png, "Content-Type: application/octet-stream", f"Content-Length: {len(png)}"))
    assert token == Picture("", "image/png", png)


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
def test_line_feeds_alone_will_do(line_end: str) -> None:
    body = part(XML, "A: b", line_end=line_end) + part(JPEG, "Content-Type: image/jpeg", line_end=line_end)
    tokens = read_all(body + b"--boundary--")
    assert raws(tokens) == [XML]
    assert pictures(tokens) == [JPEG]


def test_several_documents_of_a_log_come_one_by_one_and_its_own_lines_are_noise() -> None:
    log = b"08:15:30 got:\n" + XML + b"\n08:15:31 got " + EVENT + b"\n" + b'{"a": 1}\n'
    tokens = read_all(log)
    assert raws(tokens) == [XML, EVENT, b'{"a": 1}']
    assert [token.raw for token in tokens if isinstance(token, Noise)] == [b"08:15:30 got:\n", b"08:15:31 got "]


@pytest.mark.parametrize(
    "broken",
    [
        b"<E><plate>A",
        b'Code=X;action=Pulse;index=0;data={"a": {"b',
        b'{"a": \x01}',
        b"<E><plate>\x00\x01",
        b"<E>\n" + b"<a/>\n" * 3,
    ],
)
def test_a_document_that_breaks_off_costs_no_other(broken: bytes) -> None:
    tokens = read_all(part(broken, "A: b") + document() + b"--boundary--\r\n")
    assert raws(tokens)[-1] == XML
    assert any(isinstance(token, Noise) for token in tokens)


def test_where_the_same_root_begins_again_the_first_was_cut() -> None:
    tokens = read_all(b"<E><plate>A" + XML)
    assert raws(tokens) == [XML]


def test_the_headers_of_a_part_are_bounded() -> None:
    tokens = read_all(b"--b\r\nA: " + b"b" * MAX_HEADER_BYTES + b"\r\n\r\n" + XML)
    assert raws(tokens) == [XML]


@pytest.mark.parametrize(
    "flood",
    [
        b"x" * 100_000,
        b"<E>" + b"x" * (MAX_DOCUMENT_BYTES + 10),
        b'{"a": "' + b"x" * (MAX_DOCUMENT_BYTES + 10),
        b"\xff\xd8\xff" + b"x" * (MAX_PICTURE_BYTES + 10),
        b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: 99999999\r\n\r\n\xff\xd8\xff"
        + b"x" * (MAX_PICTURE_BYTES + 9),
    ],
    ids=["noise", "document", "json", "picture", "picture with a length"],
)
def test_memory_is_bounded_and_time_in_proportion(flood: bytes) -> None:
    reader, began = BodyReader(), time.process_time()
    most = 0
    for start in range(0, len(flood), 65_536):
        reader.feed(flood[start : start + 65_536])
        most = max(most, reader.pending)
    reader.flush()
    assert most <= MAX_PICTURE_BYTES + 65_536
    assert reader.pending == 0
    assert time.process_time() - began < 20.0  # about 1 s


@pytest.mark.parametrize(
    "hostile",
    [
        b"--boundary\r\nA: b\r\n\r\n" + b"\n--boundary \t \tx" * 60_000,
        b"--boundary" + b" " * 1_000_000,
        b"\n" * 1_000_000,
        b"--boundary\r\n" * 60_000,
        b"<" * 200_000,
        b"<a>" * 60_000,
        b"{" * 200_000,
        b'{"' * 100_000,
        b"Code=" * 60_000,
        b"\xff\xd9\r\n--" * 60_000,
    ],
    ids=["near-boundaries", "blanks", "lines", "boundaries", "<", "<a>", "{", '{"', "Code=", "ends"],
)
def test_a_hostile_body_takes_time_in_proportion_to_its_length(hostile: bytes) -> None:
    began = time.process_time()
    read_all(hostile)
    assert time.process_time() - began < 20.0  # about 0.5 s; minutes where a byte is looked at again and again


def test_a_line_of_noise_is_cut_into_pieces() -> None:
    tokens = read_all(b"x" * (2 * MAX_NOISE_BYTES + 5))
    assert [len(token.raw) for token in tokens if isinstance(token, Noise)] == [MAX_NOISE_BYTES, MAX_NOISE_BYTES, 5]


PIECES = st.sampled_from(
    [
        b"--b\r\n", b"--b--\r\n", b"--", b"\r\n", b"\n", b"\r", b" ", b"<a>", b"</a>", b"<a/>", b"<", b">", b"<!--",
        b"<?xml version='1.0'?>", b'{"a": 1}', b"{", b'"', b"}", b"[", b"]", b"\\", b"Code=X;index=0;data=", b"-->",
        b"Code=Y\r\n", b"\xff\xd8\xff", b"\xff\xd9", b"\xff", b"\0", b"Content-Length: 5\r\n", b"Content-Length: 0\r\n",
        b"Content-Type: image/jpeg\r\n", b"Content-Type: multipart/mixed; boundary=b\r\n", b"records[0].a=b\n",
        b"Heartbeat\r\n", b"HTTP/1.1 200 OK\r\n", b"x", b"\xef\xbb\xbf",
    ]
)  # fmt: skip
STREAMS = st.one_of(st.lists(PIECES, max_size=30).map(b"".join), st.binary(max_size=200))


@given(STREAMS, st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_however_a_stream_is_cut_the_same_comes_of_it(data: bytes, sizes: list[int]) -> None:
    assert cut(data, sizes) == read_all(data)


@pytest.mark.parametrize(
    "data",
    [
        part(b"\x89PNG\r\n\x1a\nIEND\xaeB`\x82", "Content-Type: text/plain"),
        part(b'{"a": [', boundary="MIME_boundary") + part(b"<E/>", boundary="MIME_boundary"),
        part(JPEG, "Content-Length: 0", "Content-Length: 4") + part(JPEG, "Content-Length: 4"),
        b"--b--\r\nA: b\r\n\r\n<E/>\r\n--b--\r\n" * 2,
    ],
    ids=["a PNG that no head tells", "a boundary like no JSON", "two lengths", "a boundary like a final one"],
)
def test_wherever_a_stream_is_cut_in_two_the_same_comes_of_it(data: bytes) -> None:
    for at in range(len(data)):
        assert cut(data, [at or 1, len(data)]) == read_all(data)


@pytest.mark.parametrize("folder", sorted(CAPTURES.iterdir()), ids=lambda folder: folder.name)
def test_a_capture_cut_in_pieces_gives_what_it_gives_whole(folder: Path) -> None:
    for file in folder.iterdir():
        data = file.read_bytes()
        assert cut(data, [1, 7, 100]) == read_all(data), file.name


def test_of_two_lengths_the_first_counts() -> None:
    assert read_all(part(JPEG, "Content-Length: 0", "Content-Length: 4") + b"--boundary--") == [
        Picture("", "image/jpeg", JPEG)
    ]


@given(st.lists(st.sampled_from([document(), picture(), part(EVENT, "A: b"), picture(length=0)]), max_size=6))
def test_whatever_whole_parts_come_all_of_them_are_found(parts: list[bytes]) -> None:
    tokens = read_all(b"".join(parts) + b"--boundary--\r\n")
    assert len(raws(tokens)) == sum(b"image/jpeg" not in each for each in parts)
    assert pictures(tokens) == [JPEG for each in parts if b"image/jpeg" in each]
    assert not any(isinstance(token, Noise) for token in tokens)


@given(STREAMS)
def test_nothing_is_held_back_after_the_end(data: bytes) -> None:
    reader = BodyReader()
    reader.feed(data)
    reader.flush()
    assert reader.pending == 0
    assert raws(reader.feed(XML)) == [XML]


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"Content-Type: x", b"--b\r\nHost:"])
def test_a_head_that_is_cut_off_in_a_line_is_noise_and_what_comes_next_is_read(head: bytes) -> None:
    reader = BodyReader()
    tokens = reader.feed(head) + reader.flush()
    assert b"".join(token.raw for token in tokens if isinstance(token, Noise)).endswith(head[-5:])
    assert [type(token) for token in reader.feed(document()) + reader.flush()].count(Document) == 1
