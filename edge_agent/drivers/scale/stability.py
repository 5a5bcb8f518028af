"""When a scale has come to rest: weights in, one StableWeight a plateau out. Pure; time is the samples' own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from edge_agent.drivers.scale.uncertainty import AccuracyClass, axle_by_axle_uncertainty, standard_uncertainty
from edge_agent.model.moment import MonoNs
from edge_agent.model.readings import Stability, StableWeight, WeightKind, WeightSample, WeightUnit

MILLISECOND = 1_000_000

LONGEST_PAUSE_MS = 2_000
"""After a longer silence (or one longer than the window) nobody knows what the platform did: rest is shown anew."""


@dataclass(slots=True)
class _Rest:
    """Samples in a row that agree within one division, all of one unit, kind and source of stability."""

    first: MonoNs
    last: MonoNs
    lowest: Decimal
    highest: Decimal
    unit: WeightUnit
    kind: WeightKind | None
    stability: Stability
    samples: int = 1
    reported: bool = False


class StabilityDetector:
    """Finds the plateaus of one scale. Holds two extremes and a count, however long a truck stands.

    With a motion bit, the device must say "stable" in `min_samples` samples in a row: one glitch does not count.
    Without one, the samples must agree for the whole window, `min_samples` of them at least, and the result is
    marked inferred. Either way they agree within one division, or exactly when the division is not known.

    Args:
        device_id: the scale, as in the site file.
        window_ms: how long samples without a motion bit must agree.
        min_samples: how many samples in a row must agree.
        division: verification division e in kilograms; None when the site file does not give it.
        min_kilograms: below it the platform counts as empty and is not reported.
        accuracy_class: OIML R76 class, for the uncertainty.
    """

    def __init__(
        self,
        device_id: str,
        window_ms: int,
        min_samples: int,
        division: Decimal | None,
        min_kilograms: Decimal,
        *,
        accuracy_class: AccuracyClass = "III",
    ) -> None:
        self._device_id = device_id
        self._window_ns = window_ms * MILLISECOND
        self._pause_ns = max(window_ms, LONGEST_PAUSE_MS) * MILLISECOND
        self._min_samples = min_samples
        self._division = division
        self._min_kilograms = min_kilograms
        self._accuracy_class: AccuracyClass = accuracy_class
        self._rest: _Rest | None = None

    def interrupt(self) -> None:
        """The scale gave no weight (overload, lost link): a plateau does not go on across it."""
        self._rest = None

    def feed(self, sample: WeightSample) -> StableWeight | None:
        """The stable weight that this sample completes. Once a plateau: again only after it moved or was unstable."""
        weight = sample.weight
        if weight.stable is False or weight.kilograms < self._min_kilograms:
            self._rest = None
            return None
        rest = self._rest = self._join(sample)
        if rest.reported or rest.samples < self._min_samples:
            return None
        span_ns = rest.last - rest.first
        if rest.stability is Stability.INFERRED and span_ns < self._window_ns:
            return None
        rest.reported = True
        return StableWeight(
            device_id=self._device_id,
            at=sample.at,
            weight=weight,
            stability=rest.stability,
            samples=rest.samples,
            span_ms=span_ns // MILLISECOND,
            uncertainty_kilograms=standard_uncertainty(weight.kilograms, self._division, self._accuracy_class),
            division_kilograms=self._division,
        )

    def printed(self, sample: WeightSample, axles: Sequence[Decimal] = (), *, group: int = 0) -> StableWeight | None:
        """The weight of a ticket, which was at rest when it was printed; None for an empty platform.

        Args:
            sample: the ticket's weight.
            axles: kilograms of those that are known; what was weighed before and is not is one more load.
            group: which of the vehicle's groups of axles it is for, from 1; 0 when it is not weighed in groups.
        """
        self._rest = None
        kilograms = sample.weight.kilograms
        if kilograms < self._min_kilograms:
            return None
        rest = kilograms - sum(axles)
        loads = [*axles, rest] if rest else axles
        return StableWeight(
            device_id=self._device_id,
            at=sample.at,
            weight=sample.weight,
            stability=Stability.DEVICE,
            samples=1,
            span_ms=0,
            uncertainty_kilograms=axle_by_axle_uncertainty(loads, self._division, self._accuracy_class),
            division_kilograms=self._division,
            axles=() if rest else tuple(axles),
            goes_on=group > 1,
        )

    def _join(self, sample: WeightSample) -> _Rest:
        """The rest so far with this sample, or a new one that begins with it."""
        weight, now, kilograms = sample.weight, sample.at.mono, sample.weight.kilograms
        stability = Stability.INFERRED if weight.stable is None else Stability.DEVICE
        rest = self._rest
        if rest is not None:
            lowest, highest = min(rest.lowest, kilograms), max(rest.highest, kilograms)
            same = (rest.unit, rest.kind, rest.stability) == (weight.unit, weight.kind, stability)
            if same and highest - lowest <= (self._division or 0) and now - rest.last <= self._pause_ns:
                rest.lowest, rest.highest, rest.last = lowest, highest, now
                rest.samples += 1
                return rest
        return _Rest(now, now, kilograms, kilograms, weight.unit, weight.kind, stability)
