"""A camera's XML as a small tree, read within bounds. Pure.

Cameras write other encodings than they declare, leave `&` bare and end texts with NUL; namespaces change with the
firmware. So names are local and lower case here, and the text is repaired where the intention is plain. A DOCTYPE is
refused: no camera needs one, and entities are how XML attacks its reader.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from edge_agent.errors import EdgeAgentError

MAX_XML_BYTES = 256 * 1024  # real events have 0.2 to 8 KiB; a poll's answer with 500 plates about 150 KiB
MAX_DEPTH = 24  # real events are 7 deep
MAX_ELEMENTS = 8_000
MAX_TEXT_CHARS = 256  # of a field that is taken; real ones have up to 64

# Declared names, and what is tried for them. GB 18030 contains GBK and GB 2312. A declared UTF-16 without a byte order
# mark cannot be true of a declaration that could be read as ASCII.
_CODECS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "utf-16": "utf-8",
    "us-ascii": "utf-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5",
    "iso-8859-1": "cp1252",
    "windows-1252": "cp1252",
    "windows-1251": "cp1251",
}
_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_DECLARATION = re.compile(r"\A<\?xml[^>]*>")
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9A-Fa-f]{1,6});)")
_BLANK = "\ufeff\0 \t\r\n"


class XmlError(EdgeAgentError):
    """The bytes are no XML that a camera could mean; `str()` says why."""


@dataclass(slots=True)
class Node:
    """One element: local name in lower case, namespace, and its own text without blanks around it."""

    name: str
    namespace: str
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def child(self, name: str) -> Node | None:
        """The first child element of that name."""
        return next((child for child in self.children if child.name == name), None)

    def descendants(self) -> Iterator[Node]:
        """All elements below this one, in document order; at most MAX_ELEMENTS, MAX_DEPTH deep."""
        for child in self.children:
            yield child
            yield from child.descendants()


def read_xml(raw: bytes) -> Node:
    """The document's root.

    Raises:
        XmlError: not XML, a DOCTYPE, in no known encoding, or beyond a bound.
    """
    if len(raw) > MAX_XML_BYTES:
        raise XmlError(f"The document has {len(raw)} bytes, more than {MAX_XML_BYTES}")
    text = _DECLARATION.sub("", _decoded(raw).strip(_BLANK))
    try:
        return _tree(text)
    except ParseError as error:
        repaired = _BARE_AMPERSAND.sub("&amp;", text)
        if repaired == text:
            raise XmlError("The document is not well-formed XML", cause=str(error)) from error
    try:
        return _tree(repaired)
    except ParseError as error:
        raise XmlError("The document is not well-formed XML", cause=str(error)) from error


def looks_like_xml(raw: bytes) -> bool:
    """Whether the bytes begin as an XML document does."""
    return raw.lstrip(codecs.BOM_UTF8 + b" \t\r\n\0").startswith(b"<") or raw.startswith(
        (codecs.BOM_UTF16_LE + b"<", codecs.BOM_UTF16_BE + b"\0<")
    )


def _decoded(raw: bytes) -> str:
    for mark, codec in _BYTE_ORDER_MARKS:
        if raw.startswith(mark):
            return _try_codecs(raw[len(mark) :], (codec,))
    declared = _DECLARED.match(raw)
    if declared is None:
        return _try_codecs(raw, ("utf-8", "gb18030"))
    name = declared[1].decode("ascii").lower()
    if name not in _CODECS:
        raise XmlError(f"The document declares the encoding {name!r}, which no camera is known to use")
    # What is written as GB and declared as UTF-8, or the reverse, is common: UTF-8 is strict, so it is asked first.
    return _try_codecs(raw, dict.fromkeys(("utf-8", _CODECS[name], "gb18030")))


def _try_codecs(raw: bytes, names: tuple[str, ...] | dict[str, None]) -> str:
    for name in names:
        try:
            return raw.decode(name)
        except UnicodeDecodeError:
            continue
    raise XmlError(f"The document's text is not in {' or '.join(names)}")


def _tree(text: str) -> Node:
    document = Node("", "")
    parser = DefusedXMLParser(target=_BoundedBuilder(document), forbid_dtd=True)
    try:
        parser.feed(text)
        parser.close()
    except DefusedXmlException as error:
        raise XmlError("The document has a DOCTYPE, which is refused") from error
    return document.children[0]  # the parser has checked that there is exactly one


class _BoundedBuilder:
    """Receives the parser's events and builds nodes below `document`, within the bounds of this module."""

    def __init__(self, document: Node) -> None:
        self._open: list[tuple[Node, list[str]]] = [(document, [])]
        self._elements = 0

    def start(self, tag: str, attributes: dict[str, str], /) -> None:
        del attributes  # cameras say nothing in attributes but the schema's version
        self._elements += 1
        if len(self._open) > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise XmlError(f"The document is deeper than {MAX_DEPTH} or has more than {MAX_ELEMENTS} elements")
        namespace, _, name = tag.rpartition("}")
        node = Node(name.lower(), namespace.lstrip("{"))
        self._open[-1][0].children.append(node)
        self._open.append((node, []))

    def end(self, tag: str, /) -> None:
        del tag  # the parser has checked that it matches
        node, texts = self._open.pop()
        node.text = "".join(texts).strip(_BLANK)

    def data(self, text: str, /) -> None:
        self._open[-1][1].append(text)

    def close(self) -> None:
        """Nothing is left to do; the parser calls it."""
