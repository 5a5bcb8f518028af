"""Declarations that came → selections: the release mode of the declarant's class, and the draw. Each one once.

A later version of a declaration keeps the selection of its first: nobody draws again by amending. Every step is one
transaction together with the cursor, so it may be killed at any point.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog
from sqlalchemy import Connection, select

from collector.draws import seeds
from collector.draws.days import AFTER_LODGING, DAY, day_after, day_of, over_at
from collector.draws.policy import DrawPolicy
from collector.draws.rates import policy_of
from collector.draws.roster import on_duty
from collector.ledger.log import Ledger, read_head
from collector.reconcile.queue import advance, position
from collector.registers.intake import NewItem, enter
from collector.registers.reading import latest, officers
from collector.store import schema
from collector.store.engine import Store
from gate_contract import release
from gate_contract.rules import Policy
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.decision_pb2 import RELEASE_MODE_SUPERVISED
from gate_contract.v1.declaration_pb2 import Declaration

CURSOR: Final = "draws/declarations"
MOST_AT_ONCE: Final = 200
"""Declarations drawn in one transaction: others wait for the database meanwhile."""

SUPERVISED_SCAN: Final = "released under supervision: every consignment is scanned"
"""Selection.scan_ordered of a declaration that is released under supervision; others order no scan."""

_log = structlog.get_logger()


class Selector:
    """Draws for declarations as they come, commits to seeds beforehand and publishes them. Used by one thread."""

    def __init__(self, store: Store, ledger: Ledger, policy: Policy, draws: DrawPolicy) -> None:
        """`policy` has the rates where no policy is in the register."""
        self._store, self._ledger, self._policy, self._draws = store, ledger, policy, draws
        self._kept: tuple[str, int] = ("", 0)
        self._halted = ""

    def run_once(self, now_unix_ns: int) -> int:
        """Draw for at most MOST_AT_ONCE declarations; how many. Call it again while it is not 0. Blocking."""
        self._keep_seeds(now_unix_ns)
        with self._store.read() as connection:
            if not _arrived(connection, position(connection, CURSOR), 1):
                return 0
        with self._store.write() as connection:
            # The head's lock first: registers and seeds are then as they are when the entries are made.
            read_head(connection, lock=True)
            start = position(connection, CURSOR)
            arrived = _arrived(connection, start, MOST_AT_ONCE)
            if not arrived:
                return 0
            seed = seeds.commit(connection, self._ledger, day_of(now_unix_ns), now_unix_ns)
            if seed.published:
                self._halt(seed.day)
                return 0
            first = [each for each, _ in arrived if each.version == 1 and over_at(each) > now_unix_ns]
            enter(connection, self._ledger, self._selected(connection, first, seed, now_unix_ns), now_unix_ns)
            advance(connection, CURSOR, arrived[-1][1] + 1)
        return len(arrived)

    def _keep_seeds(self, now_unix_ns: int) -> None:
        """Commit to the seeds of today and tomorrow, and publish those that are due; looked at once an hour."""
        hour = day_of(now_unix_ns), now_unix_ns // seeds.HOUR
        if hour == self._kept:
            return
        with self._store.read() as connection:
            due = seeds.due(connection, self._draws.publish_after_hours, now_unix_ns)
            missing = [day for day in (hour[0], day_after(hour[0])) if seeds.seed_of(connection, day) is None]
        if due or missing:
            with self._store.write() as connection:
                for day in missing:
                    seeds.commit(connection, self._ledger, day, now_unix_ns)
                for day in due:
                    seeds.publish(connection, self._ledger, day, self._draws.publish_after_hours, now_unix_ns)
        self._kept = hour

    def _halt(self, day: str) -> None:
        if self._halted != day:
            _log.error(
                "declarations wait for tomorrow's draws: the seed of this day is public already",
                day=day,
                fix="the clock was ahead when it was published; check the clock",
            )
        self._halted = day

    def _selected(
        self, connection: Connection, declarations: Sequence[Declaration], seed: seeds.Seed, now_unix_ns: int
    ) -> list[NewItem]:
        if not declarations:
            return []
        ids = [each.declaration_id for each in declarations]
        drawn = latest(connection, pb.ITEM_KIND_SELECTION, ids, withdrawn=True)
        classes = credit_classes(connection, [each.declarant_id for each in declarations if each.declarant_id])
        roster = on_duty(officers(connection).values(), self._draws.authority, now_unix_ns)
        policies = latest(connection, pb.ITEM_KIND_POLICY, ["", *{each.site_id for each in declarations}])
        texts = {key: pb.PolicyText.FromString(item.body).toml for key, item in policies.items()}
        return [
            NewItem.of(
                pb.ITEM_KIND_SELECTION,
                each.declaration_id,
                _selection(
                    each.declaration_id,
                    classes.get(each.declarant_id, ""),
                    seed,
                    roster,
                    now_unix_ns,
                    policy_of(texts, each.site_id, self._policy),
                ),
                site_id=each.site_id,
                expires_unix_ns=_until(each, now_unix_ns) + self._draws.keep_days * DAY,
            )
            for each in declarations
            if each.declaration_id not in drawn
        ]


def credit_classes(connection: Connection, declarant_ids: Sequence[str]) -> dict[str, str]:
    """Class by declarant, of those that have one."""
    records = latest(connection, pb.ITEM_KIND_CREDIT, declarant_ids)
    return {key: pb.CreditRecord.FromString(item.body).credit_class for key, item in records.items()}


def _selection(
    declaration_id: str, credit_class: str, seed: seeds.Seed, roster: Sequence[str], now_unix_ns: int, policy: Policy
) -> pb.Selection:
    mode, _rate = release.mode_of(credit_class, policy)
    scan = SUPERVISED_SCAN if mode == RELEASE_MODE_SUPERVISED else ""
    return release.select(declaration_id, credit_class, seed.seed, roster, seed.day, now_unix_ns, policy, scan)


def _until(declaration: Declaration, now_unix_ns: int) -> int:
    """Departure; without one, the last moment at which the declaration may be of use; never before now."""
    return max(declaration.departure_unix_ns or declaration.lodged_unix_ns + AFTER_LODGING, now_unix_ns)


def _arrived(connection: Connection, start: int, most: int) -> list[tuple[Declaration, int]]:
    """(version, its ledger index) of those that came since, in order."""
    table = schema.declarations.c
    query = select(table.body, table.ledger_index).where(table.ledger_index >= start)
    rows = connection.execute(query.order_by(table.ledger_index).limit(most))
    return [(Declaration.FromString(row.body), row.ledger_index) for row in rows]
