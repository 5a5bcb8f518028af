"""What a camera's document says, in one shape whatever its language: XML, JSON and Dahua's `key=value` lines. Pure.

A tree is a dictionary. Names are lower case and without namespace, because cases and namespaces change with the
firmware; an attribute's name begins with "@", an element's own text is "#text", the name of an XML document's root is
"#root". What stands there several times is a list. An element that has nothing but text is that text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import TypeAlias

from edge_agent.errors import EdgeAgentError

Tree: TypeAlias = "dict[str, Value]"
Value: TypeAlias = "str | int | Decimal | bool | dict[str, Value] | list[Value] | None"

MAX_DEPTH = 40  # real ones are 9 deep
MAX_PAIRS = 8_000
_MAX_INDEX = 999

_PAIR = re.compile(r"([A-Za-z][\w.\[\]-]{0,200})=(.*)")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d{1,3})\]")


class TreeError(EdgeAgentError):
    """The bytes are no document that a camera could mean; `str()` says why."""


def read_json(raw: bytes) -> Value:
    """A JSON document, names in lower case; numbers keep every digit.

    Raises:
        TreeError: not JSON, in another encoding than UTF-8 or GB 18030, or too deep.
    """
    try:
        value: Value = _JSON.decode(plain_text(raw))
    except RecursionError as error:
        raise TreeError("The document is too deep") from error
    except ValueError as error:
        raise TreeError("The document is not JSON", cause=str(error)) from error
    return value


def read_pairs(raw: bytes) -> Tree:
    """Lines like `records[0].TrafficCar.PlateNumber=ABC`: names with dots and indices become trees and lists.

    A line that is no pair is passed over.

    Raises:
        TreeError: more than MAX_PAIRS lines, too deep, or a place that is used in two ways.
    """
    root: Tree = {}
    for number, line in enumerate(plain_text(raw).splitlines()):
        if number == MAX_PAIRS:
            raise TreeError(f"There are more than {MAX_PAIRS} lines")
        if pair := _PAIR.fullmatch(line.strip()):
            _place(root, list(_steps(pair[1])), pair[2].strip())
    return root


def text_of(value: Value) -> str:
    """The text of a leaf, "" for a value that is none."""
    if isinstance(value, str):  # as nearly every leaf is
        return value.strip()
    if isinstance(value, dict):
        return text_of(value.get("#text"))
    if value is None or isinstance(value, bool | list):
        return ""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _lower_case(pairs: list[tuple[str, Value]]) -> Tree:
    return {name.lower(): value for name, value in pairs}


def _no_constant(name: str) -> Value:
    raise ValueError(f"{name} is no number")


_JSON = json.JSONDecoder(object_pairs_hook=_lower_case, parse_float=Decimal, parse_constant=_no_constant, strict=False)


def plain_text(raw: bytes) -> str:
    """What is written there, in UTF-8 or GB 18030; TreeError when it is in neither."""
    raw = raw.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\n\0")
    for codec in ("utf-8", "gb18030"):
        try:
            return raw.decode(codec)
        except UnicodeDecodeError:
            continue
    raise TreeError("The document's text is neither UTF-8 nor GB 18030")


def _steps(name: str) -> Iterator[str | int]:
    for match in _STEP.finditer(name):
        yield match[1].lower() if match[1] else int(match[2])


def _place(root: Tree, steps: list[str | int], text: str) -> None:
    """Put `text` where the steps lead, making what is missing on the way."""
    if len(steps) > MAX_DEPTH or not steps or isinstance(steps[0], int):
        raise TreeError("A name of the lines makes no sense")
    here: Value = root
    for step, following in pairwise(steps):
        here = _below(here, step, [] if isinstance(following, int) else {})
    _below(here, steps[-1], text)


def _below(here: Value, step: str | int, new: Value) -> Value:
    if isinstance(here, dict) and isinstance(step, str):
        return here.setdefault(step, new)
    if isinstance(here, list) and isinstance(step, int) and step <= min(len(here), _MAX_INDEX):
        if step == len(here):
            here.append(new)
        return here[step]
    raise TreeError("A name of the lines is used in two ways, or leaves numbers out")
