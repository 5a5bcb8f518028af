"""Where a profile's fields come from: spans, named groups and bits of a frame, and conditions on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, StrictBool, StrictInt, Tag, model_validator
from pydantic_core import PydanticCustomError

from edge_agent.drivers.layer import Layer, Mask, Position, Span, Table


class Places(Layer):
    """How many decimal places a number has; negative: zeros to add. A digit character, or bits looked up in `map`."""

    byte: Position
    as_: Annotated[Literal["digit"] | None, Field(alias="as")] = None
    mask: Mask | None = None
    map: Table[int, StrictInt] | None = None

    @model_validator(mode="after")
    def _digit_or_bits(self) -> Self:
        if (self.mask is None) != (self.map is None) or (self.as_ is None) == (self.map is None):
            raise PydanticCustomError("places", """give either as = "digit", or mask and map""")
        return self


class Flag(Layer):
    """True when any of the masked bits is set."""

    byte: Position
    mask: Mask


class Number(Layer):
    """A number, exactly as resolved: a span of bytes, or a named group of the variant's `match`.

    Attributes:
        type: "decimal" for characters, "binary" for an unsigned integer, its highest byte first.
        pad: the character that may stand before the sign and the digits; only padding means that there is no number.
        point: the characters that may stand for the decimal point; "" for digits only.
        reverse: the last digit is sent first.
    """

    from_: Annotated[Literal["slice", "group"], Field(alias="from")]
    at: Span | None = None
    group: str | None = None
    type: Literal["decimal", "binary"]
    pad: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    point: Annotated[str, Field(max_length=2)] = ""
    reverse: StrictBool = False
    scale10: Places | None = None
    negative_if: Flag | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.at is None) == (self.from_ == "slice") or (self.group is None) == (self.from_ == "group"):
            raise PydanticCustomError("source", 'a "slice" needs at, and a "group" needs group')
        return self


class Bits(Layer):
    """Masked bits, shifted down to bit 0 and looked up in `map`; a value may be a further look-up.

    `byte` counts within the frame, or within the named group of the variant's `match`.
    """

    from_: Annotated[Literal["bits"], Field(alias="from")] = "bits"
    group: str | None = None
    byte: Position
    mask: Mask
    map: Table[int, BitsValue]

    def values(self) -> Iterator[str | bool]:
        """Every value that a look-up can end in."""
        for value in self.map.values():
            if isinstance(value, Bits):
                yield from value.values()
            else:
                yield value

    def reach(self) -> Iterator[int]:
        """Every byte of the frame that a look-up can need."""
        if self.group is None:
            yield self.byte
        for value in self.map.values():
            if isinstance(value, Bits):
                yield from value.reach()


def _tag_value(value: object) -> str:
    if isinstance(value, (Mapping, Bits)):
        return "~bits"
    return "~flag" if isinstance(value, bool) else "~text"


BitsValue = Annotated[
    Annotated[str, Tag("~text")] | Annotated[StrictBool, Tag("~flag")] | Annotated[Bits, Tag("~bits")],
    Discriminator(_tag_value),
]
Bits.model_rebuild()


class Words(Layer):
    """The text of a named group of the variant's `match`, without spaces around it, looked up in `map`."""

    from_: Annotated[Literal["group"], Field(alias="from")]
    group: str
    map: Table[str, StrictBool | str]


class Default(Layer):
    """Not on the wire: this value, unless the site file says otherwise."""

    default: str


def _tag_source(value: object) -> str:
    if isinstance(value, Default) or (isinstance(value, Mapping) and "default" in value):
        return "~default"
    words = isinstance(value, Words) or (isinstance(value, Mapping) and value.get("from") == "group")
    return "~words" if words else "~bits"


Source = Annotated[
    Annotated[Bits, Tag("~bits")] | Annotated[Words, Tag("~words")] | Annotated[Default, Tag("~default")],
    Discriminator(_tag_source),
]


class Condition(Layer):
    """Holds when the masked bits, shifted down to bit 0, equal `equals`; or when a group's text `is` one of some.

    `byte` counts within the frame, or within the group. A group that is not part of the frame fulfils nothing.
    """

    group: str | None = None
    byte: Position | None = None
    mask: Mask | None = None
    equals: Annotated[StrictInt, Field(ge=0, le=0xFF)] | None = None
    is_: Annotated[tuple[str, ...] | None, Field(alias="is")] = None

    @model_validator(mode="after")
    def _bits_or_text(self) -> Self:
        bits = {self.byte is None, self.mask is None, self.equals is None}
        text = self.is_ is not None
        if (bits != {True} if text else bits != {False}) or (text and self.group is None):
            raise PydanticCustomError("condition", "give either byte, mask and equals, or group and is")
        return self
