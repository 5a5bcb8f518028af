"""Moments for tests: seconds on a monotonic clock."""

from __future__ import annotations

from edge_agent.model.moment import Moment, MonoNs, WallNs


def moment(seconds: float) -> Moment:
    nanoseconds = round(seconds * 1_000_000_000)
    return Moment(WallNs(1_795_000_000_000_000_000 + nanoseconds), MonoNs(nanoseconds), bytes(16), synchronised=True)
