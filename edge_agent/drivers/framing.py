"""The `[frame]` layer of a profile: where frames begin and end, which shapes they have, how they are checked."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import xor
from typing import Annotated, Literal, Self

from pydantic import Field, StrictBool, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from edge_agent.drivers.layer import MAX_FRAME, BytesRegex, HexByte, Layer, Mask, Position, Span, bytes_regex
from edge_agent.drivers.sources import Number
from edge_agent.model.readings import WeightKind, WeightUnit

State = Literal[
    "overload",
    "underload",
    "invalid",
    "motion",
    "busy",
    "error",
    "error_syntax",
    "error_transmission",
    "error_logical",
    "status",
    "tare",
    "answer",
    "identity",
    "request",
    "echo",
]
"""What a good frame without a weight says. `motion`: only weights at rest are sent, and now there is none. `status`:
status bits and no weight. From `tare` on it says nothing about what stands on the scale."""


class Checksum(Layer):
    """`xor8`: XOR of the bytes. `sum8`: the low 8 bits of their sum. `neg7`: two's complement of its low 7 bits.

    Sent as one `byte`, or as `hex2`: two characters, the high nibble first, 0-9 A-F.
    """

    algorithm: Literal["xor8", "sum8", "neg7"]
    over: Span
    at: Position
    encode: Literal["byte", "hex2"]

    @property
    def width(self) -> int:
        """Bytes that it takes in the frame."""
        return 2 if self.encode == "hex2" else 1


COMPUTE: dict[tuple[str, str], Callable[[bytes], bytes]] = {
    ("xor8", "byte"): lambda over: bytes((reduce(xor, over),)),
    ("xor8", "hex2"): lambda over: b"%02X" % reduce(xor, over),
    ("sum8", "byte"): lambda over: bytes((sum(over) & 0xFF,)),
    ("sum8", "hex2"): lambda over: b"%02X" % (sum(over) & 0xFF),
    ("neg7", "byte"): lambda over: bytes((-sum(over) & 0x7F,)),
    ("neg7", "hex2"): lambda over: b"%02X" % (-sum(over) & 0x7F),
}
"""(algorithm, encode): the checksum of some bytes as it is sent."""


class Says(Layer):
    """What every frame of a variant says without a byte for it.

    Attributes:
        unit: of its weight.
        kind: of its weight.
        stable: whether the load stands still.
        printed: it is a ticket, printed once when the weighing was done: at rest, though no byte says so.
    """

    unit: WeightUnit | None = None
    kind: WeightKind | None = None
    stable: StrictBool | None = None
    printed: StrictBool = False


class Variant(Layer):
    """One shape of the device's frame.

    Attributes:
        name: what the site file pins.
        length: bytes; None for a frame that goes on to the first bytes that match `end`.
        end: regular expression; the frame ends with its first match.
        start: the byte that this variant begins with; None takes the frame layer's.
        match: regular expression over all bytes of the frame.
        checksum: only for a frame of fixed length.
        next: "start": only whole if the next frame, or silence, follows. "same": only if a frame of this very variant
            follows, or silence after one.
        after: regular expression over one byte. The frame counts only where such a byte stands directly in front of it,
            or another frame, or nothing: otherwise it could be the end of a longer one.
        loose: its frames differ in length from device to device, and not within one: for `steady` each length is a
            variant.
        state: such a frame carries this state and no weight.
        says: what it means without a byte that says it.
        weight: where its weight is, if not where `[field.weight]` says.
    """

    name: str
    length: Annotated[StrictInt, Field(ge=1, le=MAX_FRAME)] | None = None
    end: BytesRegex | None = None
    start: HexByte | None = None
    match: BytesRegex
    checksum: Checksum | None = None
    next: Literal["start", "same"] | None = None
    after: BytesRegex | None = None
    loose: StrictBool = False
    state: State | None = None
    says: Says = Says()
    weight: Number | None = None

    @property
    def groups(self) -> dict[str, int]:
        """The named groups of `match`, with their numbers."""
        return dict(bytes_regex(self.match).groupindex)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.length is None) == (self.end is None):
            raise PydanticCustomError("length", "give either length or end")
        if self.end is not None and bytes_regex(self.end).match(b""):
            raise PydanticCustomError("end", "end matches nothing at all: name at least one byte")
        if self.checksum and self.length is None:
            raise PydanticCustomError("inside", "a checksum needs a length")
        if self.checksum and max(self.checksum.over[1], self.checksum.at + self.checksum.width) > (self.length or 0):
            raise PydanticCustomError("inside", "checksum reaches beyond the {n} bytes of length", {"n": self.length})
        if self.next == "same" and self.length is None:
            raise PydanticCustomError("next", 'next = "same" needs a length')
        return self


class FrameLayer(Layer):
    """Where frames begin and which shapes they have.

    Attributes:
        start: the byte every frame begins with; None if frames begin with various bytes.
        max: no variant is longer.
        mask: ANDed with every byte first (0x7F drops parity).
        steady: the device sends one of the variants only (beside those with a state, and tickets). So, when none is
            pinned, a frame of another variant than the one before counts only from the second in a row: a first is a
            damaged one.
    """

    start: HexByte | None = None
    max: Annotated[StrictInt, Field(ge=2, le=MAX_FRAME)]
    mask: Mask | None = None
    steady: StrictBool = False
    variant: Annotated[tuple[Variant, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _variants_fit(self) -> Self:
        names = [variant.name for variant in self.variant]
        if len(set(names)) < len(names):
            raise PydanticCustomError("variant", "two variants have one name")
        for variant in self.variant:
            start = variant.start or self.start
            if self.mask and start and int(start, 16) & ~self.mask:
                raise PydanticCustomError("start", "start has bits that mask removes: no frame would ever begin")
            if variant.next == "start" and start is None:
                raise PydanticCustomError("next", 'next = "start" needs a start')
        longest = max(variant.length or 0 for variant in self.variant)
        if longest > self.max:
            raise PydanticCustomError("variant", "max is less than a variant's length of {n}", {"n": longest})
        return self
