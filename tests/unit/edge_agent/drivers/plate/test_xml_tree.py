"""A camera's XML, repaired where the intention is plain and refused where it is dangerous."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.plate.tree import MAX_DEPTH, text_of
from edge_agent.drivers.plate.xml_tree import MAX_ELEMENTS, MAX_XML_BYTES, XmlError, read_xml

CHINESE = "<a><b>一号门</b></a>"


def first_text(raw: bytes) -> str:
    return text_of(read_xml(raw)["b"])


def test_names_are_local_and_lower_case_whatever_the_namespace() -> None:
    raw = b'<h:Event xmlns:h="urn:one" h:Version="2.0"><h:DateTime> now </h:DateTime><x xmlns="urn:two"/></h:Event>'
    assert read_xml(raw) == {
        "#root": "event",
        "@h": "urn:one",
        "@version": "2.0",
        "datetime": "now",
        "x": {"@xmlns": "urn:two"},
    }


def test_prefixes_that_are_not_declared_are_no_fault() -> None:
    assert read_xml(b"<tt:a><tt:b>1</tt:b></tt:a>") == {"#root": "a", "b": "1"}


def test_what_stands_there_several_times_is_a_list() -> None:
    assert read_xml(b'<a><b>1</b><b x="y">2</b><b/></a>')["b"] == ["1", {"@x": "y", "#text": "2"}, ""]


def test_a_document_of_one_element_is_its_text() -> None:
    assert read_xml(b"<a>x</a>") == {"#root": "a", "#text": "x"}


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
        assert read_xml(raw)["#root"]
