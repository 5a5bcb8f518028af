"""A document taken apart: what all documents of its form have in common, and the values that differ. Pure.

Only plain documents are: no comments in XML, no text beside elements. Any other is of no form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from edge_agent.drivers.plate.parts import Form


class Pattern(NamedTuple):
    """Regular expressions for values in one place: of one that is taken, and of one that is not.

    A value that is taken is never blank, because an empty field is looked for elsewhere. None has what could end it.
    `quote` goes around a text in place of a number.
    """

    taken: str
    left: str
    quote: str = ""

    def quoted(self, text: str) -> str:
        """A text in such a place."""
        return self.quote + text + self.quote


class Leaf(NamedTuple):
    """A value."""

    text: str
    pattern: Pattern


Piece = str | Leaf

_EDGE = r"[\s\ufeff]"


def _pattern(not_in_it: str, ends: str, escapes: str = "") -> Pattern:
    """What `escapes` is followed by `unescaped`."""
    plain = rf"[^{not_in_it}\x00-\x1f]*+"
    left = rf"{plain}(?:{escapes}{plain})*+" if escapes else plain
    return Pattern(rf"(?!{_EDGE}|{ends}|\Z){left}(?<!{_EDGE})", left)


_XML_TEXT = _pattern("<>", "<")
_XML_ATTRIBUTE = _pattern("<>\"'", "[\"']")
_JSON_TEXT = _pattern(r'"\\', '"', r"\\(?:[\\/bfnrt]|u[0-9a-fA-F]{4})")
_DAHUA_TEXT, _PAIR_TEXT, _NUMBER = (
    Pattern(each, each, quote)
    for each, quote in (
        (r'[^;="\s\\\x00-\x1f\ufeff]++', ""),
        (rf"(?!{_EDGE})[^\\\x00-\x1f\x7f-\x9f\u2028\u2029]++(?<!{_EDGE})", ""),
        (r"(?:0|-?[1-9]\d{0,18})(?:\.\d{1,18})?(?![\d.eE])", '"'),
    )
)

_TAG = re.compile(
    r"""<(?P<closes>/?)(?P<name>[\w:.-]+)(?P<attributes>(?:\s+[\w:.-]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'))*)\s*"""
    r"(?P<empty>/?)>(?P<text>[^<>]*)"
)
_ATTRIBUTE = re.compile(r"""\s+(?P<name>[\w:.-]+)\s*=\s*(?P<quote>["'])(?P<text>.*?)(?P=quote)""", re.DOTALL)
_JSON = re.compile(
    r'[{}]|[\s\[\],]+|true|false|null|"(?P<key>[^"\\]*)"\s*:|"(?P<text>(?:[^"\\]|\\.)*)"|(?P<number>-?\d+(?:\.\d+)?)(?![\d.eE])'
)
_HEAD = re.compile(r"(?P<name>[A-Za-z]+)=(?P<text>[^;=\"\s]*)(?:;|\Z)")
_LINE = re.compile(r"(?P<name>[\w.\[\]-]+)=(?P<text>[^\r\n]*)(?:[\r\n]+|\Z)")


_REFERENCES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_REFERENCE = re.compile("&(amp|lt|gt|quot|apos);")


class _NotPlainError(Exception):
    pass


_Value = tuple[int, int, Pattern]
"""Where a value begins and ends, blanks around it included; and what may stand there."""


def pieces(form: Form, text: str, fixed: frozenset[str]) -> list[Piece] | None:
    """The document in its order; None when it is not plain.

    Args:
        form: its language.
        text: the whole of it.
        fixed: names of fields whose values belong to the form, lower case, an attribute's with "@".
    """
    found: list[Piece] = []
    at = 0
    if is_odd(form, text):
        return None
    try:
        for start, end, pattern in _LANGUAGES[form](text, fixed):
            value = text[start:end].strip()
            if value:
                first = text.index(value, start)
                if not re.fullmatch(pattern.taken, value):
                    return None
                found += (text[at:first], Leaf(value, pattern))
                at = first + len(value)
    except _NotPlainError:
        return None
    return [*found, text[at:]]


def is_odd(form: Form, text: str) -> bool:
    """Whether a document that looks like others may be refused all the same.

    XML refuses some characters, be they written or referred to by their numbers.
    """
    return form == "xml" and (("&" in text and "&#" in text) or "\ufffe" in text or "\uffff" in text)


def unescaped(form: Form, text: str) -> str:
    """A value as it is meant; a bare `&` stays, as cameras write it."""
    if form == "xml":
        return _REFERENCE.sub(lambda match: _REFERENCES[match[1]], text) if "&" in text else text
    return str(json.loads(f'"{text}"')) if "\\" in text else text


def _xml(text: str, fixed: frozenset[str]) -> Iterator[_Value]:
    at = len(text) - len(text.lstrip())
    while at < len(text):
        tag = _matched(_TAG, text, at)
        for attribute in _ATTRIBUTE.finditer(text, *tag.span("attributes")):
            if "@" + _local(attribute["name"]) not in fixed:
                yield (*attribute.span("text"), _XML_ATTRIBUTE)
        at = tag.end()
        if tag["text"].strip():
            if tag["closes"] or tag["empty"] or not text.startswith("</", at):
                raise _NotPlainError  # a text beside elements
            if _local(tag["name"]) not in fixed:
                yield (*tag.span("text"), _XML_TEXT)


def _json(text: str, fixed: frozenset[str], at: int = 0) -> Iterator[_Value]:
    name, around = "", list[str]()
    while at < len(text):
        token = _matched(_JSON, text, at)
        at = token.end()
        if token["key"] is not None:
            name = token["key"].lower()
            if name == "#text" and around:  # the text of the field around it, as `tree.text_of` has it
                name = around[-1]
        elif token[0] == "{":
            around.append(name)
        elif token[0] == "}" and around:
            name = around.pop()
        elif name not in fixed:
            if token["text"] is not None:
                yield (*token.span("text"), _JSON_TEXT)
            elif token["number"] is not None:
                yield (*token.span("number"), _NUMBER)


def _dahua(text: str, fixed: frozenset[str]) -> Iterator[_Value]:
    at = 0
    while at < len(text):
        if text.startswith(("data={", "data=["), at):
            yield from _json(text, fixed, at + len("data="))
            return
        pair = _matched(_HEAD, text, at)
        if pair["name"].lower() not in fixed:
            yield (*pair.span("text"), _DAHUA_TEXT)
        at = pair.end()


def _pairs(text: str, fixed: frozenset[str]) -> Iterator[_Value]:
    at = 0
    while at < len(text):
        pair = _matched(_LINE, text, at)
        if re.sub(r"\[\d+\]", "", pair["name"]).rpartition(".")[2].lower() not in fixed:
            yield (*pair.span("text"), _PAIR_TEXT)
        at = pair.end()


_LANGUAGES: Mapping[Form, Callable[[str, frozenset[str]], Iterator[_Value]]] = {
    "xml": _xml,
    "json": _json,
    "dahua": _dahua,
    "pairs": _pairs,
}


def _matched(pattern: re.Pattern[str], text: str, at: int) -> re.Match[str]:
    if (found := pattern.match(text, at)) is None:
        raise _NotPlainError
    return found


def _local(name: str) -> str:
    """As `xml_tree` has it."""
    return name.rpartition(":")[2].lower()
