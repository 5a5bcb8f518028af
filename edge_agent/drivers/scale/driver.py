"""The scale driver: an indicator's bytes in; weights, frames without a weight, and garbled bytes out. Sans-IO."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import cast

from edge_agent.drivers.engine import Frame, FrameParser, Garbled
from edge_agent.drivers.fields import (
    NotANumberError,
    NumberReader,
    ValueReader,
    condition_reader,
    first_of,
    note_reader,
    number_reader,
    part,
    parts_reader,
    value_reader,
)
from edge_agent.drivers.framing import Variant
from edge_agent.drivers.schema import Profile
from edge_agent.drivers.sources import Default
from edge_agent.errors import ConfigError
from edge_agent.model.readings import NoWeight, Weight, WeightKind, WeightUnit

NOTHING: Mapping[str, str | int] = MappingProxyType({})
NO_PARTS: Mapping[str, tuple[Decimal, ...]] = MappingProxyType({})

ASIDE = frozenset({"tare", "answer", "identity", "request", "echo"})
"""States that say nothing about what stands on the scale: a weight before such a frame holds on."""


@dataclass(frozen=True, slots=True)
class Read:
    """One frame and what it means; one Read a weight where a frame has several.

    Attributes:
        flags: what the device says beside it ("hold", "center_of_zero"), in the profile's words.
        notes: what else the frame tells: address, device time, serial number.
        parts: weights that this one consists of (wheels, axles), in its unit and the order of the frame.
        group: of a ticket for one of several groups of axles of a vehicle: which, from 1; 0 for any other frame.
        before: the parts of the vehicle's groups before this one; None when those tickets were not all heard.
        index: 0 for the frame's first weight.
        printed: the frame is a ticket, and this the weight that it is about: at rest, without another like it.
    """

    frame: Frame
    reading: Weight | NoWeight
    flags: tuple[str, ...] = ()
    notes: Mapping[str, str | int] = field(default_factory=lambda: NOTHING)
    parts: Mapping[str, tuple[Decimal, ...]] = field(default_factory=lambda: NO_PARTS)
    group: int = 0
    before: Mapping[str, tuple[Decimal, ...]] | None = field(default_factory=lambda: NO_PARTS)
    index: int = 0
    printed: bool = False

    @property
    def is_about_the_load(self) -> bool:
        """False for an echo, a request, an answer to something else: it says nothing about the platform."""
        return isinstance(self.reading, Weight) or self.reading.state not in ASIDE


class ScaleDriver:
    """Reads one indicator as its profile says.

    Args:
        profile: the indicator's profile.
        variant: pins one variant of its frame (the site file's `variant`); None tells them apart frame by frame.
        unit: what the digits are in, for an indicator that does not send it; None takes the profile's default.

    Raises:
        ConfigError: no such variant, or a unit given for an indicator that sends its own.
    """

    def __init__(self, profile: Profile, *, variant: str | None = None, unit: WeightUnit | None = None) -> None:
        self._parser = FrameParser(profile, variant)
        _refuse_needless_unit(profile, unit)
        self._meanings = {shape.name: _Meaning(profile, shape, unit) for shape in profile.frame.variant}

    def feed(self, chunk: bytes) -> list[Read | Garbled]:
        """What these bytes complete, in the order of the stream."""
        return self._read(self._parser.feed(chunk))

    def flush(self) -> list[Read | Garbled]:
        """The rest, when no more bytes come: end of input, or a silence longer than any pause inside a frame."""
        return self._read(self._parser.flush())

    def _read(self, items: list[Frame | Garbled]) -> list[Read | Garbled]:
        found: list[Read | Garbled] = []
        for item in items:
            if isinstance(item, Frame):
                found += self._meanings[item.variant].of(item)
            else:
                found.append(item)
        return found


@dataclass(frozen=True, slots=True)
class _Vehicle:
    """What the tickets for a vehicle's groups of axles say so far; `parts` is None when they were not all heard."""

    number: int = 0
    total: Decimal = Decimal(0)
    parts: Mapping[str, tuple[Decimal, ...]] | None = field(default_factory=lambda: NO_PARTS)


NO_VEHICLE = _Vehicle()


class _Meaning:
    """What the frames of one variant mean: the profile's fields, compiled. Remembers a vehicle weighed in groups."""

    def __init__(self, profile: Profile, variant: Variant, unit: WeightUnit | None) -> None:
        fields, groups, says = profile.field, variant.groups, variant.says
        self._state = first_of(((each, each.state) for each in profile.state_if), groups)
        self._always = variant.state
        self._printed = says.printed
        self._weight = number_reader(variant.weight or fields.weight, groups)
        self._tare = number_reader(fields.tare, groups) if fields.tare else None
        wire = None if isinstance(fields.unit, Default) else value_reader(fields.unit, groups)
        default = fields.unit.default if isinstance(fields.unit, Default) else None
        self._unit: ValueReader = wire or _given(unit or says.unit or default)
        self._kind = _given(says.kind) if says.kind else value_reader(fields.kind, groups)
        self._stable = _given(says.stable) if says.stable is not None else value_reader(fields.stable, groups)
        flags = ((condition_reader(each, groups), each.flag) for each in profile.flag_if)
        self._flags = [(holds, flag) for holds, flag in flags if holds]
        told = profile.request if variant.state == "request" else profile.note
        notes = ((name, note_reader(note.text, groups), note) for name, note in told.items())
        self._notes = [(name, reader, note.map, note.leading) for name, reader, note in notes if reader]
        self._parts = [
            (name, parts_reader(told.find, told.groups, groups), groups.get(told.total or ""))
            for name, told in profile.part.items()
            if told.total is None or told.total in groups
        ]
        counted = profile.groups
        self._group = (groups.get(counted.number, 0), groups.get(counted.own, 0)) if counted else (0, 0)
        self._vehicle = NO_VEHICLE
        self._also = [
            (number_reader(each.weight, groups), each.kind) for each in profile.also if each.weight.group in groups
        ]

    def of(self, frame: Frame) -> list[Read | Garbled]:
        """The frame's weight (or weights), its state, or why its characters are no number."""
        state = (self._state(frame) if self._state else None) or self._always
        flags = tuple(flag for holds, flag in self._flags if holds(frame)) if self._flags else ()
        notes = self._notes_of(frame) if self._notes else NOTHING
        try:
            if state is not None:  # its digits are not even looked at, but for a tare
                told = self._told_tare(frame) if state == "tare" else NOTHING
                return [Read(frame, NoWeight(state, frame.raw), flags, {**notes, **told} if told else notes)]
            unit, tare = self._unit(frame), self._tare(frame) if self._tare else None
            weight = self._weight_of(frame, self._weight, None, unit, tare)
            parts = self._parts_of(frame) if self._parts else NO_PARTS
            group, before = self._group_of(frame, weight, parts) if all(self._group) else (0, NO_PARTS)
            found: list[Read | Garbled] = [
                Read(frame, weight, flags, notes, parts, group, before, printed=self._printed)
            ]
            for index, (number, kind) in enumerate(self._also, start=1):
                found.append(Read(frame, self._weight_of(frame, number, kind, unit, tare), flags, notes, index=index))
        except NotANumberError as error:
            return [Garbled(frame.offset, frame.raw, str(error))]
        return found

    def _weight_of(
        self,
        frame: Frame,
        number: NumberReader,
        kind: WeightKind | None,
        unit: str | bool | None,
        tare: Decimal | None,
    ) -> Weight | NoWeight:
        value = number(frame)
        if value is None or unit is None:  # blank digits, or a unit that no weight here may have (ounces)
            return NoWeight("invalid", frame.raw)
        # The profile's schema has checked every value that its maps can give.
        told = kind or cast("WeightKind | None", self._kind(frame) if self._kind else None)
        stable = cast("bool | None", self._stable(frame) if self._stable else None)
        return Weight(value, cast("WeightUnit", unit), told, stable, tare, frame.raw)

    def _told_tare(self, frame: Frame) -> Mapping[str, str | int]:
        value, unit = self._weight(frame), self._unit(frame)
        return NOTHING if value is None or unit is None else {"tare": format(value, "f"), "unit": str(unit)}

    def _notes_of(self, frame: Frame) -> Mapping[str, str | int]:
        notes: dict[str, str | int] = {}
        for name, reader, table, leading in self._notes:
            text = reader(frame) if frame.begins or not leading else None
            told = table.get(text) if table is not None and text is not None else text
            if told is not None:
                notes[name] = told
        return notes

    def _parts_of(self, frame: Frame) -> Mapping[str, tuple[Decimal, ...]]:
        parts: dict[str, tuple[Decimal, ...]] = {}
        for name, reader, total in self._parts:
            found = parts[name] = reader(frame)
            if total and sum(found) != (whole := part(frame.match[total])):
                raise NotANumberError(f"the {name} do not add up to {whole}: {', '.join(map(str, found))}")
        return parts

    def _group_of(
        self, frame: Frame, weight: Weight | NoWeight, parts: Mapping[str, tuple[Decimal, ...]]
    ) -> tuple[int, Mapping[str, tuple[Decimal, ...]] | None]:
        """Which group of axles a ticket is for, and the parts of those before; NotANumberError when sums disagree."""
        if not isinstance(weight, Weight):
            return 0, NO_PARTS
        number, own, total = int(part(frame.match[self._group[0]])), part(frame.match[self._group[1]]), weight.value
        last, self._vehicle = self._vehicle if number > 1 else NO_VEHICLE, NO_VEHICLE
        heard = number == last.number + 1
        if (heard and total != last.total + own) or total < own:
            what = f"the accumulated total is {total}: with {last.total} before, {own} of this group do not make it"
            raise NotANumberError(what)
        before = last.parts if heard else None
        so_far = {name: (*before.get(name, ()), *more) for name, more in parts.items()} if before else parts
        self._vehicle = _Vehicle(number, total, None if before is None else so_far)
        return number, before


def _given(value: str | bool | None) -> Callable[[Frame], str | bool | None]:  # the value, not how to do it
    return lambda _frame: value


def _refuse_needless_unit(profile: Profile, unit: WeightUnit | None) -> None:
    """A unit may be given where a variant without a unit on the wire exists."""
    source = profile.field.unit
    if unit is None or isinstance(source, Default):
        return
    with_weight = [shape for shape in profile.frame.variant if shape.state is None]
    if any(source.group is not None and source.group not in shape.groups for shape in with_weight):
        return
    raise ConfigError(
        f"The unit of {profile.name} cannot be set to {unit}",
        cause="the indicator sends its unit with every weight",
        fix="Remove the key unit",
    )
