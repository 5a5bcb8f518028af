"""Payloads of AIS messages: armoured characters in, fields by name out. Pure.

Which fields a type of message has, where they stand and what they mean is pyais's own table. Of the types that have the
same fields every time the bits are taken here, all of a field's values looked up at once: pyais reads about ten
thousand messages a second, and a busy port says more. The other types, rare ones, are read by pyais itself.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import pyais
from pyais.exceptions import AISBaseException
from pyais.messages import ENUM_FIELDS, MSG_CLASS, Payload
from pyais.messages import MessageType24PartA as StaticPartA
from pyais.messages import MessageType24PartB as StaticPartB
from pyais.messages import MessageType24PartBAuxiliaryCraft as StaticPartBOfTender

from edge_agent.drivers.nmea0183 import Sentence

LONGEST = 1064
"""Bits of the longest message: five slots (M.1371-5, annex 8, table 84)."""

_SHORTEST = {
    **dict.fromkeys((1, 2, 3, 4, 9, 11, 18, 22), 168),
    **dict.fromkeys((7, 10, 12, 13, 20, 28), 72),
    **dict.fromkeys((14, 25), 40),
} | {5: 422, 6: 88, 8: 56, 15: 88, 16: 92, 17: 80, 19: 312, 21: 268, 23: 160, 24: 160, 26: 60, 27: 96}
"""Bits of the shortest message of each type (M.1371-5 annex 8, tables 46 to 84; 5 and 16 as some receivers cut spare
bits, 21 as some aids to navigation leave out the flags at its end). What is cut off would be read as smaller numbers:
half an MMSI is another ship.
"""

_UNKNOWN: Mapping[str, tuple[object, ...]] = {
    "lon": (181.0,),
    "lat": (91.0,),
    "speed": (102.3,),
    "course": (360.0,),
    "heading": (511,),
    "turn": (-128.0,),
    "second": (60,),
    "maneuver": (0,),
    "imo": (0,),
    "callsign": ("",),
    "shipname": ("",),
    "name": ("",),
    "destination": ("",),
    "ship_type": (0,),
    "draught": (0.0,),
    "month": (0,),
    "day": (0,),
    "hour": (24,),
    "minute": (60,),
    "epfd": (0,),
    "status": (15,),
}
"""Codes by which a station says that it does not know (ITU-R M.1371-5, annex 8): they are no values."""

LONG_RANGE = 27
_LONG_RANGE_UNKNOWN = {**_UNKNOWN, "speed": (63, 63.0), "course": (511, 511.0)}
"""The long-range message has codes of its own (M.1371-5, annex 8, 3.25)."""

_STATUS = (
    "under_way_using_engine",
    "at_anchor",
    "not_under_command",
    "restricted_manoeuverability",
    "constrained_by_her_draught",
    "moored",
    "aground",
    "engaged_in_fishing",
    "under_way_sailing",
    "reserved_hsc",
    "reserved_wig",
    "towing_astern",
    "pushing_ahead",
    "reserved",
    "ais_sart_active",
)
"""Navigational status 0 to 14 (M.1371-5, annex 8, table 47); 15 is not defined."""

STATIC = 24
_SAME_EVERY_TIME = frozenset({1, 2, 3, 4, 5, 9, 11, 18, 19, 27})
"""Types with fixed fields; those of STATIC depend on its part."""

_MOST_LISTED_BITS = 12
"""Fields of up to so many bits have their values listed: 4,096 at most."""

_PAYLOAD_ERRORS = (AISBaseException, ValueError, LookupError, TypeError)
"""What pyais raises for a payload that no station sends. The last three it does not promise; they must not stop us."""

_ARMOUR = bytes(range(ord("0"), ord("W") + 1)) + bytes(range(ord("`"), ord("w") + 1))
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_TO_BASE64 = bytes.maketrans(_ARMOUR, _BASE64)
_TO_TEXT = bytes.maketrans(_BASE64, bytes(code + 64 if code < 32 else code for code in range(64)))  # noqa: PLR2004 - M.1371-5, annex 8, table 47: six-bit characters
_FILL = {"": 0, **{str(bits): bits for bits in range(6)}}


class NoMessageError(ValueError):
    """The payload is no AIS message; the text says why."""


def read_payload(parts: Sequence[Sentence]) -> dict[str, Any]:
    """The message's fields: pyais's names, M.1371 units (knots, degrees, metres); None: the station does not know.

    Args:
        parts: the VDM or VDO sentences of one message, in order.

    Raises:
        NoMessageError: no type of message, too short for its type, or characters that no payload has.
    """
    armoured = "".join([part.fields[4] for part in parts]).encode("ascii")
    fill = _FILL.get(parts[-1].fields[5])
    if fill is None or not armoured:
        what = f"{parts[-1].fields[5]!r} fill bits" if armoured else "no payload"
        raise NoMessageError(f"the sentence has {what}")
    if armoured.translate(None, _ARMOUR):
        raise NoMessageError("the payload is no AIS message: it has characters that none has")
    filled, bits = 6 * len(armoured), 6 * len(armoured) - fill
    kind = _ARMOUR.index(armoured[0])
    shortest = _SHORTEST.get(kind)
    if shortest is None:
        raise NoMessageError(f"there is no AIS message {kind}")
    if filled < shortest or bits > LONGEST:
        raise NoMessageError(f"a message {kind} of {bits} bits is none; the shortest has {shortest}")
    value = _value_of(armoured) >> fill
    plan = _plan_of(kind, value, bits)
    if plan is not None and bits >= plan.width:
        value >>= bits - plan.width
        return {name: read((value >> shift) & mask) for name, shift, mask, read in plan.fields}
    return _by_pyais(kind, parts)


def _value_of(armoured: bytes) -> int:
    """All bits as one number."""
    short = -len(armoured) % 4
    padded = armoured.translate(_TO_BASE64) + b"A" * short
    return int.from_bytes(binascii.a2b_base64(padded), "big") >> 6 * short


def _by_pyais(kind: int, parts: Sequence[Sentence]) -> dict[str, Any]:
    try:
        fields: dict[str, Any] = pyais.decode(*(part.text for part in parts)).asdict(enum_as_int=True)
    except _PAYLOAD_ERRORS as error:
        raise NoMessageError(f"the payload is no AIS message: {type(error).__name__} {error}") from error
    told = {name: _told(kind, name, value) for name, value in fields.items()}
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in told.items()}


def _told(kind: int, name: str, value: object) -> object:
    """A field's value as it is shown: None for a code that stands for none."""
    unknown = _LONG_RANGE_UNKNOWN if kind == LONG_RANGE else _UNKNOWN
    if value in unknown.get(name, ()):
        return None
    return _STATUS[value] if name == "status" and isinstance(value, int) else value


# --- compiled tables of fields ---------------------------------------------------------------------------------------

_Read = Callable[[int], object]


class _Plan:
    """Where the fields of a type stand, from the end of its `width` bits (without spare ones), and how each is read."""

    def __init__(self, kind: int, table: type[Payload]) -> None:
        self.fields: list[tuple[str, int, int, _Read]] = []
        fields = list(table.fields())
        while fields[-1].metadata["is_spare"]:
            fields.pop()
        end = self.width = sum(field.metadata["width"] for field in fields)
        for field in fields:
            facts = field.metadata
            end -= facts["width"]
            if not facts["is_spare"]:
                reader = _reader(kind, field.name, facts)
                self.fields.append((field.name, end, (1 << facts["width"]) - 1, reader))


def _plan_of(kind: int, value: int, bits: int) -> _Plan | None:
    if kind in _SAME_EVERY_TIME:
        return _compiled(kind, MSG_CLASS[kind])
    if kind != STATIC:
        return None
    part = (value >> (bits - 40)) & 0b11
    if part > 1:
        return None
    tender = 980_000_000 <= (value >> (bits - 38)) & 0x3FFFFFFF <= 989_999_999  # noqa: PLR2004 - 98MIDxxxx, M.585-9
    return _compiled(kind, StaticPartA if part == 0 else StaticPartBOfTender if tender else StaticPartB)


@cache
def _compiled(kind: int, table: type[Payload]) -> _Plan:
    return _Plan(kind, table)


def _reader(kind: int, name: str, facts: Mapping[str, Any]) -> _Read:
    width, to_value = facts["width"], facts["to_converter"]
    if facts["d_type"] is str:
        return _text_reader(kind, name, width)
    sign = 1 << (width - 1) if facts["signed"] else 0
    as_type = facts["d_type"]

    def read(raw: int) -> object:
        value = as_type((raw ^ sign) - sign)
        if to_value is not None:
            value = to_value(value)
        return _told(kind, name, int(value) if name in ENUM_FIELDS else value)

    if width > _MOST_LISTED_BITS:
        return read
    return [read(raw) for raw in range(1 << width)].__getitem__


def _text_reader(kind: int, name: str, width: int) -> _Read:
    """Six-bit characters: made base64 again, which C code does, and those put in their place."""
    pad = -width % 24
    size, count = (width + pad) // 8, width // 6

    def read(raw: int) -> object:
        characters = binascii.b2a_base64((raw << pad).to_bytes(size, "big"), newline=False)[:count]
        text = characters.translate(_TO_TEXT).decode("ascii").rstrip("@").strip()
        return _told(kind, name, text)

    return read
