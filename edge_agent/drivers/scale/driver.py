"""The scale driver: an indicator's bytes in; weights, frames without a weight, and garbled bytes out. Sans-IO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from edge_agent.drivers.engine import Frame, FrameParser, Garbled
from edge_agent.drivers.fields import BitsReader, NotANumberError, bits_reader, decimal_reader, state_reader
from edge_agent.drivers.schema import Default, Profile
from edge_agent.errors import ConfigError
from edge_agent.model.readings import NoWeight, Weight, WeightKind, WeightUnit


@dataclass(frozen=True, slots=True)
class Read:
    """One frame and what it means."""

    frame: Frame
    reading: Weight | NoWeight


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
        fields = profile.field
        self._parser = FrameParser(profile, variant)
        self._state = state_reader(profile.state_if)
        self._weight = decimal_reader(fields.weight)
        self._tare = decimal_reader(fields.tare) if fields.tare else None
        self._kind = bits_reader(fields.kind) if fields.kind else None
        self._stable = bits_reader(fields.stable) if fields.stable else None
        self._unit = _unit_reader(profile, unit)

    def feed(self, chunk: bytes) -> list[Read | Garbled]:
        """What these bytes complete, in the order of the stream."""
        return [self._read(item) if isinstance(item, Frame) else item for item in self._parser.feed(chunk)]

    def flush(self) -> list[Read | Garbled]:
        """The rest, when no more bytes come: end of input, or a silence longer than any pause inside a frame."""
        return [self._read(item) if isinstance(item, Frame) else item for item in self._parser.flush()]

    def _read(self, frame: Frame) -> Read | Garbled:
        """A frame with a state has no weight: its digits are not even looked at."""
        body = frame.body
        state = self._state(body)
        if state is not None:
            return Read(frame, NoWeight(state, frame.raw))
        try:
            value = self._weight(body)
            tare = self._tare(body) if self._tare else None
        except NotANumberError as error:
            return Garbled(frame.offset, frame.raw, str(error))
        unit = self._unit(body)
        if value is None or unit is None:  # blank digits, or a unit that no weight here may have (ounces)
            return Read(frame, NoWeight("invalid", frame.raw))
        # The profile's schema has checked every value that its maps can give.
        kind = cast("WeightKind | None", self._kind(body) if self._kind else None)
        stable = cast("bool | None", self._stable(body) if self._stable else None)
        return Read(frame, Weight(value, cast("WeightUnit", unit), kind, stable, tare, frame.raw))


def _unit_reader(profile: Profile, unit: WeightUnit | None) -> BitsReader:
    source = profile.field.unit
    if isinstance(source, Default):
        given = unit or source.default
        return lambda _body: given
    if unit is None:
        return bits_reader(source)
    raise ConfigError(
        f"The unit of {profile.name} cannot be set to {unit}",
        cause="the indicator sends its unit with every weight",
        fix="Remove the key unit",
    )
