"""What a scale's profile may say, layer by layer: `[device]`, `[link]`, `[frame]`, `[field.*]` and so on.

A profile is data only and describes one dialect of one device model; docs/profiles.md explains every key with examples.
Byte positions count from 0 within a frame; spans are half-open (`[1, 8]` is bytes 1 to 7). Unknown keys are errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Self, get_args

from pydantic import Field, StrictBool, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from edge_agent.drivers.asking import LinkLayer
from edge_agent.drivers.framing import FrameLayer, State
from edge_agent.drivers.layer import BytesRegex, Layer, Table, Word, bytes_regex
from edge_agent.drivers.sources import Bits, Condition, Default, Number, Source, Words
from edge_agent.model.readings import WeightKind, WeightUnit


class DeviceLayer(Layer):
    """Whose device this is, and where the facts come from."""

    maker: str
    models: Annotated[tuple[str, ...], Field(min_length=1)]
    source: str
    notes: str = ""


class ScaleFields(Layer):
    """What a scale's frame says. `stable` is the device's own motion bit; without it stability is inferred."""

    weight: Number
    tare: Number | None = None
    unit: Source
    kind: Source | None = None
    stable: Source | None = None

    @model_validator(mode="after")
    def _values_are_known(self) -> Self:
        _allow("unit", self.unit, get_args(WeightUnit))
        _allow("kind", self.kind, get_args(WeightKind))
        _allow("stable", self.stable, (True, False))
        return self


def _allow(field: str, source: Bits | Words | Default | None, allowed: tuple[str | bool, ...]) -> None:
    values: Iterable[str | bool] = ()
    if isinstance(source, Default):
        values = (source.default,)
    elif source is not None:
        values = source.values() if isinstance(source, Bits) else source.map.values()
    for value in values:
        if value not in allowed:
            names = ", ".join(str(known).lower() for known in allowed)
            what = f"{field} may be {names}, not {value!r}"
            raise PydanticCustomError("value", "{what}", {"what": what})


class StateIf(Condition):
    """When it holds, the frame carries a state and no weight."""

    state: State


class FlagIf(Condition):
    """When it holds, the frame carries a flag beside its weight or state."""

    flag: Word


class Also(Layer):
    """One more weight in the same frame, with everything but its kind as the first."""

    weight: Number
    kind: WeightKind


class Part(Layer):
    """Weights that the whole consists of (wheels, axles), in the unit of the whole.

    Attributes:
        find: regular expression over bytes; its one group is a part, and each match in the frame is one.
        groups: instead of find, the groups of the variant's `match` that are the parts.
        total: the group of the variant's `match` that the parts must add up to; otherwise the frame is garbled.
    """

    find: BytesRegex | None = None
    groups: tuple[str, ...] = ()
    total: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.find is None) == (not self.groups):
            raise PydanticCustomError("find", "give either find or groups")
        if self.find is not None and bytes_regex(self.find).groups != 1:
            raise PydanticCustomError("find", "find needs exactly one group: the digits of a part")
        return self


class Groups(Layer):
    """`[groups]`: a vehicle too long for the scale makes a ticket for each group of its axles.

    The weight of each is the sum so far, and must be what the tickets before it say.

    Attributes:
        number: the group of the variant's `match` that counts them from 1.
        own: the one with what this group of axles weighs.
    """

    number: str
    own: str


class Note(Layer):
    """What else the frame tells (an address, the device's time, a serial number): `text` with {groups} filled in.

    A frame without one of these groups has no such note. With `map`, the filled text is looked up. `leading`: it is at
    the beginning of the frame, and so may be the end of something else (an id, a frame that was cut), unless nothing
    printable stands in front. Notes under `[request.*]` are those of frames with the state `request`.
    """

    text: str
    leading: StrictBool = False
    map: Table[str, StrictInt | str] | None = None


class ScaleLayers(Layer):
    """A whole profile of a weighing indicator."""

    device: DeviceLayer
    link: LinkLayer
    frame: FrameLayer
    field: ScaleFields
    state_if: tuple[StateIf, ...] = ()
    flag_if: tuple[FlagIf, ...] = ()
    also: tuple[Also, ...] = ()
    part: Table[Word, Part] = Field(default_factory=dict)
    groups: Groups | None = None
    note: Table[Word, Note] = Field(default_factory=dict)
    request: Table[Word, Note] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fields_lie_inside(self) -> Self:
        lengths = [variant.length for variant in self.frame.variant if variant.length and not variant.state]
        shortest = min(lengths, default=None)
        for key, last in _reach(self):
            if shortest is not None and last >= shortest:
                raise PydanticCustomError(
                    "inside",
                    "{key} reaches byte {last}, and the shortest variant has only bytes 0 to {end}",
                    {"key": key, "last": last, "end": shortest - 1},
                )
        return self

    @model_validator(mode="after")
    def _groups_exist(self) -> Self:
        known = {group for variant in self.frame.variant for group in variant.groups}
        for key, group in _groups(self):
            if group not in known:
                what = f"{key} names the group '{group}', and no variant's match has (?P<{group}>…)"
                raise PydanticCustomError("group", "{what}", {"what": what})
        return self


def _reach(layers: ScaleLayers) -> Iterator[tuple[str, int]]:
    """The last byte that each field needs; tare is left out: a variant too short for it has none."""
    fields = layers.field
    if fields.weight.at:
        yield "field.weight", fields.weight.at[1] - 1
    for name, number in (("weight", fields.weight), ("tare", fields.tare)):
        if number and number.scale10:
            yield f"field.{name}.scale10", number.scale10.byte
        if number and number.negative_if:
            yield f"field.{name}.negative_if", number.negative_if.byte
    for name, bits in (("unit", fields.unit), ("kind", fields.kind), ("stable", fields.stable)):
        if isinstance(bits, Bits):
            yield from ((f"field.{name}", byte) for byte in bits.reach())
    for key, conditions in (("state_if", layers.state_if), ("flag_if", layers.flag_if)):
        yield from ((key, each.byte) for each in conditions if each.byte is not None and each.group is None)


def _groups(layers: ScaleLayers) -> Iterator[tuple[str, str]]:
    """Every group that is named outside of `match`."""
    fields = layers.field
    sources: list[tuple[str, Number | Bits | Words | Default | Condition | None]] = [
        ("field.weight", fields.weight),
        ("field.tare", fields.tare),
        ("field.unit", fields.unit),
        ("field.kind", fields.kind),
        ("field.stable", fields.stable),
        *(("state_if", condition) for condition in layers.state_if),
        *(("flag_if", condition) for condition in layers.flag_if),
        *(("also", each.weight) for each in layers.also),
        *((f"frame.variant.{each.name}", each.weight) for each in layers.frame.variant),
    ]
    for key, source in sources:
        if source is not None and not isinstance(source, Default) and source.group is not None:
            yield key, source.group
    for name, part in layers.part.items():
        named = (*part.groups, part.total) if part.total else part.groups
        yield from ((f"part.{name}", group) for group in named)
    if layers.groups is not None:
        yield from (("groups", group) for group in (layers.groups.number, layers.groups.own))


class Profile(ScaleLayers):
    """A loaded profile under the name that site files use, such as `scale/yaohua-xk3190-a9-tf0`."""

    name: str
