"""Release modes: how a declaration's goods are let go, from its declarant's credit class and a draw. Pure.

The collector selects when a declaration comes, before anybody knows which officer will stand at the lane. A selection
holds everything that it followed from but the day's seed; once that is published anybody can repeat it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

from gate_contract import draws
from gate_contract.draws import Draw, DrawError
from gate_contract.rules.policy import Policy
from gate_contract.rules.tolerances import ReleasePolicy
from gate_contract.v1.decision_pb2 import (
    RELEASE_MODE_DECLARATION,
    RELEASE_MODE_SAMPLING,
    RELEASE_MODE_SUPERVISED,
    RELEASE_MODE_VERIFICATION,
    ReleaseMode,
)
from gate_contract.v1.register_pb2 import Selection

GOOD: Final = "good"
WARNED: Final = "warned"
DISHONEST: Final = "dishonest"
SERIOUSLY_DISHONEST: Final = "seriously dishonest"
CREDIT_CLASSES: Final = (GOOD, WARNED, DISHONEST, SERIOUSLY_DISHONEST)
"""The best first."""


def mode_of(credit_class: str, policy: Policy, *, on_duty: bool = True) -> tuple[ReleaseMode.ValueType, int]:
    """Release mode of a class, and how many of ten thousand such declarations are drawn.

    Where nobody is `on_duty` who could inspect, nobody good or unknown is drawn: draws begin with the first officer.
    Who is known not to be good is drawn all the same, and a person must be found.

    A class that is "", or that this release does not know, is released by sampling, at a rate of its own: somebody of
    whom nothing is known is neither trusted nor suspected.
    """
    rates: ReleasePolicy = policy.release
    modes = {
        GOOD: (RELEASE_MODE_DECLARATION, rates.good_of_ten_thousand),
        WARNED: (RELEASE_MODE_VERIFICATION, rates.warned_of_ten_thousand),
        DISHONEST: (RELEASE_MODE_SAMPLING, rates.dishonest_of_ten_thousand),
        SERIOUSLY_DISHONEST: (RELEASE_MODE_SUPERVISED, draws.TEN_THOUSAND),
    }
    mode, rate = modes.get(credit_class, (RELEASE_MODE_SAMPLING, rates.unknown_of_ten_thousand))
    needs_officer = credit_class not in {WARNED, DISHONEST, SERIOUSLY_DISHONEST}
    return mode, 0 if needs_officer and not on_duty else rate


def select(
    declaration_id: str,
    credit_class: str,
    seed: bytes,
    roster: Collection[str],
    day: str,
    now_unix_ns: int,
    policy: Policy,
    scan_ordered: str = "",
) -> Selection:
    """Select a declaration for inspection, or not.

    Args:
        declaration_id: unique; a declaration has one draw, whatever its versions.
        credit_class: one of `CREDIT_CLASSES`; "" when not known.
        seed: of the day, 32 bytes.
        roster: ids of the officers on duty, in any order.
        day: of the seed, "YYYY-MM-DD": the day of `now_unix_ns` in UTC.
        now_unix_ns: nanoseconds since 1970-01-01T00:00:00Z.
        policy: in force.
        scan_ordered: why a scan is ordered with it; "" when none is.

    Raises:
        DrawError: the seed is none, or is not of this day.
    """
    mode, rate = mode_of(credit_class, policy, on_duty=bool(roster))
    drawn = draws.draw(seed, declaration_id, rate, roster)
    selection = Selection(
        declaration_id=declaration_id,
        mode=mode,
        credit_class=credit_class,
        rate=rate,
        drawn=drawn.drawn,
        officer_id=drawn.officer,
        day=day,
        selected_unix_ns=now_unix_ns,
        scan_ordered=scan_ordered,
        roster=sorted(set(roster)),
    )
    _check_day(selection)
    return selection


def check_selection(selection: Selection, seed: bytes, commitment: bytes, policy: Policy) -> None:
    """Repeat a selection with the seed that was published after its day.

    Args:
        selection: as recorded.
        seed: as published.
        commitment: to the seed of `selection.day`, as entered into the ledger before that day's first draw.
        policy: that was in force.

    Raises:
        DrawError: it does not follow; the message names the declaration.
    """
    _check_day(selection)
    mode, rate = mode_of(selection.credit_class, policy, on_duty=bool(selection.roster))
    if (mode, rate) != (selection.mode, selection.rate):
        raise DrawError(
            f"{selection.declaration_id}: recorded as released {_told(selection.mode, selection.rate)}, but the policy"
            f" gives {_told(mode, rate)} for class {selection.credit_class or '(not known)'!r}"
        )
    recorded = Draw(selection.declaration_id, selection.rate, selection.drawn, selection.officer_id)
    draws.check(commitment, seed, recorded, selection.roster)


def _check_day(selection: Selection) -> None:
    """Who could choose among the seeds of several days could choose what is drawn."""
    # Every int64 of nanoseconds is a day between 1677 and 2262.
    day = datetime.fromtimestamp(selection.selected_unix_ns // 1_000_000_000, UTC).date().isoformat()
    if day != selection.day:
        raise DrawError(f"{selection.declaration_id}: selected on {day} with the seed of {selection.day or 'no day'}")


def _told(mode: ReleaseMode.ValueType, rate: int) -> str:
    name = ReleaseMode.Name(mode) if mode in ReleaseMode.values() else str(mode)
    return f"{name.removeprefix('RELEASE_MODE_').lower()} at {rate} of {draws.TEN_THOUSAND}"
