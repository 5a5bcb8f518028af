"""The list of officers: who may sign orders, for which authority, from when until when."""

from __future__ import annotations

import re
from typing import Final

from sqlalchemy import Connection

from collector.draws.roster import in_office
from collector.errors import CollectorError
from collector.ledger.log import Ledger
from collector.registers.intake import Entered, NewItem, enter
from collector.registers.reading import officers
from collector.store.engine import Store
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.order_pb2 import Officer

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_RESERVED: Final = frozenset({"collector", "retention"})  # who acts in the ledger where no person did
_LIST: Final = "`gate-collector officers list` shows them"


def add(connection: Connection, ledger: Ledger, officer: Officer, now_unix_ns: int) -> Entered | None:
    """Enter an officer in the caller's write transaction; None when they are known just so.

    An id keeps its key and authority for ever, because orders signed with that key still refer to it. The entry names
    the deployment, so that what is signed for another one does not count here.

    Raises CollectorError when the id, key or term cannot be.
    """
    _check(officer, now_unix_ns)
    officer.deployment = ledger.deployment
    known = officers(connection)
    for other in known.values():
        if other.officer_id != officer.officer_id and other.public_key == officer.public_key:
            raise CollectorError(
                f"this key is already that of the officer {other.officer_id}",
                cause="an order needs two persons, and two ids with one key are one person",
                fix="let the officer make a key of their own with `gate-collector officers keygen FILE`",
            )
    before = known.get(officer.officer_id)
    if before is not None:
        for what, old, new in (
            ("key", before.public_key, officer.public_key),
            ("authority", before.authority, officer.authority),
        ):
            if old != new:
                raise CollectorError(
                    f"the officer {officer.officer_id} has another {what}",
                    cause="orders that were signed under this id would not hold any more",
                    fix=f"`gate-collector officers end {officer.officer_id}`, then add the officer under a new id",
                )
    entered = enter(connection, ledger, [NewItem.of(pb.ITEM_KIND_OFFICER, officer.officer_id, officer)], now_unix_ns)
    return entered[0] if entered else None


def end(
    connection: Connection,
    ledger: Ledger,
    officer_id: str,
    at_unix_ns: int,
    now_unix_ns: int,
    acts_until_unix_ns: int = 0,
) -> Officer:
    """End an officer's office at `at_unix_ns`, in the caller's write transaction. What they signed before holds.

    Of their acts those that a gate recorded before `acts_until_unix_ns`; 0: before a day after the end.

    Raises CollectorError when there is none, or their office ended earlier already.
    """
    officer = officers(connection).get(officer_id)
    if officer is None:
        raise CollectorError(f"there is no officer {officer_id!r}", fix=_LIST)
    if officer.valid_until_unix_ns and officer.valid_until_unix_ns <= at_unix_ns:
        raise CollectorError(f"the office of {officer_id} has an earlier end already", fix=_LIST)
    if at_unix_ns <= officer.valid_from_unix_ns:
        raise CollectorError(f"the office of {officer_id} begins only later", fix="name a later end with --at")
    officer.valid_until_unix_ns, officer.acts_until_unix_ns = at_unix_ns, acts_until_unix_ns
    _check_acts_until(officer)
    officer.deployment = ledger.deployment
    enter(connection, ledger, [NewItem.of(pb.ITEM_KIND_OFFICER, officer_id, officer)], now_unix_ns)
    return officer


def name_deployment(store: Store, ledger: Ledger, now_unix_ns: int) -> int:
    """Enter the deployment for officers whom an older release entered without; returns for how many."""
    with store.read() as connection:
        if all(officer.deployment for officer in officers(connection).values()):
            return 0
    with store.write() as connection:
        unnamed = [officer for officer in officers(connection).values() if not officer.deployment]
        for officer in unnamed:
            officer.deployment = ledger.deployment
        items = [NewItem.of(pb.ITEM_KIND_OFFICER, each.officer_id, each) for each in unnamed]
        return len(enter(connection, ledger, items, now_unix_ns))


def acting(connection: Connection, officer_id: str, now_unix_ns: int) -> Officer:
    """The officer who does something now. CollectorError when there is none of this id, or not in office."""
    officer = officers(connection).get(officer_id)
    if officer is None:
        raise CollectorError(f"there is no officer {officer_id!r}", fix=_LIST)
    if not in_office(officer, now_unix_ns):
        raise CollectorError(f"the officer {officer_id} is not in office now", fix="an officer in office must do it")
    return officer


def check_actor(connection: Connection, actor: str, now_unix_ns: int) -> str:
    """Who does what is not an authority's act, at the collector: an officer in office, where any are registered.

    Returns a note for who asked; "" when the actor is known. Where nobody is registered nobody can be checked, and a
    new collector has to forget as well: anything with the form of an id does.

    Raises CollectorError when it is no officer in office, or cannot be an id.
    """
    if officers(connection):
        acting(connection, actor, now_unix_ns)
        return ""
    _check_name("id", actor)
    return (
        f"note: no officers are registered, so nobody can tell who {actor!r} is. Enter them with "
        "`gate-collector officers add`"
    )


def _check(officer: Officer, now_unix_ns: int) -> None:
    for what, text in (("id", officer.officer_id), ("authority", officer.authority)):
        _check_name(what, text)
    if officer.valid_until_unix_ns and officer.valid_until_unix_ns <= max(officer.valid_from_unix_ns, now_unix_ns):
        raise CollectorError(
            f"the office of {officer.officer_id} would end before it begins, or is over already",
            fix="write --until as a moment to come, e.g. 2027-01-01",
        )
    _check_acts_until(officer)


def _check_acts_until(officer: Officer) -> None:
    if officer.acts_until_unix_ns and not 0 < officer.valid_until_unix_ns <= officer.acts_until_unix_ns:
        raise CollectorError(
            f"acts of {officer.officer_id} would end before the office does, or it has no end",
            fix="write --acts-until as a moment at or after the end of the office",
        )


def _check_name(what: str, text: str) -> None:
    if not _NAME.fullmatch(text) or text in _RESERVED:
        raise CollectorError(
            f"{text[:80]!r} cannot be an officer's {what}",
            cause="the collector goes by this name itself" if text in _RESERVED else "",
            fix="use 1 to 63 letters, digits, dots, hyphens and underscores; an id names nobody",
        )
