"""What a frame's bytes mean: the readers that a profile's `[field.*]`, `[[state_if]]` … layers compile to. Pure.

Readers are compiled for one variant of the frame: a source that names a group which the variant's `match` does not have
gives nothing there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from string import Formatter

from edge_agent.drivers.engine import Frame
from edge_agent.drivers.layer import bytes_regex
from edge_agent.drivers.sources import Bits, Condition, Default, Flag, Number, Places, Words


class NotANumberError(ValueError):
    """The characters where a number should stand are none; the text says which."""


_PART = re.compile(rb"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)").fullmatch

Groups = Mapping[str, int]
"""The named groups of a variant's `match`, with their numbers."""

NumberReader = Callable[[Frame], Decimal | None]
ValueReader = Callable[[Frame], str | bool | None]
ConditionReader = Callable[[Frame], bool]
TextReader = Callable[[Frame], bytes | None]


def number_reader(spec: Number, groups: Groups) -> NumberReader:
    """Reads a number exactly as the device resolved it: 025936 with two places is 259.36, 000080 is 80.

    The reader gives None when there is no number: only padding, a frame without it, or a code for the decimal point
    that the profile does not know. It raises NotANumberError for anything else. Zero has no sign.
    """
    text_of = _text_reader(spec, groups)
    to_number = _unsigned if spec.type == "binary" else _decimal_parser(spec)
    places = _places_reader(spec.scale10) if spec.scale10 else None
    negative = _flag_reader(spec.negative_if) if spec.negative_if else None

    def read(frame: Frame) -> Decimal | None:
        text = text_of(frame)
        number = to_number(text) if text is not None else None
        if number is None:
            return None
        if places:
            point = places(frame.body)
            if point is None:
                return None
            if point:
                number = number.scaleb(-point) if point > 0 else number * 10**-point
        if negative and number and negative(frame.body):
            return -number
        return number

    return read


def _text_reader(spec: Number, groups: Groups) -> TextReader:
    if spec.at is not None:
        first, last = spec.at
        return lambda frame: frame.body[first:last] if len(frame.body) >= last else None
    return _group_reader(spec.group or "", groups)


def _group_reader(group: str, groups: Groups) -> TextReader:
    number = groups.get(group)
    if number is None:
        return lambda _frame: None
    return lambda frame: frame.match[number]


def _unsigned(text: bytes) -> Decimal:
    return Decimal(int.from_bytes(text, "big"))


def _decimal_parser(spec: Number) -> Callable[[bytes], Decimal | None]:
    pad = re.escape(spec.pad.encode("latin-1")) + b"*" if spec.pad else b""
    point = b"[" + re.escape(spec.point.encode("latin-1")) + b"]" if spec.point else b"(?!)"
    form = re.compile(pad + b"([+-]?)" + pad + b"([0-9]+(?:" + point + b"[0-9]*)?|" + point + b"[0-9]+)").fullmatch
    is_blank = re.compile(pad).fullmatch
    comma = "," in spec.point
    reverse = spec.reverse

    def parse(text: bytes) -> Decimal | None:
        found = form(text[::-1] if reverse else text)
        if found is None:
            if is_blank(text):
                return None
            raise NotANumberError(f"'{text.decode('latin-1')}' is not a number")
        sign, digits = found.groups()
        number = Decimal((digits.replace(b",", b".") if comma else digits).decode("ascii"))
        return -number if sign == b"-" and number else number

    return parse


def value_reader(spec: Bits | Words | Default | None, groups: Groups) -> ValueReader | None:
    """Looks bits or a text up; None for a code that the map does not have. No reader where there is nothing to read."""
    if spec is None:
        return None
    if isinstance(spec, Default):
        given = spec.default
        return lambda _frame: given
    if isinstance(spec, Bits):
        return _bits_reader(spec, groups)
    if spec.group not in groups:
        return None
    text_of = _group_reader(spec.group, groups)
    table = {word.encode("latin-1"): value for word, value in spec.map.items()}

    def read(frame: Frame) -> str | bool | None:
        text = text_of(frame)
        return None if text is None else table.get(text.strip())

    return read


def _bits_reader(spec: Bits, groups: Groups) -> ValueReader | None:
    if spec.group is not None and spec.group not in groups:
        return None
    text_of: TextReader = _group_reader(spec.group, groups) if spec.group is not None else lambda frame: frame.body
    byte, mask, shift = spec.byte, spec.mask, _shift(spec.mask)
    further = {code: _bits_reader(value, groups) for code, value in spec.map.items() if isinstance(value, Bits)}
    table = {code: value for code, value in spec.map.items() if not isinstance(value, Bits)}

    def read(frame: Frame) -> str | bool | None:
        text = text_of(frame)
        if text is None or byte >= len(text):
            return None
        code = (text[byte] & mask) >> shift
        follow = further.get(code)
        return follow(frame) if follow else table.get(code)

    return read


def condition_reader(spec: Condition, groups: Groups) -> ConditionReader | None:
    """Does it hold? No reader where it never can: the variant does not have its group."""
    word = first_of([(spec, "holds")], groups)
    return (lambda frame: word(frame) is not None) if word else None


def first_of(conditions: Iterable[tuple[Condition, str]], groups: Groups) -> Callable[[Frame], str | None] | None:
    """The word of the first condition that holds, None when none does. No reader where none ever can."""
    readers: list[Callable[[Frame], str | None]] = []
    words: tuple[str, dict[bytes, str]] | None = None  # texts of one group in a row are one look-up
    for spec, word in conditions:
        if spec.group is not None and spec.group not in groups:
            continue
        if spec.is_ is None:
            words = None
            readers.append(_bits_word(spec, word, groups))
            continue
        if words is None or words[0] != spec.group:
            words = (spec.group or "", {})
            readers.append(_text_word(words[0], words[1], groups))
        for text in spec.is_:
            words[1].setdefault(text.encode("latin-1"), word)
    if len(readers) <= 1:
        return readers[0] if readers else None

    def read(frame: Frame) -> str | None:
        for reader in readers:
            word = reader(frame)
            if word is not None:
                return word
        return None

    return read


def _text_word(group: str, table: Mapping[bytes, str], groups: Groups) -> Callable[[Frame], str | None]:
    text_of = _group_reader(group, groups)

    def read(frame: Frame) -> str | None:
        text = text_of(frame)
        return None if text is None else table.get(text.strip())

    return read


def _bits_word(spec: Condition, word: str, groups: Groups) -> Callable[[Frame], str | None]:
    text_of: TextReader = _group_reader(spec.group, groups) if spec.group is not None else lambda frame: frame.body
    byte, mask = spec.byte or 0, spec.mask or 0
    bits = (spec.equals or 0) << _shift(mask)

    def read(frame: Frame) -> str | None:
        text = text_of(frame)
        return word if text is not None and byte < len(text) and text[byte] & mask == bits else None

    return read


def parts_reader(find: str | None, named: Iterable[str], groups: Groups) -> Callable[[Frame], tuple[Decimal, ...]]:
    """The numbers of every match in a frame, or of some groups; NotANumberError for a text that is none."""
    if find is None:
        readers = [_group_reader(name, groups) for name in named]
        return lambda frame: tuple([part(text) for reader in readers if (text := reader(frame)) is not None])
    search = bytes_regex(find).findall
    return lambda frame: tuple([part(text) for text in search(frame.body)])


def part(text: bytes) -> Decimal:
    """A part's digits; NotANumberError for a text that is none."""
    if not text.isdigit() and not _PART(text):
        raise NotANumberError(f"'{text.decode('latin-1')}' is not a number")
    return Decimal(text.decode("ascii"))


def note_reader(text: str, groups: Groups) -> Callable[[Frame], str | None] | None:
    """The text with the groups in braces filled in; None without one of them. No reader where one can never be."""
    named = [name for _, name, _, _ in Formatter().parse(text) if name]
    if not all(name in groups for name in named):
        return None
    numbers = [groups[name] for name in named]
    if text == f"{{{named[0] if named else ''}}}":
        (number,) = numbers
        return lambda frame: None if (value := frame.match[number]) is None else value.decode("latin-1").strip()
    fill = re.sub(r"{\w+}", "{}", text).format

    def read(frame: Frame) -> str | None:
        found = [value for number in numbers if (value := frame.match[number]) is not None]
        if len(found) < len(numbers):
            return None
        return fill(*[value.decode("latin-1").strip() for value in found])

    return read


def _places_reader(spec: Places) -> Callable[[bytes], int | None]:
    byte = spec.byte
    if spec.map is None or spec.mask is None:
        return lambda body: body[byte] - ord("0") if body[byte : byte + 1].isdigit() else None
    mask, shift, table = spec.mask, _shift(spec.mask), spec.map
    return lambda body: table.get((body[byte] & mask) >> shift)


def _flag_reader(spec: Flag) -> Callable[[bytes], bool]:
    return lambda body: bool(body[spec.byte] & spec.mask)


def _shift(mask: int) -> int:
    """Position of the mask's lowest bit."""
    return (mask & -mask).bit_length() - 1
