"""Officers on duty, among whom is drawn. Pure.

On duty is who is in office of the authority and neither gives nor approves orders: who says what is to be stopped does
not also inspect it. The roster follows from the register of officers alone, so nobody can leave out a colleague, and
whoever checks a draw can make the roster again. Leave is entered there: `valid_until`, or withdrawn.
"""

from __future__ import annotations

from collections.abc import Iterable

from gate_contract.v1.order_pb2 import Officer

_ALWAYS = 1 << 63


def in_office(officer: Officer, at_unix_ns: int) -> bool:
    """Whether the officer was in office then."""
    return officer.valid_from_unix_ns <= at_unix_ns < (officer.valid_until_unix_ns or _ALWAYS)


def on_duty(officers: Iterable[Officer], authority: str, at_unix_ns: int) -> list[str]:
    """Ids, in order."""
    return sorted(
        each.officer_id
        for each in officers
        if each.authority == authority and not each.author and not each.approver and in_office(each, at_unix_ns)
    )
