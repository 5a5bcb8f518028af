"""What bodies of cameras are made of: documents, pictures, noise and faults; and the head of a part. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

Form = Literal["xml", "json", "dahua", "pairs", "word"]

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


@dataclass(slots=True)
class Part:
    """The headers of a part; `size` is what they have so far, in bytes."""

    headers: dict[str, str] = field(default_factory=dict)
    size: int = 0

    @property
    def name(self) -> str:
        """What the sender calls the part: its form and file name, or its Content-ID; "" for none."""
        disposition = self.headers.get("content-disposition", "")
        names = (_first_group(_NAME, disposition), _first_group(_FILE_NAME, disposition))
        return " ".join(filter(None, names)) or self.headers.get("content-id", "").strip("<>")

    @property
    def type(self) -> str:
        """Its Content-Type, lower case."""
        return self.headers.get("content-type", "").lower()

    @property
    def length(self) -> int:
        """Its Content-Length; 0 for none that is a number."""
        text = self.headers.get("content-length", "")
        return int(text) if re.fullmatch(r"\d{1,12}", text) else 0


def media_type_of(body: bytes) -> str:
    """A picture's media type by its first bytes; "" for none."""
    if body.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/png" if body.startswith(b"\x89PNG\r\n\x1a\n") else ""


def _first_group(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return (found[1] or found[2] or "") if found else ""
