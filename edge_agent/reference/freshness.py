"""How old what the collector said last is, and whether a slice may have been played again. Pure.

Whoever stands in between, with a certificate of the collector's, can record slices and play them again: the signature
of an old slice holds as well. What cannot be altered in it is when it was made, by the collector's clock. So

* a slice makes a gate younger only when it was made after every one before it;
* by a clock that a time service keeps, a gate is at least as old as the newest slice it took;
* a slice that was made long before the newest one is not taken, unless this machine's own clock says that it is of now:
  then it was the collector's clock that had been ahead.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs

BACK_NS: Final = 60 * SECOND
"""So far the collector's clock may step back before its slices are refused; until it has caught up gates grow older."""

TOLD_S: Final = 300
"""What was just said, and is older by the clock of who said it, is told."""

SET_NS: Final = 86_400 * SECOND
"""A wall clock that moved so much against the monotonic one was set: what left "long ago" by it may not have left."""


def is_old(made_ns: int, newest_ns: int, now: Moment) -> bool:
    """Whether a slice that was made then is one of long ago, `newest_ns` being when the newest one was made."""
    return made_ns < newest_ns - BACK_NS and abs(now.wall - made_ns) > BACK_NS


def newest(made_ns: int, newest_ns: int) -> int:
    """When the newest slice was made, after one that is not old: a clock that had been ahead was set right."""
    return made_ns if made_ns < newest_ns - BACK_NS else max(made_ns, newest_ns)


def age_s(fetched: Moment | None, made_ns: int, now: Moment) -> int | None:
    """Seconds since the collector last said that this is all; None when it never did.

    `fetched` is when this machine took that, `made_ns` when the newest slice was made; 0: not known.
    """
    if fetched is None:
        return None
    made_s = (now.wall - made_ns) / SECOND if made_ns and now.synchronised else 0.0
    return max(0, int(now.seconds_since(fetched)), int(made_s))


def told_old(age_s: int) -> str:
    """What is to be told when the collector has just said that this is all, and that is so old; "" when it is not."""
    if age_s <= TOLD_S:
        return ""
    return (
        f"The collector says that this is all, and said it {age_s} s ago by what it signed: its clock or this one's is "
        "wrong, or what it sent before is played again. Compare the clocks; where both are right, somebody stands in "
        "between"
    )


def told_made(made_ns: int, newest_ns: int) -> str:
    """Why a slice of long ago is refused."""
    # Every int64 of nanoseconds is a time between 1677 and 2262.
    made, newest_made = (datetime.fromtimestamp(each // SECOND, UTC) for each in (made_ns, newest_ns))
    return (
        f"it was made at {made:%Y-%m-%dT%H:%M:%SZ}, long before the newest one that this gate has "
        f"({newest_made:%Y-%m-%dT%H:%M:%SZ}): it was kept and played again, or a clock was set"
    )


def anchored(fetched: Moment, now: Moment) -> Moment:
    """The same age by clocks of which one was set since."""
    age_ns = max(0, int(now.seconds_since(fetched) * SECOND))
    return replace(now, wall=WallNs(now.wall - age_ns), mono=MonoNs(now.mono - age_ns))


def set_between(before: Moment, now: Moment) -> bool:
    """Whether the wall clock was set in between; across a boot only a step back can be told."""
    if now.boot_id != before.boot_id:
        return now.wall < before.wall
    return abs((now.wall - before.wall) - (now.mono - before.mono)) >= SET_NS
