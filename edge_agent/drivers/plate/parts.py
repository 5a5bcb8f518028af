"""What bodies of cameras are made of: documents, pictures, noise and faults; and the head of a part. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

Form = Literal["xml", "json", "dahua", "pairs", "word"]

_HEADERS = re.compile(rb"^[ \t]*content-(disposition|id|type|length)[ \t]*:[ \t]*(.*)", re.IGNORECASE | re.MULTILINE)
_MAX_DIGITS = 12
_PARAMETER = r"""(?:^|;)\s*%s\s*=\s*(?:"([^"]*)"|([^;\s]*))"""
_NAME = re.compile(_PARAMETER % "name", re.IGNORECASE)
_FILE_NAME = re.compile(_PARAMETER % "filename", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Document:
    """One document, whole."""

    form: Form
    raw: bytes


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture; `name` is what the sender calls it, its media type is told by its first bytes."""

    name: str
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Noise:
    """Bytes that are neither."""

    raw: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that was wrong and could be helped, in words."""

    text: str


Token = Document | Picture | Noise | Fault


@dataclass(frozen=True, slots=True)
class Part:
    """What a part's head says of it: its headers that begin with Content-, by the rest of their names in lower case."""

    headers: Mapping[bytes, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, head: bytes) -> Part:
        """Of headers with the same name the first counts."""
        return cls({name.lower(): text for name, text in reversed(_HEADERS.findall(head))})

    def header(self, name: bytes) -> str:
        """One of them; "" for none."""
        return self.headers.get(name, b"").rstrip().decode("utf-8", "replace")

    @property
    def name(self) -> str:
        """What the sender calls the part: its form and file name, or its Content-ID; "" for none."""
        return _name(self.header(b"disposition")) or self.header(b"id").strip("<>")

    @property
    def called(self) -> str:
        """It, for a person."""
        return f"the part {self.name or 'without a name'}"

    @property
    def type(self) -> str:
        """Its Content-Type, lower case."""
        return self.header(b"type").lower()

    @property
    def length(self) -> int:
        """Its Content-Length; 0 for none that is a number."""
        text = self.header(b"length")
        return int(text) if text.isdecimal() and len(text) <= _MAX_DIGITS else 0


def media_type_of(body: bytes) -> str:
    """A picture's media type by its first bytes; "" for none."""
    if body.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/png" if body.startswith(b"\x89PNG\r\n\x1a\n") else ""


@lru_cache(maxsize=256)
def _name(disposition: str) -> str:
    names = (_first_group(_NAME, disposition), _first_group(_FILE_NAME, disposition))
    return " ".join(filter(None, names))


def _first_group(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return (found[1] or found[2] or "") if found else ""
