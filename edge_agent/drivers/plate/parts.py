"""What bodies of cameras are made of: documents, pictures, noise and faults; and the head of a part. Pure.

What is made thousands of times a second is a named tuple: a frozen dataclass takes five times as long to make.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

Form = Literal["xml", "json", "dahua", "pairs", "word"]

_HEADERS = re.compile(rb"^[ \t]*content-(disposition|id|type|length)[ \t]*:[ \t]*(.*)", re.IGNORECASE | re.MULTILINE)
_MAX_DIGITS = 12
_PARAMETER = r"""(?:^|;)\s*%s\s*=\s*(?:"([^"]*)"|([^;\s]*))"""
_NAME = re.compile(_PARAMETER % "name", re.IGNORECASE)
_FILE_NAME = re.compile(_PARAMETER % "filename", re.IGNORECASE)
_BOUNDARY = re.compile(r"""boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;,"]{1,200}))""", re.IGNORECASE)


class Document(NamedTuple):
    """One document, whole."""

    form: Form
    raw: bytes


class Picture(NamedTuple):
    """One picture; `name` is what the sender calls it, its media type is told by its first bytes."""

    name: str
    media_type: str
    body: bytes


class Noise(NamedTuple):
    """Bytes that are neither."""

    raw: bytes
    reason: str


class Fault(NamedTuple):
    """Something that was wrong and could be helped, in words."""

    text: str


Token = Document | Picture | Noise | Fault


class Part(NamedTuple):
    """What a part's or message's head says of it.

    Attributes:
        type: its Content-Type, lower case.
        name: what the sender calls it: its form and file name, or its Content-ID; "" for none.
        boundary: of the parts in it, b"" for none.
        length: its Content-Length; 0 for none that is a number.
        is_picture: it says that it is one, or may be.
    """

    type: str = ""
    name: str = ""
    boundary: bytes = b""
    length: int = 0
    is_picture: bool = False

    @property
    def called(self) -> str:
        """It, for a person."""
        return f"the part {self.name or 'without a name'}"


NO_PART = Part()
"""Where there is no head."""


@lru_cache(maxsize=64)
def part_of(head: bytes) -> Part:
    """What a head says; of headers with the same name the first counts.

    A camera's heads differ in their Content-Length alone: who takes that out of them has them remembered.
    """
    headers = {
        name.lower(): text.rstrip().decode("utf-8", "replace") for name, text in reversed(_HEADERS.findall(head))
    }
    kind, length = headers.get(b"type", ""), headers.get(b"length", "")
    declared = _BOUNDARY.search(kind) if kind.lower().startswith("multipart/") else None
    return Part(
        type=kind.lower(),
        name=_name(headers.get(b"disposition", "")) or headers.get(b"id", "").strip("<>"),
        boundary=(declared[1] or declared[2]).encode("utf-8", "replace") if declared else b"",
        length=int(length) if length.isdecimal() and len(length) <= _MAX_DIGITS else 0,
        is_picture=kind.lower().startswith(("image/", "application/octet-stream")),
    )


def media_type_of(body: bytes) -> str:
    """A picture's media type by its first bytes; "" for none."""
    if body.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/png" if body.startswith(b"\x89PNG\r\n\x1a\n") else ""


def _name(disposition: str) -> str:
    names = (_first_group(_NAME, disposition), _first_group(_FILE_NAME, disposition))
    return " ".join(filter(None, names))


def _first_group(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return (found[1] or found[2] or "") if found else ""
