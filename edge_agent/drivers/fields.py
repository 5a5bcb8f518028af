"""What a frame's bytes mean: the readers that a profile's `[field.*]` and `[[state_if]]` layers compile to. Pure."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from edge_agent.drivers.schema import Bits, DecimalSlice, Flag, Places, StateIf


class NotANumberError(ValueError):
    """The characters where a number should stand are none; the text says which."""


DecimalReader = Callable[[bytes], Decimal | None]
BitsReader = Callable[[bytes], str | bool | None]


def decimal_reader(spec: DecimalSlice) -> DecimalReader:
    """Reads a number exactly as the device resolved it: 025936 with two places is 259.36, 000080 is 80.

    The reader gives None when there is no number: only padding, a frame too short for it, or a code for the decimal
    point that the profile does not know. It raises NotANumberError for anything else. Zero has no sign.
    """
    first, last = spec.at
    pad = spec.pad.encode("latin-1") if spec.pad else None
    places = _places_reader(spec.scale10) if spec.scale10 else None
    negative = _flag_reader(spec.negative_if) if spec.negative_if else None

    def read(body: bytes) -> Decimal | None:
        if len(body) < last:
            return None
        text = body[first:last]
        padded = text.lstrip(pad) if pad else text
        if not padded:
            return None
        digits = padded[1:] if padded[:1] in {b"+", b"-"} else padded
        if not digits.isdigit():
            raise NotANumberError(f"'{text.decode('latin-1')}' is not a number")
        point = places(body) if places else 0
        if point is None:
            return None
        number = int(digits)
        if padded[:1] == b"-" or (negative and negative(body)):
            number = -number
        return Decimal(number).scaleb(-point) if point > 0 else Decimal(number * 10**-point)

    return read


def bits_reader(spec: Bits) -> BitsReader:
    """Looks masked bits up; None when the profile's map does not have the code."""
    byte, mask, shift = spec.byte, spec.mask, _shift(spec.mask)
    further = {code: bits_reader(value) for code, value in spec.map.items() if isinstance(value, Bits)}
    table = {code: value for code, value in spec.map.items() if not isinstance(value, Bits)}

    def read(body: bytes) -> str | bool | None:
        code = (body[byte] & mask) >> shift
        return further[code](body) if code in further else table.get(code)

    return read


def state_reader(specs: tuple[StateIf, ...]) -> Callable[[bytes], str | None]:
    """The first state whose condition holds; None when none does and the frame carries a weight."""
    conditions = [(spec.byte, spec.mask, spec.equals << _shift(spec.mask), spec.state) for spec in specs]

    def read(body: bytes) -> str | None:
        for byte, mask, bits, state in conditions:
            if body[byte] & mask == bits:
                return state
        return None

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
