"""A camera's XML as a tree (see `tree`), read within bounds. Pure.

Cameras write other encodings than they declare, leave `&` bare, use prefixes that they do not declare, and end texts
with NUL; the text is repaired where the intention is plain. A DOCTYPE is refused: no camera needs one, and entities
are how XML attacks its reader.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from typing import NoReturn
from xml.parsers import expat

from edge_agent.drivers.plate.tree import MAX_DEPTH, Tree, TreeError, Value

MAX_XML_BYTES = 4 * 1024 * 1024  # events have 0.2 to 8 KiB; those with pictures in Base64 up to 2 MiB
MAX_ELEMENTS = 8_000  # a poll's answer with 500 plates has about 5,000

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
_MARKED = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_BYTE_ORDER_MARKS = tuple(mark for mark, _ in _MARKED)
_DECLARATION_BYTES = 300  # that are looked at
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9A-Fa-f]{1,6});)")
_BLANK = "\ufeff\0 \t\r\n"


class XmlError(TreeError):
    """The bytes are no XML that a camera could mean; `str()` says why."""


def read_xml(raw: bytes) -> Tree:
    """The document as a tree of what stands inside its root; "#root" is the root's name.

    Raises:
        XmlError: not XML, a DOCTYPE, in no known encoding, or beyond a bound.
    """
    text = xml_text(raw)
    try:
        return _Builder().build(text)
    except expat.ExpatError as error:
        repaired = _BARE_AMPERSAND.sub("&amp;", text)
        if repaired == text:
            raise XmlError("The document is not well-formed XML", cause=str(error)) from error
    try:
        return _Builder().build(repaired)
    except expat.ExpatError as error:
        raise XmlError("The document is not well-formed XML", cause=str(error)) from error


def xml_text(raw: bytes) -> str:
    """The document without its declaration, whatever the encoding; XmlError as `read_xml`, for what it says of them."""
    if len(raw) > MAX_XML_BYTES:
        raise XmlError(f"The document has {len(raw)} bytes, more than {MAX_XML_BYTES}")
    text = _decoded(raw).strip(_BLANK)
    return text[text.find(">") + 1 :] if text.startswith("<?xml") else text


def _decoded(raw: bytes) -> str:
    if raw.startswith(_BYTE_ORDER_MARKS):
        mark, codec = next((mark, codec) for mark, codec in _MARKED if raw.startswith(mark))
        return _try_codecs(raw[len(mark) :], (codec,))
    return _try_codecs(raw, _codecs(raw[: raw.find(b">", 0, _DECLARATION_BYTES) + 1]))


@lru_cache(maxsize=64)
def _codecs(declaration: bytes) -> tuple[str, ...]:
    """What is tried for a document that begins so."""
    declared = _DECLARED.match(declaration)
    if declared is None:
        return ("utf-8", "gb18030")
    name = declared[1].decode("ascii").lower()
    if name not in _CODECS:
        raise XmlError(f"The document declares the encoding {name!r}, which no camera is known to use")
    # What is written as GB and declared as UTF-8, or the reverse, is common: UTF-8 is strict, so it is asked first.
    return tuple(dict.fromkeys(("utf-8", _CODECS[name], "gb18030")))


def _try_codecs(raw: bytes, names: tuple[str, ...]) -> str:
    for name in names:
        try:
            return raw.decode(name)
        except UnicodeDecodeError:
            continue
    raise XmlError(f"The document's text is not in {' or '.join(names)}")


class _Builder:
    """Receives the parser's events and builds the tree, within the bounds."""

    def __init__(self) -> None:
        self._document: Tree = {}
        self._open: list[tuple[str, Tree]] = [("", self._document)]
        self._texts: list[str] = []
        self._elements = 0

    def build(self, text: str) -> Tree:
        """The whole tree; expat.ExpatError when it is not well-formed."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._texts.append
        parser.StartDoctypeDeclHandler = _refuse
        parser.Parse(text, True)
        ((root, value),) = self._document.items()
        tree: Tree = value if isinstance(value, dict) else {"#text": value}
        tree["#root"] = root
        return tree

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if len(self._open) > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise XmlError(f"The document is deeper than {MAX_DEPTH} or has more than {MAX_ELEMENTS} elements")
        self._texts.clear()  # blanks between elements
        node: Tree = {"@" + _local(each): text for each, text in attributes.items()} if attributes else {}
        self._open.append((_local(tag), node))

    def _end(self, tag: str) -> None:
        del tag  # the parser has checked that it matches
        name, node = self._open.pop()
        text = "".join(self._texts).strip(_BLANK)
        self._texts.clear()
        if text and node:
            node["#text"] = text
        value: Value = node or text
        above = self._open[-1][1]
        if name not in above:
            above[name] = value
        elif isinstance(there := above[name], list):
            there.append(value)
        else:
            above[name] = [there, value]


@lru_cache(maxsize=1024)
def _local(name: str) -> str:
    """Without prefix, in lower case."""
    return name.rpartition(":")[2].lower()


def _refuse(*_: object) -> NoReturn:
    raise XmlError("The document has a DOCTYPE, which is refused")
