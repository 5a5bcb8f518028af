"""A camera's XML, repaired where the intention is plain and refused where it is dangerous."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.plate.xml_tree import (
    MAX_DEPTH,
    MAX_ELEMENTS,
    MAX_XML_BYTES,
    XmlError,
    looks_like_xml,
    read_xml,
)

CHINESE = "<a><b>一号门</b></a>"


def first_text(raw: bytes) -> str:
    return next(read_xml(raw).descendants()).text


def test_names_are_local_and_lower_case_whatever_the_namespace() -> None:
    root = read_xml(b'<h:Event xmlns:h="urn:one"><h:DateTime> now </h:DateTime><x xmlns="urn:two"/></h:Event>')
    assert (root.name, root.namespace) == ("event", "urn:one")
    assert [(node.name, node.namespace, node.text) for node in root.children] == [
        ("datetime", "urn:one", "now"),
        ("x", "urn:two", ""),
    ]


@pytest.mark.parametrize(
    "raw",
    [
        CHINESE.encode(),
        b"\xef\xbb\xbf" + CHINESE.encode(),
        b"\xff\xfe" + CHINESE.encode("utf-16-le"),
        b"\xfe\xff" + CHINESE.encode("utf-16-be"),
        f'<?xml version="1.0" encoding="utf-8"?>{CHINESE}'.encode(),
        f"<?xml version='1.0' encoding='GB2312'?>{CHINESE}".encode("gb2312"),
        f'<?xml version="1.0" encoding="gbk"?>{CHINESE}'.encode("gbk"),
        f'<?xml version="1.0" encoding="GB18030"?>{CHINESE}'.encode("gb18030"),
        f'<?xml version="1.0" encoding="UTF-16"?>{CHINESE}'.encode(),
    ],
)
def test_the_text_is_read_in_the_encoding_declared(raw: bytes) -> None:
    assert first_text(raw) == "一号门"


@pytest.mark.parametrize(
    "raw",
    [
        CHINESE.encode("gbk"),
        f'<?xml version="1.0" encoding="UTF-8"?>{CHINESE}'.encode("gbk"),
        f'<?xml version="1.0" encoding="GB2312"?>{CHINESE}'.encode(),
    ],
)
def test_gb_and_utf_8_are_told_apart_when_the_declaration_is_wrong_or_missing(raw: bytes) -> None:
    assert first_text(raw) == "一号门"


def test_bare_ampersands_are_text_and_real_references_stay() -> None:
    assert first_text(b"<a><b>A & B &amp; C &#65; &x; D&E</b></a>") == "A & B & C A &x; D&E"


def test_what_is_well_formed_is_not_touched() -> None:
    assert first_text(b"<a><b><![CDATA[A & B]]></b></a>") == "A & B"


def test_nul_and_blanks_around_the_document_are_dropped() -> None:
    assert first_text(b"\r\n<a><b>x</b></a>\r\n\0\0") == "x"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "DOCTYPE"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "DOCTYPE"),
        (b"<a>", "not well-formed"),
        (b"<a>&<b></a>", "not well-formed"),
        (b"", "not well-formed"),
        (b"<a>\0\xff</a>", "not in utf-8 or gb18030"),
        (b'<?xml version="1.0" encoding="unicode_escape"?><a/>', "'unicode_escape'"),
        (b"<a>" * (MAX_DEPTH + 1), "deeper than"),
        (b"<a>" + b"<b/>" * MAX_ELEMENTS + b"</a>", "more than 8000 elements"),
        (b"<a>" + b" " * MAX_XML_BYTES + b"</a>", "bytes, more than"),
    ],
)
def test_dangerous_and_broken_documents_are_refused_with_the_reason(raw: bytes, why: str) -> None:
    with pytest.raises(XmlError, match=why):
        read_xml(raw)


def test_a_text_in_many_pieces_takes_time_in_proportion() -> None:
    raw = b"<a><b>" + b"x\n" * 120_000 + b"y</b></a>"
    assert len(first_text(raw)) == 240_001


@pytest.mark.parametrize(
    "raw", [b"<a/>", b" \r\n<a/>", b"\xef\xbb\xbf<a/>", b"\xff\xfe<\0a\0/\0>\0", b"\xfe\xff\0<\0a"]
)
def test_xml_is_recognised_by_how_it_begins(raw: bytes) -> None:
    assert looks_like_xml(raw)


@pytest.mark.parametrize("raw", [b"", b"\xff\xd8\xff\xe0<", b'{"a": 1}'])
def test_pictures_and_json_do_not_look_like_xml(raw: bytes) -> None:
    assert not looks_like_xml(raw)


PIECES = st.sampled_from(
    [
        b"<a>",
        b"</a>",
        b"<a",
        b"&",
        b"&#0;",
        b"&#xD800;",
        b"]]>",
        b"<!--",
        b"<?xml",
        b"<!DOCTYPE a>",
        b"\0",
        b"\xff\xfe",
        b"x:",
    ]
)


@given(st.one_of(st.binary(max_size=120), st.lists(PIECES, max_size=20).map(b"".join)))
def test_no_bytes_end_in_anything_but_a_tree_or_the_one_error(raw: bytes) -> None:
    with contextlib.suppress(XmlError):
        assert read_xml(raw).name
