"""What the profile of a distance sensor says: its register, what a count means, and when a place is empty."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from decimal import Decimal
from functools import reduce
from math import isfinite
from typing import Annotated, Literal, Self

from pydantic import Field, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from edge_agent.drivers.io.schema import ModbusLayer, PointText
from edge_agent.drivers.layer import Layer
from edge_agent.drivers.schema import DeviceLayer
from edge_agent.model.points import HIGHEST_ADDRESS, point

DecimalText = Annotated[Decimal, Field(allow_inf_nan=False, strict=False)]


class MeasureLayer(Layer):
    """`[measure]`: millimetres = count × `mm_per_count` + `offset_mm`. Decimals are written as text.

    `no_echo`: counts that mean that nothing was measured. `in_range`: the lowest and highest count (signed for "s16")
    that the sensor gives while it works; others are of a broken wire, a short or a lost supply. `uncertainty_mm`:
    standard uncertainty (k = 1).

    `type`: of the count. One of 32 bits, "f32" being IEEE 754, fills this register and the next, the high word first
    unless `low_word_first`; makers do not agree on that.
    """

    register_: Annotated[PointText, Field(alias="register")]
    type: Literal["u16", "s16", "u32", "s32", "f32"]
    low_word_first: bool = False
    mm_per_count: DecimalText
    offset_mm: DecimalText = Decimal(0)
    uncertainty_mm: Annotated[DecimalText, Field(ge=0)]
    no_echo: tuple[StrictInt, ...] = ()
    in_range: tuple[StrictInt, StrictInt] | None = None

    @model_validator(mode="after")
    def _is_a_register(self) -> Self:
        if not point(self.register_).is_register:
            raise PydanticCustomError("register", "register names a whole register, such as 'input:0'")
        if self.in_range is not None and self.in_range[0] >= self.in_range[1]:
            raise PydanticCustomError("in_range", "in_range is [lowest, highest] count")
        if point(self.register_).address + self.registers > HIGHEST_ADDRESS + 1:
            raise PydanticCustomError("register", "a count of 32 bits needs a register behind this one")
        if self.low_word_first and self.registers == 1:
            raise PydanticCustomError("words", "low_word_first is for a type of 32 bits")
        return self

    @property
    def registers(self) -> int:
        """How many the count fills."""
        return 1 if self.type.endswith("16") else 2

    def joined(self, registers: Sequence[int]) -> int:
        """The bits of the count, from its registers in the order of their addresses."""
        high_first = registers[::-1] if self.low_word_first else registers
        return reduce(lambda bits, register: bits << 16 | register, high_first)

    def value(self, bits: int) -> Decimal | None:
        """The count; None for a float that is no number."""
        width = 16 * self.registers
        if self.type == "f32":
            (number,) = struct.unpack(">f", bits.to_bytes(4))
            return Decimal(f"{number:.7g}") if isfinite(number) else None
        return Decimal(bits - (1 << width) if self.type[0] == "s" and bits >> (width - 1) else bits)


class EmptyLayer(Layer):
    """`[empty]`: occupied nearer than `occupied_below_mm`, empty beyond `empty_above_mm`, in between as before.

    Each must hold for `settle_milliseconds`. No echo means empty where nothing stands behind the place
    (`no_echo_is_empty`).
    """

    occupied_below_mm: Annotated[StrictInt, Field(ge=0)]
    empty_above_mm: Annotated[StrictInt, Field(ge=0)]
    settle_milliseconds: Annotated[StrictInt, Field(ge=0, le=60_000)]
    no_echo_is_empty: bool

    @model_validator(mode="after")
    def _leaves_a_gap(self) -> Self:
        if self.occupied_below_mm > self.empty_above_mm:
            raise PydanticCustomError("gap", "occupied_below_mm must not be more than empty_above_mm")
        return self


class UltrasonicProfile(Layer):
    """`ultrasonic/*`: a distance sensor behind a Modbus register."""

    name: str
    device: DeviceLayer
    link: ModbusLayer
    measure: MeasureLayer
    empty: EmptyLayer
