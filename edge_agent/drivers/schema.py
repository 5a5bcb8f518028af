"""What a device profile may say, layer by layer: `[device]`, `[link]`, `[frame]`, `[field.*]`, `[[state_if]]`.

A profile is data only and describes one dialect of one device model; docs/profiles.md explains every key with examples.
Byte positions count from 0 within a frame; spans are half-open (`[1, 8]` is bytes 1 to 7). Unknown keys are errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Literal, Self, TypeVar, get_args

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    StrictBool,
    StrictInt,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from edge_agent.drivers.layer import Layer
from edge_agent.model.readings import WeightKind, WeightUnit

MAX_FRAME = 1024
"""No profiled frame is longer; a larger bound would let a babbling device hold more memory."""


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
        re.compile(pattern.encode("latin-1"), re.DOTALL)
    except (re.error, UnicodeEncodeError) as error:
        raise PydanticCustomError("regex", "not a regular expression over bytes: {why}", {"why": str(error)}) from error
    return pattern


def _like(pattern: str, what: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise PydanticCustomError("form", "{what}", {"what": what})
        return text

    return AfterValidator(check)


Span = Annotated[tuple[StrictInt, StrictInt], AfterValidator(_span)]
Position = Annotated[StrictInt, Field(ge=0, lt=MAX_FRAME)]
Mask = Annotated[StrictInt, Field(ge=1, le=0xFF)]


class DeviceLayer(Layer):
    """Whose device this is, and where the facts come from."""

    maker: str
    models: Annotated[tuple[str, ...], Field(min_length=1)]
    source: str
    notes: str = ""


class LinkLayer(Layer):
    """How the device talks as delivered; the site file may override baud and format."""

    baud: Annotated[StrictInt, Field(ge=110, le=921_600)]
    format: Annotated[str, _like(r"[78][NEO][12]", "write data bits, parity and stop bits, such as '8N1' or '7E1'")]
    mode: Literal["listen"]


class Checksum(Layer):
    """`xor8`: XOR of the bytes. `neg7`: two's complement of the low 7 bits of their sum.

    Sent as one `byte`, or as `hex2`: two characters, the high nibble first, 0-9 A-F.
    """

    algorithm: Literal["xor8", "neg7"]
    over: Span
    at: Position
    encode: Literal["byte", "hex2"]

    @property
    def width(self) -> int:
        """Bytes that it takes in the frame."""
        return 2 if self.encode == "hex2" else 1


class Variant(Layer):
    """One shape of the device's frame. `next = "start"`: only whole if the next frame, or silence, follows."""

    name: str
    length: Annotated[StrictInt, Field(ge=2, le=MAX_FRAME)]
    match: Annotated[str, AfterValidator(_bytes_regex)]
    checksum: Checksum | None = None
    next: Literal["start"] | None = None

    @model_validator(mode="after")
    def _checksum_lies_inside(self) -> Self:
        if self.checksum and max(self.checksum.over[1], self.checksum.at + self.checksum.width) > self.length:
            raise PydanticCustomError("inside", "checksum reaches beyond the {n} bytes of length", {"n": self.length})
        return self


class FrameLayer(Layer):
    """Where frames begin and which shapes they have. `mask` is ANDed with every byte first (0x7F drops parity)."""

    start: Annotated[str, _like(r"[0-9a-fA-F]{2}", "write one byte as two hexadecimal digits, such as '02'")]
    max: Annotated[StrictInt, Field(ge=2, le=MAX_FRAME)]
    mask: Mask | None = None
    variant: Annotated[tuple[Variant, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _variants_fit(self) -> Self:
        if self.mask and int(self.start, 16) & ~self.mask:
            raise PydanticCustomError("start", "start has bits that mask removes: no frame would ever begin")
        names = [variant.name for variant in self.variant]
        if len(set(names)) < len(names):
            raise PydanticCustomError("variant", "two variants have one name")
        longest = max(variant.length for variant in self.variant)
        if longest > self.max:
            raise PydanticCustomError("variant", "max is less than a variant's length of {n}", {"n": longest})
        return self


class Places(Layer):
    """How many decimal places a number has; negative: zeros to add. A digit character, or bits looked up in `map`."""

    byte: Position
    as_: Annotated[Literal["digit"] | None, Field(alias="as")] = None
    mask: Mask | None = None
    map: Annotated[Mapping[int, StrictInt], AfterValidator(_frozen)] | None = None

    @model_validator(mode="after")
    def _digit_or_bits(self) -> Self:
        if (self.mask is None) != (self.map is None) or (self.as_ is None) == (self.map is None):
            raise PydanticCustomError("places", """give either as = "digit", or mask and map""")
        return self


class Flag(Layer):
    """True when any of the masked bits is set."""

    byte: Position
    mask: Mask


class DecimalSlice(Layer):
    """A decimal number from a span of characters, exactly as resolved; only padding means that there is none."""

    from_: Annotated[Literal["slice"], Field(alias="from")]
    at: Span
    type: Literal["decimal"]
    pad: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    scale10: Places | None = None
    negative_if: Flag | None = None


class Bits(Layer):
    """Masked bits, shifted down to bit 0 and looked up in `map`; a value may be a further look-up."""

    from_: Annotated[Literal["bits"], Field(alias="from")] = "bits"
    byte: Position
    mask: Mask
    map: Annotated[Mapping[int, BitsValue], AfterValidator(_frozen)]

    def values(self) -> Iterator[str | bool]:
        """Every value that a look-up can end in."""
        for value in self.map.values():
            if isinstance(value, Bits):
                yield from value.values()
            else:
                yield value


def _tag_value(value: object) -> str:
    if isinstance(value, (Mapping, Bits)):
        return "~bits"
    return "~flag" if isinstance(value, bool) else "~text"


BitsValue = Annotated[
    Annotated[str, Tag("~text")] | Annotated[StrictBool, Tag("~flag")] | Annotated[Bits, Tag("~bits")],
    Discriminator(_tag_value),
]
Bits.model_rebuild()


class Default(Layer):
    """Not on the wire: this value, unless the site file says otherwise."""

    default: str


def _tag_source(value: object) -> str:
    return "~default" if isinstance(value, Default) or (isinstance(value, Mapping) and "default" in value) else "~bits"


BitsOrDefault = Annotated[
    Annotated[Bits, Tag("~bits")] | Annotated[Default, Tag("~default")], Discriminator(_tag_source)
]


class ScaleFields(Layer):
    """What a scale's frame says. `stable` is the device's own motion bit; without it stability is inferred."""

    weight: DecimalSlice
    tare: DecimalSlice | None = None
    unit: BitsOrDefault
    kind: Bits | None = None
    stable: Bits | None = None

    @model_validator(mode="after")
    def _values_are_known(self) -> Self:
        units = [self.unit.default] if isinstance(self.unit, Default) else self.unit.values()
        _allow("unit", units, get_args(WeightUnit))
        _allow("kind", self.kind.values() if self.kind else [], get_args(WeightKind))
        _allow("stable", self.stable.values() if self.stable else [], (True, False))
        return self


def _allow(field: str, values: Iterable[str | bool], allowed: tuple[str | bool, ...]) -> None:
    for value in values:
        if value not in allowed:
            names = ", ".join(str(known).lower() for known in allowed)
            what = f"{field} may be {names}, not {value!r}"
            raise PydanticCustomError("value", "{what}", {"what": what})


class StateIf(Layer):
    """When the masked bits, shifted down to bit 0, equal `equals`, the frame carries a state and no weight."""

    byte: Position
    mask: Mask
    equals: Annotated[StrictInt, Field(ge=0, le=0xFF)]
    state: Literal["overload", "underload", "invalid"]


class ScaleLayers(Layer):
    """A whole profile of a weighing indicator."""

    device: DeviceLayer
    link: LinkLayer
    frame: FrameLayer
    field: ScaleFields
    state_if: tuple[StateIf, ...] = ()

    @model_validator(mode="after")
    def _fields_lie_inside(self) -> Self:
        shortest = min(variant.length for variant in self.frame.variant)
        for key, last in _reach(self):
            if last >= shortest:
                raise PydanticCustomError(
                    "inside",
                    "{key} reaches byte {last}, and the shortest variant has only bytes 0 to {end}",
                    {"key": key, "last": last, "end": shortest - 1},
                )
        return self


def _reach(layers: ScaleLayers) -> Iterator[tuple[str, int]]:
    """The last byte that each field needs; tare is left out: a variant too short for it has none."""
    fields = layers.field
    yield "field.weight", fields.weight.at[1] - 1
    for name, number in (("weight", fields.weight), ("tare", fields.tare)):
        if number and number.scale10:
            yield f"field.{name}.scale10", number.scale10.byte
        if number and number.negative_if:
            yield f"field.{name}.negative_if", number.negative_if.byte
    for name, bits in (("unit", fields.unit), ("kind", fields.kind), ("stable", fields.stable)):
        if isinstance(bits, Bits):
            yield from ((f"field.{name}", byte) for byte in _bytes_of(bits))
    yield from (("state_if", state.byte) for state in layers.state_if)


def _bytes_of(bits: Bits) -> Iterator[int]:
    yield bits.byte
    for value in bits.map.values():
        if isinstance(value, Bits):
            yield from _bytes_of(value)


class Profile(ScaleLayers):
    """A loaded profile under the name that site files use, such as `scale/yaohua-xk3190-a9-tf0`."""

    name: str
