"""A text of the agent in 简体中文. Pure; standard library only.

The agent says and records what goes wrong in English. A text is one or more sentences, each of which may name things:
each is looked up by its English form, in which `{}` stands for what it names. What has no Chinese is shown as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Final

from edge_agent.status.chinese import cameras, gatectl, keeping, lanes, lines, raw, uplink, vision

TABLES: Final[Sequence[Mapping[str, str]]] = (
    gatectl.SENTENCES,
    lines.SENTENCES,
    cameras.SENTENCES,
    vision.SENTENCES,
    lanes.SENTENCES,
    raw.SENTENCES,
    keeping.SENTENCES,
    uplink.SENTENCES,
)
"""By the English form; a form stands in one of them only."""

APART: Final = ". "
"""Between two sentences (edge_agent.errors)."""

_MOST_CHARACTERS: Final = 2000
_MOST_SENTENCES: Final = 24
_TWO_LANGUAGES: Final = " / "
_FIRST_HAN, _LAST_HAN = "\u4e00", "\u9fff"


def in_chinese(text: str) -> str:
    """The text in Chinese, with what it names; a sentence that is not known stays as it is.

    Of a text in both languages (English / 中文) the Chinese half.
    """
    english, _, chinese = text.rpartition(_TWO_LANGUAGES)
    if is_chinese(chinese) and english and not is_chinese(english):
        return chinese
    return _told(text) if len(text) <= _MOST_CHARACTERS else text


def reading_in_chinese(text: str) -> str:
    """A device's last reading: its unit, or the words that stand for it."""
    told = _known(text, _readings(), reading_in_chinese)
    return in_chinese(text) if told is None else told


def is_chinese(text: str) -> bool:
    """Whether there is a Chinese character in it."""
    return any(_FIRST_HAN <= character <= _LAST_HAN for character in text)


@lru_cache(maxsize=512)
def _told(text: str) -> str:
    whole = text.removesuffix(".")
    sentences = whole.split(APART)
    if len(sentences) > _MOST_SENTENCES:
        return text
    told: list[str] = []
    while sentences:
        chinese, count = _begun(sentences)
        told.append(chinese)
        del sentences[:count]
    if not any(map(is_chinese, told)):
        return text
    return "。".join(told) + ("。" if whole != text else "")


def _begun(sentences: Sequence[str]) -> tuple[str, int]:
    """The Chinese of the first sentences, as many as one form has, and how many that is."""
    for forms, counts in ((_long(), range(len(sentences), 1, -1)), (_short(), range(1, len(sentences) + 1))):
        for count in counts:
            chinese = _known(APART.join(sentences[:count]), forms, _told)
            if chinese is not None:
                return chinese, count
    return sentences[0], 1


class _Forms:
    """English forms with their Chinese: those that name nothing, and those that do, the longest first."""

    def __init__(self, every: Mapping[str, str]) -> None:
        self.plain = {english: chinese for english, chinese in every.items() if "{}" not in english}
        named = sorted((english for english in every if "{}" in english), key=len, reverse=True)
        self.naming = [(english.split("{}"), every[english]) for english in named]


@cache
def _long() -> _Forms:
    """Forms of several sentences."""
    return _Forms({english: told for table in TABLES for english, told in table.items() if APART in english})


@cache
def _short() -> _Forms:
    """Forms of one sentence."""
    return _Forms({english: told for table in TABLES for english, told in table.items() if APART not in english})


@cache
def _readings() -> _Forms:
    return _Forms(lines.READINGS)


def _known(text: str, forms: _Forms, tell: Callable[[str], str]) -> str | None:
    """One form's Chinese, with what it names told by `tell`."""
    if (plain := forms.plain.get(text)) is not None:
        return plain
    status, colon, reason = text.partition(": ")
    if colon and status.isdecimal() and (told := _known(reason, forms, tell)) is not None:  # HTTP's, before its reason
        return f"{status}：{told}"
    for parts, chinese in forms.naming:
        if (named := _fitted(text, parts)) is not None:
            return chinese.format(*map(tell, named))
    return None


def _fitted(text: str, parts: Sequence[str]) -> list[str] | None:
    """What stands between the parts of a form; None when the text is not of this form."""
    first, *others, last = parts
    end = len(text) - len(last)
    if not (text.startswith(first) and text.endswith(last)):
        return None
    named, at = [], len(first)
    for part in others:
        found = text.find(part, at + 1, end)
        if found < 0:
            return None
        named.append(text[at:found])
        at = found + len(part)
    return [*named, text[at:end]] if at < end else None
