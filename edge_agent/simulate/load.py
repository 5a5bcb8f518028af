"""What rests on a truck scale while one truck rolls on, stands and rolls off. Pure: same arguments, same load.

The shape is that of a steel platform under a truck: each axle brings its share, the brake makes the platform bounce
above the truck's mass, the bounce dies away, and the idling engine keeps it trembling until the truck leaves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

BOUNCES = 2  # full swings while the platform settles
GRAM = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class LoadProfile:
    """How a truck comes and goes.

    Attributes:
        ramp_s: from the first axle on the platform to the last.
        settle_s: how long the platform bounces after that.
        roll_off_s: from the first axle off the platform to the last.
        axle_shares: each axle group's share of the mass, front first; their sum is 1.
        overshoot: height of the bounce, as a share of the mass.
        vibration_kilograms: the engine's tremble, at most this much either way; keep it below half a division less the
            distance of the truck's mass from a whole division, or the indicator will flicker.
        vibration_hertz: its frequency.
        seed: sets the tremble's phase, so that no two trucks shake alike.
    """

    ramp_s: float = 0.4
    settle_s: float = 0.3
    roll_off_s: float = 0.4
    axle_shares: tuple[Decimal, ...] = (Decimal("0.18"), Decimal("0.40"), Decimal("0.42"))
    overshoot: Decimal = Decimal("0.03")
    vibration_kilograms: Decimal = Decimal(5)
    vibration_hertz: float = 11.0
    seed: int = 0

    @property
    def still_after_s(self) -> float:
        """When the platform stands still, seconds after arrival."""
        return self.ramp_s + self.settle_s


def load_kilograms(
    t_since_arrival_s: float, truck_mass: Decimal, profile: LoadProfile, departed_after_s: float | None = None
) -> Decimal:
    """Load on the platform, kilograms, to the gram.

    Args:
        t_since_arrival_s: seconds since the first wheel touched the platform; negative before.
        truck_mass: kilograms.
        profile: how this truck comes and goes.
        departed_after_s: when it began to roll off, seconds since arrival; None while it is not known to leave.

    Returns:
        Exactly 0 before arrival and after the last axle has left.
    """
    share = sum(
        (
            axle * _resting(t_since_arrival_s, departed_after_s, number, profile)
            for number, axle in enumerate(profile.axle_shares)
        ),
        Decimal(0),
    )
    load = truck_mass * share
    standing = t_since_arrival_s >= profile.ramp_s and (
        departed_after_s is None or t_since_arrival_s < departed_after_s
    )
    if standing:
        load += _bounce(t_since_arrival_s, truck_mass, profile) + _tremble(t_since_arrival_s, profile)
    return load.quantize(GRAM)


def _resting(t: float, departed: float | None, number: int, profile: LoadProfile) -> Decimal:
    """How much of one axle group rests on the platform, 0 to 1."""
    axles = len(profile.axle_shares)
    on = _smooth(t, profile.ramp_s * number / axles, profile.ramp_s / axles)
    if departed is None:
        return on
    off = _smooth(t - departed, profile.roll_off_s * number / axles, profile.roll_off_s / axles)
    return on * (1 - off)


def _smooth(t: float, start: float, duration: float) -> Decimal:
    """0 before `start`, 1 after `start + duration`, without a corner in between."""
    x = min(1.0, max(0.0, (t - start) / duration))
    return _exact(x * x * (3 - 2 * x))


def _bounce(t: float, truck_mass: Decimal, profile: LoadProfile) -> Decimal:
    """The damped swing after the brake; none once the platform has settled."""
    x = (t - profile.ramp_s) / profile.settle_s
    if x >= 1:
        return Decimal(0)
    return truck_mass * profile.overshoot * _exact((1 - x) ** 3 * math.sin(2 * math.pi * BOUNCES * x))


def _tremble(t: float, profile: LoadProfile) -> Decimal:
    """The engine: two tones whose sum stays within the profile's amplitude."""
    phase = profile.seed * 0.6180339887  # golden ratio: spreads consecutive seeds evenly
    base = 2 * math.pi * (profile.vibration_hertz * t + phase)
    return profile.vibration_kilograms * _exact(0.7 * math.sin(base) + 0.3 * math.sin(1.7 * base))


def _exact(share: float) -> Decimal:
    return Decimal(f"{share:.6f}")
