"""The base of every table of a profile: frozen, and strict about its keys. And kinds of values that tables share."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, model_validator
from pydantic_core import PydanticCustomError

MAX_FRAME = 1024
"""No profiled frame is longer; a larger bound would let a babbling device hold more memory."""


class Layer(BaseModel):
    """One table of a profile. Frozen; a key it does not know is an error that names the closest known one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _know_every_key(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for key in data:
            if key not in known:
                fix = closest(str(key), known)
                raise PydanticCustomError("unknown_key", "unknown key. {fix}", {"key": str(key), "fix": fix})
        return data


def closest(word: str, known: list[str]) -> str:
    """The likely fix for a word that is none of `known`: the closest one, or all of them."""
    match = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean '{match[0]}'?" if match else f"Known here: {', '.join(sorted(known))}"


def like(pattern: str, what: str) -> AfterValidator:
    """Texts that match `pattern` as a whole; `what` tells a person the form."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise PydanticCustomError("form", "{what}", {"what": what})
        return text

    return AfterValidator(check)


def bytes_regex(pattern: str) -> re.Pattern[bytes]:
    """The regular expression over bytes that a profile writes as text; a dot matches every byte."""
    return re.compile(pattern.encode("latin-1"), re.DOTALL)


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def _frozen(table: Mapping[_Key, _Value]) -> Mapping[_Key, _Value]:
    return MappingProxyType(dict(table))


def _span(span: tuple[int, int]) -> tuple[int, int]:
    if not 0 <= span[0] < span[1]:
        raise PydanticCustomError("span", "a span is [first, one past the last], counted from 0")
    return span


def _bytes_regex(pattern: str) -> str:
    try:
        bytes_regex(pattern)
    except (re.error, UnicodeEncodeError) as error:
        raise PydanticCustomError("regex", "not a regular expression over bytes: {why}", {"why": str(error)}) from error
    return pattern


Table = Annotated[Mapping[_Key, _Value], AfterValidator(_frozen)]
"""A table that cannot be changed."""

Span = Annotated[tuple[StrictInt, StrictInt], AfterValidator(_span)]
Position = Annotated[StrictInt, Field(ge=0, lt=MAX_FRAME)]
Mask = Annotated[StrictInt, Field(ge=1, le=0xFF)]
BytesRegex = Annotated[str, AfterValidator(_bytes_regex)]
HexByte = Annotated[str, like(r"[0-9a-fA-F]{2}", "write one byte as two hexadecimal digits, such as '02'")]
Word = Annotated[str, like(r"[a-z][a-z0-9_]*", "write a name in small letters, digits and _")]
