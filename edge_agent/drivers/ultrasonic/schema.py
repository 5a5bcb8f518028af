"""What the profile of a distance sensor says: its register, what a count means, and when a place is empty."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from edge_agent.drivers.io.schema import ModbusLayer, PointText
from edge_agent.drivers.layer import Layer
from edge_agent.drivers.schema import DeviceLayer
from edge_agent.model.points import point

DecimalText = Annotated[Decimal, Field(allow_inf_nan=False, strict=False)]


class MeasureLayer(Layer):
    """`[measure]`: millimetres = count × `mm_per_count` + `offset_mm`. Decimals are written as text.

    `no_echo`: counts that mean that nothing was measured. `in_range`: the lowest and highest count (signed for "s16")
    that the sensor gives while it works; others are of a broken wire, a short or a lost supply. `uncertainty_mm`:
    standard uncertainty (k = 1).
    """

    register_: Annotated[PointText, Field(alias="register")]
    type: Literal["u16", "s16"]
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
        return self


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
