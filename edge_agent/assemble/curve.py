"""The weight curve of a passage: every weight from the moment the scale left zero. Pure."""

from __future__ import annotations

from decimal import Decimal

from edge_agent.model.moment import Moment
from edge_agent.model.readings import WeightSample

MAX_SAMPLES = 6000
"""Ten minutes at 10 Hz; a vehicle that stands longer has its later samples left out, and the curve says so."""


class WeightCurve:
    """Collects one scale's samples while it is loaded."""

    def __init__(self, clear_kilograms: Decimal) -> None:
        """A load down to `clear_kilograms` begins a new curve."""
        self._clear = clear_kilograms
        self._begun: Moment | None = None
        self._lines: list[str] = []
        self._left_out = 0
        self.copies = 0
        """How many were made since the scale was empty."""

    def add(self, sample: WeightSample) -> None:
        """Take a sample; an empty scale begins anew."""
        kilograms = sample.weight.kilograms
        if kilograms <= self._clear:
            self._begun, self._lines, self._left_out, self.copies = sample.at, [], 0, 0
        elif len(self._lines) >= MAX_SAMPLES:
            self._left_out += 1
            return
        begun = self._begun = self._begun or sample.at
        stable = {True: "1", False: "0", None: ""}[sample.weight.stable]
        self._lines.append(f"{(sample.at.mono - begun.mono) // 1_000_000},{kilograms:f},{stable}")

    def csv(self) -> bytes:
        """The curve so far: milliseconds since the scale left zero, kilograms, the device's stable bit (or nothing)."""
        self.copies += 1
        tail = [f"# {self._left_out} later samples left out"] if self._left_out else []
        return ("\n".join(["milliseconds,kilograms,stable", *self._lines, *tail]) + "\n").encode()
